// A query's whole way: query-frontend, scheduler and queriers, each as in a process of its own, with what connects them
// in production.

#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <thread>

#include "chunkenc/xor_chunk.hpp"
#include "components/querier/offers.hpp"
#include "components/query_frontend/query_frontend.hpp"
#include "components/query_frontend/remote_read.hpp"
#include "components/query_scheduler/query_scheduler.hpp"
#include "encoding/compression.hpp"
#include "promql/parser.hpp"
#include "random_results.hpp"
#include "rpc/ordered_series_set.hpp"
#include "rpc/querier_directory.hpp"
#include "rpc/query_runner_routes.hpp"
#include "rpc/query_scheduler_routes.hpp"
#include "rpc/remote_query_runner.hpp"
#include "rpc/remote_query_scheduler.hpp"
#include "rpc/scheduler_dispatch.hpp"
#include "test_ends.hpp"
#include "wire/remote_read.hpp"

namespace mimir::rpc::test {
namespace {

using mimir::test::eventually;
using mimir::test::seeded_random;

RequestContext context_of(std::string_view tenant) {
    return {
        .tenant = *model::TenantId::parse(tenant),
        .cancellation = CancellationToken::create(),
        .trace_id = {}
    };
}

/// n{i="..."}, each with its number as its one sample; in the order of their labels.
class NumberedSeries final : public chunkenc::SeriesSet {
  public:
    explicit NumberedSeries(std::size_t count) : chunks_(count) {
        for (std::size_t i = 0; i < count; ++i) {
            labels_.push_back(model::Labels{{"__name__", "n"}, {"i", fmt::format("{:05}", i)}});
            chunks_[i].append({1000}, static_cast<double>(i));
        }
    }
    [[nodiscard]] std::size_t count() const override { return labels_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return labels_[index];
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        batch.clear();
        for (std::size_t i = first; i < first + count; ++i) {
            batch.begin_series();
            batch.add(
                {.range = {{1000}, {1000}},
                 .encoding = chunkenc::Encoding::xor_float,
                 .data = chunks_[i].data()}
            );
        }
        return {};
    }

  private:
    std::vector<model::Labels> labels_;
    std::vector<chunkenc::XorChunk> chunks_;
};

/// What a handler writes as its body.
struct TextWriter final : http::BodyWriter {
    http::asio::awaitable<Result<void>> write(std::string_view piece) override {
        text += piece;
        co_return Result<void>();
    }
    std::string text;
};

/// Answers queries with what it is told to; when it is to hang, only once the query is canceled.
class Evaluator final : public QueryRunner {
  public:
    Answer<promql::QueryResult> query(RequestContext context, promql::Query, promql::ExprPtr)
        override {
        ++begun;
        while (hangs && !context.cancellation.canceled()) co_await runtime::sleep_for(1ms);
        co_return answer.with([](const auto& current) { return current; });
    }
    Answer<Selection<model::Labels>> series(RequestContext, SelectionQuery) override {
        return unasked<Selection<model::Labels>>();
    }
    Answer<Selection<std::string>> label_names(RequestContext, SelectionQuery) override {
        return unasked<Selection<std::string>>();
    }
    Answer<Selection<std::string>> label_values(RequestContext, std::string, SelectionQuery)
        override {
        return unasked<Selection<std::string>>();
    }
    Answer<std::vector<model::SeriesExemplars>> exemplars(RequestContext, SelectionQuery) override {
        return unasked<std::vector<model::SeriesExemplars>>();
    }
    Answer<std::vector<model::MetricMetadata>> metadata(RequestContext, MetadataQuery) override {
        return unasked<std::vector<model::MetricMetadata>>();
    }
    Answer<std::unique_ptr<chunkenc::SeriesSet>> select(RequestContext, model::Matchers, TimeRange)
        override {
        co_return std::make_unique<OrderedSeriesSet>(std::make_unique<NumberedSeries>(selected));
    }

    std::size_t selected = 0;
    std::atomic<int> begun = 0;
    std::atomic<bool> hangs = false;
    Guarded<Result<promql::QueryResult>> answer{promql::QueryResult{promql::Scalar{{1000}, 2}}};

  private:
    template <class T>
    static Answer<T> unasked() {
        co_return fail(ErrorKind::internal, "not asked here");
    }
};

class OneScheduler final : public QuerySchedulerDirectory {
  public:
    OneScheduler(PeerPool& peers, std::string address)
        : peers_(peers), entry_{.id = "s", .address = std::move(address)} {}

    [[nodiscard]] std::vector<QuerySchedulerEntry> running() const override { return {entry_}; }
    [[nodiscard]] std::shared_ptr<QueryScheduler> at(const QuerySchedulerEntry& entry) override {
        return std::make_shared<RemoteQueryScheduler>(peers_.at(entry.address));
    }
    [[nodiscard]] std::shared_ptr<QueryScheduler> local() const override { return nullptr; }

  private:
    PeerPool& peers_;
    const QuerySchedulerEntry entry_;
};

struct SchedulerProcess {
    SchedulerProcess() {
        routes = register_query_scheduler_routes(server.internal(), scheduler, 200ms);
    }
    ~SchedulerProcess() {
        scheduler.stop();
        routes.clear();
    }
    [[nodiscard]] bool has_open(int count) const {
        return eventually(5s, [&] { return metrics.open_slots.value() == count; });
    }
    [[nodiscard]] bool has_in_flight(int count) const {
        return eventually(5s, [&] { return metrics.inflight_requests.value() == count; });
    }

    TestServer server;
    config::LimitsProvider limits{config::Limits()};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    query_scheduler::Metrics metrics{scope};
    query_scheduler::QueryScheduler scheduler{
        {},
        {.limits = limits,
         .io = server.executors.io,
         .metrics = metrics,
         .no_querier_timeout = 500ms}
    };
    std::vector<http::RouteRegistration> routes;
};

struct QuerierProcess {
    QuerierProcess(const SchedulerProcess& scheduler, std::string id, std::size_t slot_count)
        : schedulers(caller.pool, scheduler.server.address()) {
        routes = register_query_runner_routes(
            server.internal(), slots, {.query = server.executors.query}
        );
        offers.emplace(
            querier::Offers::Options{
                .slots = slot_count, .look_interval = 20ms, .backoff_min = 10ms, .backoff_max = 50ms
            },
            querier::Offers::Environment{
                schedulers, slots, caller.io, {std::move(id), server.address(), ""}, {}
            }
        );
    }
    ~QuerierProcess() {
        if (offers) offers->take_back();
        routes.clear();
        offers.reset();
        slots.wait_until_quiet();
    }
    /// As if it were killed: connections end, nobody says why.
    void kill() {
        server.stop();
        offers.reset();
    }

    TestServer server;
    TestCaller caller{options_for()};
    OneScheduler schedulers;
    Evaluator evaluator;
    querier::Slots slots{evaluator};
    std::vector<http::RouteRegistration> routes;
    std::optional<querier::Offers> offers;
};

promql::Query instant(std::string text) { return promql::Query::instant(std::move(text), {1000}); }

struct FrontendProcess {
    explicit FrontendProcess(
        const SchedulerProcess& scheduler,
        std::size_t max_retries = 2,
        PeerOptions peers = options_for()
    )
        : caller(std::move(peers)),
          schedulers(caller.pool, scheduler.server.address()),
          frontend(
              {.max_retries = max_retries, .ring = {}},
              {limits, dispatch, executors.query, metrics, telemetry::Logger()}
          ) {}

    Result<promql::QueryResult> ask(const RequestContext& context, promql::Query query) {
        auto expr = promql::parse_expr(query.text);
        REQUIRE_OK(expr);
        auto evaluated = runtime::wait(
            caller.io, frontend.evaluate(context, std::move(query), *std::move(expr))
        );
        if (!evaluated) return tl::unexpected(std::move(evaluated).error());
        return std::move(evaluated->result);
    }

    TestCaller caller;
    OneScheduler schedulers;
    modules::Slot<TicketedQuerier> local_querier;
    QuerierPool queriers{
        {.peers = caller.pool,
         .local = local_querier,
         .local_id = "frontend",
         .remote = [](auto peer, std::uint64_t ticket
                   ) { return std::make_shared<RemoteQueryRunner>(std::move(peer), ticket); }}
    };
    SchedulerDispatch dispatch{{.not_running_timeout = 1s}, schedulers, queriers};
    runtime::Executors executors{
        {.ingest = {1, 1}, .query = {1, 100}, .background = {1, 1}, .admin = {1, 1}}
    };
    config::LimitsProvider limits{config::Limits()};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    query_frontend::Metrics metrics{scope};
    query_frontend::QueryFrontend frontend;
};

/// Asks on a thread of its own.
struct Asking {
    explicit Asking(FrontendProcess& frontend)
        : thread([this, &frontend] { answer.emplace(frontend.ask(context_of("a"), instant("up"))); }
          ) {}
    Result<promql::QueryResult> get() {
        thread.join();
        return *answer;
    }

    std::optional<Result<promql::QueryResult>> answer;
    std::jthread thread;
};

TEST_SUITE("rpc/query_path") {
    TEST_CASE("what a querier found comes out of the query-frontend, bit for bit") {
        SchedulerProcess scheduler;
        QuerierProcess querier(scheduler, "q", 2);
        FrontendProcess frontend(scheduler);
        REQUIRE(scheduler.has_open(2));
        SeededRandom random = seeded_random();
        for (int i = 0; i < 40; ++i) {
            const promql::QueryResult found = random_result(random);
            querier.evaluator.answer.with([&](auto& answer) { answer = found; });
            const auto got = frontend.ask(context_of("a"), instant("up"));
            REQUIRE_OK(got);
            const bool is_same = to_text(*got) == to_text(found);
            REQUIRE(is_same);
        }
        CHECK(querier.evaluator.begun == 40);
        CHECK(scheduler.has_open(2));
        CHECK(scheduler.has_in_flight(0));
    }

    TEST_CASE("a range query's parts run in the slots that there are, and all slots come back") {
        SchedulerProcess scheduler;
        QuerierProcess querier(scheduler, "q", 2);
        FrontendProcess frontend(scheduler);
        REQUIRE(scheduler.has_open(2));
        querier.evaluator.answer.with([](auto& answer) {
            answer = promql::QueryResult{promql::Matrix{}, {}, {.samples = 3, .chunks = 5}};
        });
        const std::int64_t day_ms = 86'400'000;
        const auto got = frontend.ask(
            context_of("a"),
            {.text = "up", .start = {0}, .end = {10 * day_ms - 1}, .step = std::chrono::hours(1)}
        );
        REQUIRE_OK(got);
        CHECK(querier.evaluator.begun == 10);
        CHECK(got->statistics.samples == 30);
        CHECK(got->statistics.chunks == 50);
        CHECK(scheduler.has_open(2));
        CHECK(scheduler.has_in_flight(0));
    }

    TEST_CASE("remote read sends series of a querier elsewhere in the order of their labels") {
        SchedulerProcess scheduler;
        QuerierProcess querier(scheduler, "q", 1);
        FrontendProcess frontend(scheduler);
        REQUIRE(scheduler.has_open(1));
        SUBCASE("none") {}
        SUBCASE("one") { querier.evaluator.selected = 1; }
        SUBCASE("many") { querier.evaluator.selected = 3000; }
        wire::ReadRequest read{.queries = {{{{0}, {2000}}, {}}}};
        const auto ask = [&](http::Request& request) {
            std::string message;
            wire::encode_read_request(read, message);
            encoding::snappy_compress(message, request.body);
            request.context = context_of("a");
            auto answer = [&]() -> http::asio::awaitable<Result<http::Response>> {
                co_return co_await query_frontend::answer_remote_read(frontend.frontend, request);
            };
            return runtime::wait(frontend.caller.io, answer());
        };
        NumberedSeries expected(querier.evaluator.selected);
        chunkenc::ChunkBatch batch;
        std::string series;
        std::string chunks;
        for (std::size_t i = 0; i < expected.count(); ++i) {
            const model::Sample sample{{1000}, static_cast<double>(i)};
            wire::append_result_series(expected.labels(i), std::span(&sample, 1), {}, series);
            REQUIRE_OK(expected.load(i, 1, batch));
            const chunkenc::ChunkView& chunk = batch.chunks_of(0)[0];
            const wire::ReadChunk one{chunk.range, 1, chunk.data};
            wire::append_chunked_frame(expected.labels(i), std::span(&one, 1), 0, chunks);
        }
        std::string samples;
        wire::append_query_result(series, samples);

        http::Request request;
        const auto sampled = ask(request);
        REQUIRE_OK(sampled);
        REQUIRE(sampled->status == 200);
        std::string got;
        REQUIRE_OK(encoding::snappy_decompress(sampled->body, 10 << 20, got));
        CHECK((got == samples));

        read.accepted = {wire::ReadResponseType::streamed_xor_chunks};
        const auto streamed = ask(request);
        REQUIRE_OK(streamed);
        REQUIRE(streamed->status == 200);
        TextWriter written;
        REQUIRE_OK(runtime::wait(frontend.caller.io, streamed->stream(written)));
        CHECK((written.text == chunks));
        CHECK(scheduler.has_in_flight(0));
    }

    TEST_CASE("a ticket that a querier does not know is told by its id, also over the wire") {
        SchedulerProcess scheduler;
        QuerierProcess querier(scheduler, "q", 1);
        FrontendProcess frontend(scheduler);
        RemoteQueryRunner runner(frontend.caller.pool.at(querier.server.address()), 4711);
        const auto got = runtime::wait(
            frontend.caller.io,
            runner.query(context_of("a"), instant("up"), *promql::parse_expr("up"))
        );
        REQUIRE_FALSE(got);
        CHECK(got.error().kind == ErrorKind::not_found);
        CHECK(got.error().id == TicketedQuerier::kUnknownTicket);
        CHECK(querier.evaluator.begun == 0);
    }

    TEST_CASE("when a querier is killed while it evaluates, the query goes to another") {
        SchedulerProcess scheduler;
        FrontendProcess frontend(scheduler, 0);
        QuerierProcess dies(scheduler, "dies", 1);
        dies.evaluator.hangs = true;
        REQUIRE(scheduler.has_open(1));
        Asking asking(frontend);
        CHECK(eventually(5s, [&] { return dies.evaluator.begun == 1; }));
        QuerierProcess lives(scheduler, "lives", 1);
        CHECK(scheduler.has_open(1));
        dies.kill();
        const auto got = asking.get();
        REQUIRE_OK(got);
        CHECK(std::get<promql::Scalar>(got->value).value == 2);
        CHECK(dies.evaluator.begun == 1);
        CHECK(lives.evaluator.begun == 1);
        CHECK(scheduler.has_open(1));
        CHECK(scheduler.has_in_flight(0));
    }

    TEST_CASE("a query is evaluated again when its querier freezes, though it answers later") {
        SchedulerProcess scheduler;
        PeerOptions peers = options_for();
        peers.health_check_interval = 100ms;
        FrontendProcess frontend(scheduler, 0, peers);
        QuerierProcess freezes(scheduler, "freezes", 1);
        freezes.evaluator.hangs = true;
        REQUIRE(scheduler.has_open(1));
        Asking asking(frontend);
        CHECK(eventually(5s, [&] { return freezes.evaluator.begun == 1; }));
        QuerierProcess lives(scheduler, "lives", 1);
        CHECK(scheduler.has_open(1));
        std::promise<void> resume;
        http::asio::post(freezes.server.executors.io.executor(), [&] {
            resume.get_future().wait();
        });
        const auto got = asking.get();
        resume.set_value();
        REQUIRE_OK(got);
        CHECK(freezes.evaluator.begun == 1);
        CHECK(lives.evaluator.begun == 1);
    }

    TEST_CASE("slots of queriers that can't be reached, or do not know the ticket, cost no retry") {
        SchedulerProcess scheduler;
        FrontendProcess frontend(scheduler, 0);
        std::string address = "unix:///nowhere";
        bool with_open_circuit = false;
        std::optional<QuerierProcess> lives;
        SUBCASE("refused") {}
        SUBCASE("malformed address") { address = "nowhere at all"; }
        SUBCASE("open circuit") { with_open_circuit = true; }
        SUBCASE("unknown ticket") {
            lives.emplace(scheduler, "lives", 1);
            REQUIRE(scheduler.has_open(1));
            lives->offers.reset();
            REQUIRE(scheduler.has_open(0));
            address = lives->server.address();
        }
        if (with_open_circuit) {
            const auto peer = frontend.caller.pool.at(address);
            for (int i = 0; i < 3; ++i) REQUIRE(!frontend.caller.call(peer, "test/any"));
            REQUIRE(!peer->state());
        }
        Asking asking(frontend);
        REQUIRE(scheduler.has_in_flight(1));
        for (std::uint64_t ticket = 1; ticket <= 3; ++ticket) {
            REQUIRE_OK(runtime::wait(
                frontend.caller.io,
                scheduler.scheduler.offer(
                    {.querier_id = "q", .address = address, .ticket = ticket}, {}
                )
            ));
        }
        QuerierProcess querier(scheduler, "querier", 1);
        REQUIRE_OK(asking.get());
        CHECK(querier.evaluator.begun == 1);
    }

    TEST_CASE("what a querier answers is evaluated again as often as max_retries says") {
        SchedulerProcess scheduler;
        QuerierProcess querier(scheduler, "q", 2);
        REQUIRE(scheduler.has_open(2));
        Error error{ErrorKind::unavailable, {}, "too many instances failed"};
        std::size_t max_retries = 0;
        int evaluations = 0;
        SUBCASE("never") { evaluations = 1; }
        SUBCASE("twice") {
            max_retries = 2;
            evaluations = 3;
        }
        SUBCASE("also when the querier itself could not reach somebody") {
            error.id = kPeerUnreachable;
            max_retries = 2;
            evaluations = 3;
        }
        SUBCASE("not at all, when it is the query's fault") {
            error.kind = ErrorKind::invalid;
            max_retries = 2;
            evaluations = 1;
        }
        querier.evaluator.answer.with([&](auto& answer) { answer = tl::unexpected(error); });
        FrontendProcess frontend(scheduler, max_retries);
        const auto got = frontend.ask(context_of("a"), instant("up"));
        REQUIRE_FALSE(got);
        CHECK(got.error().kind == error.kind);
        CHECK(got.error().id.empty());
        CHECK(querier.evaluator.begun == evaluations);
    }

    TEST_CASE("a query that its client gives up ends at the querier, and is not tried again") {
        SchedulerProcess scheduler;
        QuerierProcess querier(scheduler, "q", 1);
        FrontendProcess frontend(scheduler);
        querier.evaluator.hangs = true;
        REQUIRE(scheduler.has_open(1));
        RequestContext context = context_of("a");
        std::optional<Result<promql::QueryResult>> got;
        std::thread asking([&] { got.emplace(frontend.ask(context, instant("up"))); });
        CHECK(eventually(5s, [&] { return querier.evaluator.begun == 1; }));
        context.cancellation.cancel();
        asking.join();
        REQUIRE_FALSE(*got);
        CHECK(got->error().kind == ErrorKind::canceled);
        CHECK(scheduler.has_open(1));
        CHECK(scheduler.has_in_flight(0));
        CHECK(querier.evaluator.begun == 1);
    }
}

}  // namespace
}  // namespace mimir::rpc::test
