#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "chunkenc/series_set.hpp"
#include "promql/printer.hpp"
#include "random_results.hpp"
#include "rpc/ordered_series_set.hpp"
#include "rpc/query_runner_routes.hpp"
#include "rpc/remote_query_runner.hpp"
#include "test_ends.hpp"

namespace mimir::rpc::test {
namespace {

using chunkenc::ChunkBatch;
using chunkenc::SeriesSet;
using http::asio::awaitable;
using mimir::test::eventually;
using mimir::test::labels;
using model::Labels;

constexpr TimestampMs kNow{1'700'000'000'000};
constexpr TimeRange kRange{{-5}, kNow};
constexpr std::uint64_t kTicket = 18'000'000'000'000'000'000U;

/// Series of one chunk each, whose bytes are made up.
class MadeUpSeries final : public SeriesSet {
  public:
    explicit MadeUpSeries(std::size_t count, std::size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {
        for (std::size_t i = 0; i < count; ++i) {
            labels_.push_back(Labels{{"__name__", "m"}, {"i", std::to_string(i)}});
        }
    }
    [[nodiscard]] std::size_t count() const override { return labels_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return labels_[index];
    }
    Result<void> load(std::size_t first, std::size_t count, ChunkBatch& batch) override {
        batch.clear();
        for (std::size_t i = first; i < first + count; ++i) {
            batch.begin_series();
            const std::string data =
                labels_[i].to_string() + std::string(chunk_bytes_, static_cast<char>(i));
            batch.add(
                {.range = {kNow, kNow},
                 .encoding = chunkenc::Encoding::xor_float,
                 .data = batch.copy(data)}
            );
        }
        return {};
    }

  private:
    const std::size_t chunk_bytes_;
    std::vector<Labels> labels_;
};

/// Notes what it is asked, and answers what it is told to.
struct LocalRunner final : QueryRunner {
    Answer<promql::QueryResult> query(
        RequestContext context, promql::Query query, promql::ExprPtr expr
    ) override {
        asked = context;
        asked_query = query;
        asked_expr = promql::to_string(*expr);
        while (waits && !context.cancellation.canceled()) {
            waiting = true;
            boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 1ms);
            co_await timer.async_wait(boost::asio::use_awaitable);
        }
        canceled = context.cancellation.canceled();
        if (error) co_return tl::unexpected(*error);
        co_return result;
    }
    Answer<Selection<Labels>> series(RequestContext context, SelectionQuery query) override {
        note(std::move(context), std::move(query));
        co_return Selection<Labels>{found_series, truncated};
    }
    Answer<Selection<std::string>> label_names(RequestContext context, SelectionQuery query)
        override {
        note(std::move(context), std::move(query));
        co_return Selection<std::string>{found_strings, truncated};
    }
    Answer<Selection<std::string>> label_values(
        RequestContext context, std::string name, SelectionQuery query
    ) override {
        asked_label = std::move(name);
        note(std::move(context), std::move(query));
        co_return Selection<std::string>{found_strings, truncated};
    }
    Answer<std::vector<model::SeriesExemplars>> exemplars(
        RequestContext context, SelectionQuery query
    ) override {
        note(std::move(context), std::move(query));
        co_return found_exemplars;
    }
    Answer<std::vector<model::MetricMetadata>> metadata(RequestContext context, MetadataQuery query)
        override {
        asked = std::move(context);
        asked_metadata = std::move(query);
        co_return found_metadata;
    }
    Answer<std::unique_ptr<SeriesSet>> select(
        RequestContext context, model::Matchers matchers, TimeRange range
    ) override {
        note(std::move(context), {.selectors = {std::move(matchers)}, .range = range});
        if (error) co_return tl::unexpected(*error);
        co_return std::make_unique<MadeUpSeries>(selected_series, chunk_bytes);
    }

    void note(RequestContext context, SelectionQuery query) {
        asked = std::move(context);
        asked_selection = std::move(query);
    }

    RequestContext asked;
    promql::Query asked_query;
    std::string asked_expr;
    SelectionQuery asked_selection;
    std::string asked_label;
    MetadataQuery asked_metadata;

    promql::QueryResult result;
    std::optional<Error> error;
    std::vector<Labels> found_series;
    std::vector<std::string> found_strings;
    bool truncated = false;
    std::vector<model::SeriesExemplars> found_exemplars;
    std::vector<model::MetricMetadata> found_metadata;
    std::size_t selected_series = 0;
    std::size_t chunk_bytes = 10;
    std::atomic<bool> waits = false;
    std::atomic<bool> waiting = false;
    std::atomic<bool> canceled = false;
};

/// Knows one ticket, which it takes as often as it comes, and who holds its slot.
struct LocalQuerier final : TicketedQuerier {
    Result<std::shared_ptr<QueryRunner>> runner(std::uint64_t ticket) override {
        if (ticket != kTicket) return fail(ErrorKind::not_found, "no ticket {}", ticket);
        auto slot = std::shared_ptr<QueryRunner>(&local, [this](QueryRunner*) { --busy; });
        ++busy;
        return slot;
    }
    std::atomic<int> busy = 0;
    LocalRunner local;
};

struct Ends {
    Ends() {
        routes = register_query_runner_routes(
            server.internal(),
            querier,
            {.query = server.executors.query, .parser = promql::ParserOptions::everything()}
        );
        remote = std::make_shared<RemoteQueryRunner>(peer, kTicket);
    }
    ~Ends() {
        server.stop();
        routes.clear();
    }
    template <class T>
    Result<T> ask(awaitable<Result<T>> question) {
        return runtime::wait(caller.io, std::move(question));
    }
    Result<promql::QueryResult> query(const std::string& text = "1") {
        const auto query = promql::Query::instant(text, kNow);
        return ask(remote->query(context, query, *promql::parse_expr(text)));
    }

    LocalQuerier querier;
    LocalRunner& local = querier.local;
    TestServer server;
    std::vector<http::RouteRegistration> routes;
    TestCaller caller{options_for()};
    const std::shared_ptr<Peer> peer = caller.pool.at(server.address());
    std::shared_ptr<RemoteQueryRunner> remote;
    RequestContext context{.tenant = *model::TenantId::parse("tenant")};
};

std::vector<std::string> content(SeriesSet& set) {
    std::vector<std::string> all;
    ChunkBatch batch;
    for (std::size_t i = 0; i < set.count(); ++i) {
        REQUIRE_OK(set.load(i, 1, batch));
        REQUIRE(batch.chunks_of(0).size() == 1);
        all.push_back(set.labels(i).to_string() + std::string(batch.chunks_of(0)[0].data));
    }
    return all;
}

SelectionQuery a_selection() {
    return {
        .selectors =
            {{model::Matcher::equal("__name__", "up"),
              *model::Matcher::create(model::MatchType::not_regex, "job", "a.*")},
             {model::Matcher::equal("a", "\xff")}},
        .range = kRange,
        .limit = 17
    };
}

void check_asked(const LocalRunner& local) {
    const SelectionQuery expected = a_selection();
    CHECK(local.asked.tenant->str() == "tenant");
    CHECK(local.asked_selection.selectors == expected.selectors);
    CHECK(local.asked_selection.range.min == expected.range.min);
    CHECK(local.asked_selection.range.max == expected.range.max);
    CHECK(local.asked_selection.limit == expected.limit);
}

TEST_SUITE("rpc/query_runner") {
    TEST_CASE("results are the same over there, bit for bit") {
        Ends ends;
        auto random = mimir::test::seeded_random();
        for (int i = 0; i < 100; ++i) {
            ends.local.result = random_result(random);
            const auto there = ends.query();
            REQUIRE_OK(there);
            const bool is_same = to_text(*there) == to_text(ends.local.result);
            REQUIRE(is_same);
        }
        CHECK(eventually(5s, [&] { return ends.querier.busy == 0; }));
    }

    TEST_CASE("queries arrive as they are made") {
        Ends ends;
        const promql::Query query{
            .text = "sum by(a)(rate(x{b=~\"c.*\"}[5m]))\n  or vector(1)",
            .start = {-1},
            .end = kNow,
            .step = 15s,
            .lookback = 1min,
            .samples_max = 123
        };
        const auto expr = *promql::parse_expr(query.text);
        REQUIRE_OK(ends.ask(ends.remote->query(ends.context, query, expr)));
        const promql::Query& there = ends.local.asked_query;
        CHECK(there.text == query.text);
        CHECK(there.start == query.start);
        CHECK(there.end == query.end);
        CHECK(there.step == query.step);
        CHECK(there.lookback == query.lookback);
        CHECK(there.samples_max == query.samples_max);
        CHECK(ends.local.asked_expr == promql::to_string(*expr));
        CHECK(ends.local.asked.tenant->str() == "tenant");

        REQUIRE_OK(ends.query());
        CHECK(ends.local.asked_query.is_instant());
        CHECK(!ends.local.asked_query.lookback);
        CHECK(!ends.local.asked_query.samples_max);
    }

    TEST_CASE("what the frontend has rewritten arrives rewritten") {
        Ends ends;
        const auto query = promql::Query::instant("sum(x)", kNow);
        const auto rewritten = *promql::parse_expr("sum( y  offset 5m)");
        REQUIRE_OK(ends.ask(ends.remote->query(ends.context, query, rewritten)));
        CHECK(ends.local.asked_expr == "sum(y offset 5m)");
        // Positions in annotations are of this.
        CHECK(ends.local.asked_query.text == "sum(y offset 5m)");
    }

    TEST_CASE("a long query is parsed too") {
        Ends ends;
        std::string text = "1";
        for (int i = 0; i < 900; ++i) text += " + 1";
        REQUIRE_OK(ends.query(text));
        CHECK(ends.local.asked_query.text == text);
    }

    TEST_CASE("series, labels, exemplars and metadata are the same over there") {
        Ends ends;
        LocalRunner& local = ends.local;
        for (const std::size_t count : {0, 1, 10'000}) {  // the last takes many frames
            CAPTURE(count);
            local.truncated = count == 1;
            local.found_series.clear();
            local.found_strings.clear();
            local.found_exemplars.clear();
            local.found_metadata.clear();
            for (std::size_t i = 0; i < count; ++i) {
                const std::string text = std::string(30, 'x') + std::to_string(i);
                local.found_strings.push_back(text);
                local.found_series.push_back(Labels{{"a", text}});
                const model::Exemplar exemplar{
                    .labels = labels("{trace_id=\"1\"}"), .value = 0.1, .time = kNow
                };
                local.found_exemplars.push_back({Labels{{"a", text}}, {exemplar, exemplar}});
                local.found_metadata.push_back({text, {model::MetricType::gauge, "help", "s"}});
            }
            const auto series = ends.ask(ends.remote->series(ends.context, a_selection()));
            REQUIRE_OK(series);
            CHECK((series->found == local.found_series));
            CHECK(series->truncated == local.truncated);
            check_asked(local);
            const auto names = ends.ask(ends.remote->label_names(ends.context, a_selection()));
            REQUIRE_OK(names);
            CHECK((names->found == local.found_strings));
            CHECK(names->truncated == local.truncated);
            check_asked(local);
            const auto values =
                ends.ask(ends.remote->label_values(ends.context, "job", a_selection()));
            REQUIRE_OK(values);
            CHECK((values->found == local.found_strings));
            CHECK(values->truncated == local.truncated);
            CHECK(local.asked_label == "job");
            check_asked(local);
            const auto exemplars = ends.ask(ends.remote->exemplars(ends.context, a_selection()));
            REQUIRE_OK(exemplars);
            REQUIRE(exemplars->size() == count);
            bool is_same = true;
            for (std::size_t i = 0; i < count; ++i) {
                is_same = is_same && (*exemplars)[i].series == local.found_exemplars[i].series &&
                          (*exemplars)[i].exemplars == local.found_exemplars[i].exemplars;
            }
            CHECK(is_same);
            check_asked(local);
            const MetadataQuery query{.metric = "up", .metrics_limit = 2, .per_metric_limit = 3};
            const auto metadata = ends.ask(ends.remote->metadata(ends.context, query));
            REQUIRE_OK(metadata);
            REQUIRE(metadata->size() == count);
            for (std::size_t i = 0; i < count; ++i) {
                is_same = is_same && (*metadata)[i].metric == local.found_metadata[i].metric &&
                          (*metadata)[i].metadata == local.found_metadata[i].metadata;
            }
            CHECK(is_same);
            CHECK(local.asked_metadata.metric == "up");
            CHECK(local.asked_metadata.metrics_limit == 2);
            CHECK(local.asked_metadata.per_metric_limit == 3);
        }
    }

    TEST_CASE("a selection streams, and its slot is busy until it has been read") {
        Ends ends;
        ends.local.selected_series = 5000;
        ends.local.chunk_bytes = 1000;
        MadeUpSeries same(5000, 1000);
        OrderedSeriesSet here(std::make_unique<MadeUpSeries>(same));
        const model::Matchers matchers = a_selection().selectors[0];
        auto there = ends.ask(ends.remote->select(ends.context, matchers, kRange));
        REQUIRE_OK(there);
        ends.remote.reset();  // the selection lives on
        CHECK(ends.local.asked_selection.selectors.front() == matchers);
        CHECK(ends.local.asked_selection.range.min == kRange.min);
        CHECK(ends.querier.busy == 1);
        CHECK((content(**there) == content(here)));
        CHECK(eventually(5s, [&] { return ends.querier.busy == 0; }));
    }

    TEST_CASE("a selection that nobody reads on ends with its reader") {
        Ends ends;
        ends.local.selected_series = 5000;
        ends.local.chunk_bytes = 1000;
        auto there = ends.ask(ends.remote->select(ends.context, {}, kRange));
        REQUIRE_OK(there);
        CHECK(ends.querier.busy == 1);
        *there = nullptr;
        CHECK(eventually(5s, [&] { return ends.querier.busy == 0; }));
    }

    TEST_CASE("errors cross with kind, id and text") {
        Ends ends;
        for (const Error& error : std::vector<Error>{
                 {ErrorKind::invalid, {}, "1:5: parse error: no"},
                 {ErrorKind::limit, "max-samples", "query processing would load too many samples"},
                 {ErrorKind::unavailable, {}, "no ingester is running"},
                 {ErrorKind::timeout, {}, "query timed out in expression evaluation"},
                 {ErrorKind::internal, {}, ""},
             }) {
            ends.local.error = error;
            const auto result = ends.query();
            REQUIRE(!result);
            CHECK(result.error().kind == error.kind);
            CHECK(result.error().id == error.id);
            CHECK(result.error().message == error.message);
            const auto selected = ends.ask(ends.remote->select(ends.context, {}, kRange));
            REQUIRE(!selected);
            CHECK(selected.error().kind == error.kind);
            CHECK(selected.error().message == error.message);
        }
        CHECK(eventually(5s, [&] { return ends.querier.busy == 0; }));
    }

    TEST_CASE("a ticket that is not known is not found, so that another is acquired") {
        Ends ends;
        RemoteQueryRunner late(ends.peer, 1);
        const auto query = promql::Query::instant("1", kNow);
        const auto result =
            ends.ask(late.query(ends.context, query, *promql::parse_expr(query.text)));
        REQUIRE(!result);
        CHECK(result.error().kind == ErrorKind::not_found);
        const auto selected = ends.ask(late.select(ends.context, {}, kRange));
        REQUIRE(!selected);
        CHECK(selected.error().kind == ErrorKind::not_found);
        CHECK(ends.peer->state());
    }

    TEST_CASE("calls without ticket or tenant, and what is no question, are invalid") {
        Ends ends;
        const auto kind_of = [&](const RequestContext& context, http::Headers headers) {
            auto opened = wait_for<std::unique_ptr<FrameStream>>([&](auto done) {
                const auto body = std::make_shared<const std::string>("\xff");
                ends.peer->open(context, "querier/query", body, std::move(headers), done);
            });
            return opened ? "none" : std::string(to_string(opened.error().kind));
        };
        const auto ticket = [](std::string_view text) {
            http::Headers headers;
            headers.add("X-Mimird-Ticket", text);
            return headers;
        };
        CHECK(kind_of(ends.context, {}) == "invalid");
        CHECK(kind_of(ends.context, ticket("1x")) == "invalid");
        CHECK(kind_of(ends.context, ticket("1")) == "not_found");
        CHECK(kind_of(ends.context, ticket(std::to_string(kTicket))) == "invalid");
        CHECK(kind_of({}, ticket(std::to_string(kTicket))) == "invalid");
    }

    TEST_CASE("hanging up cancels the query at the querier") {
        Ends ends;
        ends.local.waits = true;
        ends.context.cancellation = CancellationToken::create();
        std::thread gives_up([&] {
            CHECK(eventually(5s, [&] { return ends.local.waiting.load(); }));
            ends.context.cancellation.cancel();
        });
        const auto result = ends.query();
        gives_up.join();
        REQUIRE(!result);
        CHECK(result.error().kind == ErrorKind::canceled);
        CHECK(eventually(5s, [&] { return ends.local.canceled.load(); }));
        CHECK(eventually(5s, [&] { return ends.querier.busy == 0; }));
    }

    TEST_CASE("a deadline ends the query at both ends") {
        Ends ends;
        ends.local.waits = true;
        ends.context.cancellation =
            CancellationToken::create(std::chrono::steady_clock::now() + 100ms);
        const auto result = ends.query();
        REQUIRE(!result);
        CHECK(result.error().kind == ErrorKind::timeout);
        REQUIRE(eventually(5s, [&] { return ends.querier.busy == 0; }));
        CHECK(ends.local.asked.cancellation.deadline());
    }

    TEST_CASE("a querier that dies in the middle is unavailable") {
        Ends ends;
        ends.local.waits = true;
        std::thread killer([&] {
            CHECK(eventually(5s, [&] { return ends.local.waiting.load(); }));
            ends.server.stop();
        });
        const auto result = ends.query();
        killer.join();
        REQUIRE(!result);
        CHECK(result.error().kind == ErrorKind::unavailable);
        const auto again = ends.query();
        REQUIRE(!again);
        CHECK(again.error().kind == ErrorKind::unavailable);
    }

    TEST_CASE("a querier that dies amid a long result is unavailable, never half a result") {
        Ends ends;
        ends.local.selected_series = 5000;
        ends.local.chunk_bytes = 1000;
        auto there = ends.ask(ends.remote->select(ends.context, {}, kRange));
        REQUIRE_OK(there);
        ends.server.stop();
        Result<void> loaded;
        ChunkBatch batch;
        for (std::size_t i = 0; i < (*there)->count() && loaded; ++i) {
            loaded = (*there)->load(i, 1, batch);
        }
        REQUIRE(!loaded);
        CHECK(loaded.error().kind == ErrorKind::unavailable);
    }

    TEST_CASE("an answer that is too large is refused") {
        Ends ends;
        auto& matrix = ends.local.result.value.emplace<promql::Matrix>(1);
        matrix[0].floats.resize(1'000'000);
        RemoteQueryRunner modest(ends.peer, kTicket, 1 << 20);
        const auto query = promql::Query::instant("1", kNow);
        const auto result =
            ends.ask(modest.query(ends.context, query, *promql::parse_expr(query.text)));
        REQUIRE(!result);
        CHECK(result.error().kind == ErrorKind::limit);
        CHECK(eventually(5s, [&] { return ends.querier.busy == 0; }));
    }
}

}  // namespace
}  // namespace mimir::rpc::test
