// Query-frontends, schedulers and queriers, as in processes of their own.

#include "components/query_scheduler/query_scheduler.hpp"

#include <atomic>
#include <charconv>
#include <thread>

#include "components/querier/offers.hpp"
#include "fs/memory_file_system.hpp"
#include "kv/inmemory.hpp"
#include "ring/lifecycler.hpp"
#include "rpc/querier_directory.hpp"
#include "rpc/query_scheduler_routes.hpp"
#include "rpc/remote_query_scheduler.hpp"
#include "rpc/scheduler_dispatch.hpp"
#include "test_ends.hpp"

namespace mimir::rpc::test {
namespace {

using http::asio::awaitable;
using mimir::test::eventually;
using Names = Selection<std::string>;

RequestContext context_of(std::string_view tenant) {
    return {
        .tenant = *model::TenantId::parse(tenant),
        .cancellation = CancellationToken::create(),
        .trace_id = {}
    };
}

/// Everything but label_names is not asked here.
class NamesRunner : public QueryRunner {
  public:
    Answer<promql::QueryResult> query(RequestContext, promql::Query, promql::ExprPtr) override {
        return unasked<promql::QueryResult>();
    }
    Answer<Selection<model::Labels>> series(RequestContext, SelectionQuery) override {
        return unasked<Selection<model::Labels>>();
    }
    Answer<Names> label_values(RequestContext, std::string, SelectionQuery) override {
        return unasked<Names>();
    }
    Answer<std::vector<model::SeriesExemplars>> exemplars(RequestContext, SelectionQuery) override {
        return unasked<std::vector<model::SeriesExemplars>>();
    }
    Answer<std::vector<model::MetricMetadata>> metadata(RequestContext, MetadataQuery) override {
        return unasked<std::vector<model::MetricMetadata>>();
    }
    Answer<std::unique_ptr<chunkenc::SeriesSet>> select(RequestContext, model::Matchers, TimeRange)
        override {
        return unasked<std::unique_ptr<chunkenc::SeriesSet>>();
    }

  private:
    template <class T>
    static Answer<T> unasked() {
        co_return fail(ErrorKind::internal, "not asked here");
    }
};

/// Takes as many milliseconds as the query's limit says; while it hangs, for ever.
class SlowQuerier final : public NamesRunner {
  public:
    Answer<Names> label_names(RequestContext context, SelectionQuery query) override {
        const int now = ++running;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(query.limit);
        Result<void> checked;
        while (checked && (hangs || std::chrono::steady_clock::now() < end)) {
            co_await runtime::sleep_for(1ms);
            checked = context.cancellation.check();
        }
        --running;
        if (!checked) co_return tl::unexpected(checked.error());
        ++done;
        co_return Names{.found = {"name"}};
    }

    std::atomic<bool> hangs = false;
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    std::atomic<int> done = 0;
};

/// The one call of a ticket, over the wire.
class TicketRunner final : public NamesRunner {
  public:
    TicketRunner(std::shared_ptr<Peer> peer, std::uint64_t ticket)
        : peer_(std::move(peer)), ticket_(ticket) {}

    Answer<Names> label_names(RequestContext context, SelectionQuery query) override {
        std::string body = fmt::format("{} {}", ticket_, query.limit);
        MIMIR_CO_TRY(
            const auto answer,
            co_await peer_->call(std::move(context), "test/names", std::move(body), {})
        );
        co_return Names{.found = {answer}};
    }

  private:
    const std::shared_ptr<Peer> peer_;
    const std::uint64_t ticket_;
};

/// Which schedulers there are, as a test says.
class Schedulers final : public QuerySchedulerDirectory {
  public:
    explicit Schedulers(PeerPool& peers) : peers_(peers) {}

    void set(std::vector<QuerySchedulerEntry> entries) {
        entries_.with([&](auto& current) { current = std::move(entries); });
    }
    [[nodiscard]] std::vector<QuerySchedulerEntry> running() const override {
        return entries_.with([](const auto& entries) { return entries; });
    }
    [[nodiscard]] std::shared_ptr<QueryScheduler> at(const QuerySchedulerEntry& entry) override {
        if (entry.address.empty()) return local();
        return std::make_shared<RemoteQueryScheduler>(peers_.at(entry.address));
    }
    [[nodiscard]] std::shared_ptr<QueryScheduler> local() const override { return slot.get(); }

    modules::Slot<QueryScheduler> slot;

  private:
    PeerPool& peers_;
    Guarded<std::vector<QuerySchedulerEntry>> entries_;
};

/// A process with a scheduler.
struct SchedulerProcess {
    SchedulerProcess() {
        routes = register_query_scheduler_routes(server.internal(), scheduler, 200ms);
    }
    ~SchedulerProcess() { stop(); }
    void stop() {
        scheduler.stop();
        routes.clear();
    }
    /// As if it were killed: connections end, nobody says why.
    void kill() { server.stop(); }
    [[nodiscard]] QuerySchedulerEntry entry(std::string id) const {
        return {.id = std::move(id), .address = server.address()};
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

/// A process with a querier.
struct QuerierProcess {
    explicit QuerierProcess(
        std::size_t slot_count, std::string id = "querier", std::chrono::milliseconds comes = 5s
    ) {
        server.add_call("test/names", [this](http::Request& request) { return serve(request); });
        offers.emplace(
            querier::Offers::Options{
                .slots = slot_count,
                .ticket_comes_within = comes,
                .look_interval = 20ms,
                .backoff_min = 10ms,
                .backoff_max = 50ms
            },
            querier::Offers::Environment{
                schedulers, slots, caller.io, {id, server.address(), ""}, {}
            }
        );
    }
    ~QuerierProcess() { stop(); }
    void stop() {
        if (!offers) return;
        offers->take_back();
        server.routes.clear();
        offers->stop();
        slots.wait_until_quiet();
    }
    /// As if it were killed.
    void kill() {
        server.stop();
        offers.reset();
    }

    awaitable<Result<std::string>> serve(http::Request& request) {
        std::uint64_t ticket = 0;
        std::size_t ms = 0;
        const char* end = request.body.data() + request.body.size();
        const auto at = std::from_chars(request.body.data(), end, ticket).ptr;
        std::from_chars(at + 1, end, ms);
        MIMIR_CO_TRY(const auto runner, slots.runner(ticket));
        SelectionQuery query{.selectors = {}, .range = {}, .limit = ms};
        MIMIR_CO_TRY(
            const auto names, co_await runner->label_names(request.context, std::move(query))
        );
        co_return names.found.front();
    }

    TestServer server;
    TestCaller caller{options_for()};
    Schedulers schedulers{caller.pool};
    SlowQuerier querier;
    querier::Slots slots{querier};
    std::optional<querier::Offers> offers;
};

/// A process with a query-frontend.
struct FrontendProcess {
    TestCaller caller{options_for()};
    Schedulers schedulers{caller.pool};
    modules::Slot<TicketedQuerier> local_querier;
    QuerierPool queriers{
        {.peers = caller.pool,
         .local = local_querier,
         .local_id = "local",
         .remote = [](auto peer, std::uint64_t ticket
                   ) { return std::make_shared<TicketRunner>(std::move(peer), ticket); }}
    };
    SchedulerDispatch dispatch{{.not_running_timeout = 1s}, schedulers, queriers};
    runtime::TaskScope tasks{caller.io};

    struct Asked {
        Guarded<std::optional<Result<Names>>> answer;
        [[nodiscard]] bool is_there() const {
            return answer.with([](const auto& a) { return a.has_value(); });
        }
        [[nodiscard]] Result<Names> get() const {
            REQUIRE(eventually(10s, [&] { return is_there(); }));
            return answer.with([](const auto& a) { return *a; });
        }
    };
    using AskedPtr = std::shared_ptr<Asked>;

    static awaitable<Result<Names>> names(
        SchedulerDispatch& dispatch, RequestContext context, std::size_t ms
    ) {
        MIMIR_CO_TRY(const auto runner, co_await dispatch.acquire(context));
        SelectionQuery query{.selectors = {}, .range = {}, .limit = ms};
        co_return co_await runner->label_names(std::move(context), std::move(query));
    }
    static awaitable<void> run(
        SchedulerDispatch& dispatch, RequestContext context, std::size_t ms, AskedPtr asked
    ) {
        auto answer = co_await names(dispatch, std::move(context), ms);
        asked->answer.with([&](auto& a) { a.emplace(std::move(answer)); });
    }
    AskedPtr ask(const RequestContext& context, std::size_t ms) {
        auto asked = std::make_shared<Asked>();
        tasks.spawn(run(dispatch, context, ms, asked));
        return asked;
    }
    AskedPtr ask(std::string_view tenant, std::size_t ms = 0) {
        return ask(context_of(tenant), ms);
    }
};

TEST_SUITE("rpc/query_scheduler") {
    TEST_CASE("queries over processes run in the slots that there are, and no slot is lost") {
        SchedulerProcess scheduler;
        QuerierProcess querier(3);
        FrontendProcess frontend;
        querier.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(3));
        std::vector<FrontendProcess::AskedPtr> asked;
        for (int i = 0; i < 60; ++i) asked.push_back(frontend.ask("a", 5));
        for (const auto& query : asked) REQUIRE_OK(query->get());
        CHECK(querier.querier.done == 60);
        CHECK(querier.querier.most == 3);
        CHECK(scheduler.has_open(3));
        CHECK(scheduler.has_in_flight(0));
    }

    TEST_CASE("offers that nobody took are made anew") {
        SchedulerProcess scheduler;
        QuerierProcess querier(2);
        FrontendProcess frontend;
        querier.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(2));
        const auto calls = [&] {
            return querier.caller.metric(fmt::format(
                "mimird_rpc_client_requests_total{{addr=\"{}\",call=\"query-scheduler/"
                "offer\",outcome=\"success\"}}",
                scheduler.server.address()
            ));
        };
        CHECK(eventually(5s, [&] { return calls() >= 4; }));
        REQUIRE_OK(frontend.ask("a")->get());
    }

    TEST_CASE("in one process all are plain calls") {
        SchedulerProcess process;
        TestCaller caller{options_for()};
        Schedulers schedulers(caller.pool);
        modules::Slot<QueryScheduler>::Publication published(schedulers.slot, process.scheduler);
        schedulers.set({{.id = "s", .address = ""}});
        SlowQuerier querier;
        querier::Slots slots(querier);
        FrontendProcess frontend;
        modules::Slot<QueryScheduler>::Publication also(
            frontend.schedulers.slot, process.scheduler
        );
        modules::Slot<TicketedQuerier>::Publication found(frontend.local_querier, slots);
        querier::Offers offers(
            {.slots = 2, .look_interval = 20ms},
            {schedulers, slots, process.server.executors.io, {"local", "nowhere", ""}, {}}
        );
        REQUIRE(process.has_open(2));
        std::vector<FrontendProcess::AskedPtr> asked;
        for (int i = 0; i < 90; ++i) asked.push_back(frontend.ask("a", i % 3));
        for (const auto& query : asked) REQUIRE_OK(query->get());
        CHECK(querier.done == 90);
        CHECK(querier.most <= 2);
        CHECK(process.has_open(2));
        offers.stop();
        CHECK(process.metrics.open_slots.value() == 0);
        const auto refused = frontend.ask("a")->get();
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(refused.error().message.find("no querier is running") != std::string::npos);
        process.scheduler.stop();
    }

    TEST_CASE("a caller that hangs up while it waits leaves the queue") {
        SchedulerProcess scheduler;
        QuerierProcess querier(1);
        FrontendProcess frontend;
        querier.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(1));
        auto running = context_of("a");
        auto waiting = context_of("a");
        const auto first = frontend.ask(running, 60'000);
        REQUIRE(eventually(5s, [&] { return querier.querier.running == 1; }));
        const auto second = frontend.ask(waiting, 0);
        REQUIRE(scheduler.has_in_flight(2));
        waiting.cancellation.cancel();
        CHECK(second->get().error().kind == ErrorKind::canceled);
        CHECK(scheduler.has_in_flight(1));
        // And one whose query runs frees the slot.
        running.cancellation.cancel();
        CHECK(first->get().error().kind == ErrorKind::canceled);
        REQUIRE_OK(frontend.ask("a")->get());
        CHECK(scheduler.has_open(1));
    }

    TEST_CASE("a ticket whose query does not come expires, and its slot is offered again") {
        SchedulerProcess scheduler;
        QuerierProcess querier(1, "querier", 100ms);
        FrontendProcess frontend;
        querier.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(1));
        auto acquired =
            runtime::wait(frontend.caller.io, scheduler.scheduler.acquire(context_of("a")));
        REQUIRE_OK(acquired);
        CHECK(scheduler.has_open(1));
        CHECK(scheduler.has_in_flight(0));
        const auto late = querier.slots.runner(acquired->ticket);
        REQUIRE(!late);
        CHECK(late.error().kind == ErrorKind::not_found);
        CHECK(late.error().id == TicketedQuerier::kUnknownTicket);
        REQUIRE_OK(frontend.ask("a")->get());
    }

    TEST_CASE("a void assignment is replaced by another") {
        SchedulerProcess scheduler;
        QuerierProcess querier(1);
        FrontendProcess frontend;
        frontend.schedulers.set({scheduler.entry("s")});
        // Offers a ticket that the querier does not know.
        auto ghost = [&] {
            return scheduler.scheduler.offer(
                {.querier_id = "querier", .address = querier.server.address(), .ticket = 1}, {}
            );
        };
        const auto asked = frontend.ask("a");
        REQUIRE(scheduler.has_in_flight(1));
        REQUIRE_OK(runtime::wait(frontend.caller.io, ghost()));
        querier.schedulers.set({scheduler.entry("s")});
        REQUIRE_OK(asked->get());
        CHECK(querier.querier.done == 1);
    }

    TEST_CASE("slots are spread over schedulers, and follow those that come and go") {
        SchedulerProcess a;
        SchedulerProcess b;
        QuerierProcess querier(4);
        querier.schedulers.set({a.entry("a")});
        REQUIRE(a.has_open(4));
        querier.schedulers.set({a.entry("a"), b.entry("b")});
        REQUIRE(b.has_open(2));
        REQUIRE(a.has_open(2));
        querier.schedulers.set({b.entry("b")});
        REQUIRE(b.has_open(4));
        REQUIRE(a.has_open(0));
    }

    TEST_CASE("more schedulers than slots get one each") {
        const std::vector<QuerySchedulerEntry> three{{"a", "1"}, {"b", "2"}, {"c", "3"}};
        for (const auto& [entry, count] : querier::spread(2, three, "q")) CHECK(count == 1);
        std::size_t all = 0;
        for (const auto& [entry, count] : querier::spread(20, three, "q")) {
            CHECK((count == 6 || count == 7));
            all += count;
        }
        CHECK(all == 20);
        CHECK(querier::spread(20, {}, "q").empty());
    }

    TEST_CASE("when a scheduler is killed, its queries go to another, and its slots too") {
        SchedulerProcess a;
        SchedulerProcess b;
        QuerierProcess querier(4);
        FrontendProcess frontend;
        const std::vector<QuerySchedulerEntry> both{a.entry("a"), b.entry("b")};
        querier.schedulers.set(both);
        frontend.schedulers.set(both);
        REQUIRE(a.has_open(2));
        REQUIRE(b.has_open(2));
        std::vector<FrontendProcess::AskedPtr> asked;
        for (int i = 0; i < 40; ++i) asked.push_back(frontend.ask("t", 20));
        REQUIRE(eventually(5s, [&] { return querier.querier.done >= 4; }));
        a.kill();
        for (const auto& query : asked) REQUIRE_OK(query->get());
        CHECK(querier.querier.done == 40);
        querier.schedulers.set({b.entry("b")});
        CHECK(b.has_open(4));
        CHECK(querier.querier.most <= 4);
    }

    TEST_CASE("when a scheduler stops, its queries go to another") {
        SchedulerProcess a;
        SchedulerProcess b;
        QuerierProcess querier(2);
        FrontendProcess frontend;
        const std::vector<QuerySchedulerEntry> both{a.entry("a"), b.entry("b")};
        querier.schedulers.set(both);
        frontend.schedulers.set(both);
        REQUIRE(a.has_open(1));
        REQUIRE(b.has_open(1));
        std::vector<FrontendProcess::AskedPtr> asked;
        for (int i = 0; i < 20; ++i) asked.push_back(frontend.ask("t", 20));
        REQUIRE(eventually(5s, [&] { return querier.querier.done >= 2; }));
        a.stop();
        for (const auto& query : asked) REQUIRE_OK(query->get());
    }

    TEST_CASE("when a querier is killed, what it ran and what waits goes to others") {
        SchedulerProcess scheduler;
        QuerierProcess doomed(1, "q1");
        QuerierProcess other(1, "q2");
        FrontendProcess frontend;
        doomed.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(1));
        doomed.querier.hangs = true;
        const auto running = frontend.ask("a");
        REQUIRE(eventually(5s, [&] { return doomed.querier.running == 1; }));
        // The other is there all the time, and busy, so that one query waits for whoever comes first.
        other.querier.hangs = true;
        other.schedulers.set({scheduler.entry("s")});
        const auto elsewhere = frontend.ask("a");
        REQUIRE(eventually(5s, [&] { return other.querier.running == 1; }));
        const auto waiting = frontend.ask("a");
        REQUIRE(scheduler.has_in_flight(3));
        doomed.kill();
        other.querier.hangs = false;
        REQUIRE_OK(running->get());
        REQUIRE_OK(elsewhere->get());
        REQUIRE_OK(waiting->get());
        CHECK(doomed.querier.done == 0);
        CHECK(other.querier.done == 3);
    }

    TEST_CASE("what no querier takes fails in the end") {
        SchedulerProcess scheduler;
        QuerierProcess dead(1, "q1", 50ms);
        FrontendProcess frontend;
        dead.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(1));
        dead.server.stop();  // while its offers go on
        const auto failed = frontend.ask("a")->get();
        CHECK(failed.error().kind == ErrorKind::unavailable);
    }

    TEST_CASE("when a querier stops, it ends what it runs, and nothing new comes to it") {
        SchedulerProcess scheduler;
        QuerierProcess first(2, "q1");
        QuerierProcess second(2, "q2");
        FrontendProcess frontend;
        first.schedulers.set({scheduler.entry("s")});
        second.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(4));
        std::vector<FrontendProcess::AskedPtr> asked;
        for (int i = 0; i < 40; ++i) asked.push_back(frontend.ask("a", 10));
        REQUIRE(eventually(5s, [&] { return first.querier.done >= 2; }));
        first.offers->stop();
        const int done = first.querier.done;
        for (const auto& query : asked) REQUIRE_OK(query->get());
        CHECK(first.querier.done == done);
        CHECK(first.querier.done + second.querier.done == 40);
        CHECK(scheduler.has_open(2));
        CHECK(scheduler.has_in_flight(0));
    }

    TEST_CASE("when a frontend is killed, its queries leave queue and slots") {
        SchedulerProcess scheduler;
        // Of those who hang up, one may be given a slot before that is noticed.
        QuerierProcess querier(2, "querier", 100ms);
        querier.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(2));
        {
            FrontendProcess frontend;
            frontend.schedulers.set({scheduler.entry("s")});
            for (int i = 0; i < 10; ++i) frontend.ask("a", 60'000);
            REQUIRE(scheduler.has_in_flight(10));
            frontend.tasks.stop();
        }
        CHECK(scheduler.has_in_flight(0));
        CHECK(scheduler.has_open(2));
        CHECK(eventually(5s, [&] { return querier.querier.running == 0; }));
    }

    TEST_CASE("without a scheduler, or without a querier, queries fail soon and say what is missing"
    ) {
        SchedulerProcess scheduler;
        FrontendProcess frontend;
        SUBCASE("no scheduler") {
            const auto failed = frontend.ask("a")->get();
            CHECK(failed.error().kind == ErrorKind::unavailable);
            CHECK(failed.error().message == "no query-scheduler is running");
        }
        SUBCASE("a scheduler that comes in time") {
            const auto asked = frontend.ask("a");
            QuerierProcess querier(1);
            querier.schedulers.set({scheduler.entry("s")});
            frontend.schedulers.set({scheduler.entry("s")});
            REQUIRE_OK(asked->get());
        }
        SUBCASE("no querier") {
            frontend.schedulers.set({scheduler.entry("s")});
            const auto failed = frontend.ask("a")->get();
            CHECK(failed.error().kind == ErrorKind::unavailable);
            CHECK(failed.error().message == "no querier is running");
        }
    }

    TEST_CASE("too many queries of a tenant are refused, with the error's id") {
        SchedulerProcess scheduler;
        // Of those who hang up, one may be given the slot before that is noticed.
        QuerierProcess querier(1, "querier", 100ms);
        FrontendProcess frontend;
        querier.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(1));
        auto context = context_of("a");
        std::vector<FrontendProcess::AskedPtr> asked;
        asked.push_back(frontend.ask(context, 60'000));
        REQUIRE(eventually(5s, [&] { return querier.querier.running == 1; }));
        for (int i = 0; i < 100; ++i) asked.push_back(frontend.ask(context, 60'000));
        REQUIRE(scheduler.has_in_flight(101));
        const auto refused = frontend.ask("a")->get();
        CHECK(refused.error().kind == ErrorKind::limit);
        CHECK(refused.error().id == QueryScheduler::kTooManyOutstanding);
        CHECK(refused.error().message == "too many outstanding requests");
        context.cancellation.cancel();
        for (const auto& query : asked) CHECK(query->get().error().kind == ErrorKind::canceled);
        CHECK(scheduler.has_in_flight(0));
    }

    TEST_CASE("a tenant's short queries beside another's long ones") {
        SchedulerProcess scheduler;
        QuerierProcess querier(4);
        FrontendProcess frontend;
        querier.schedulers.set({scheduler.entry("s")});
        frontend.schedulers.set({scheduler.entry("s")});
        REQUIRE(scheduler.has_open(4));
        REQUIRE_OK(frontend.ask("light")->get());
        REQUIRE(scheduler.has_open(4));
        auto heavy = context_of("heavy");
        std::vector<FrontendProcess::AskedPtr> asked;
        for (int i = 0; i < 50; ++i) asked.push_back(frontend.ask(heavy, 60'000));
        REQUIRE(eventually(5s, [&] { return querier.querier.running == 3; }));
        for (int i = 0; i < 10; ++i) REQUIRE_OK(frontend.ask("light", 1)->get());
        CHECK(querier.querier.done == 11);
        heavy.cancellation.cancel();
        for (const auto& query : asked) CHECK(query->get().error().kind == ErrorKind::canceled);
    }

    TEST_CASE("schedulers are found by their ring, this process' own by its slot") {
        TestCaller caller{options_for()};
        mimir::test::ManualClock clock{TimestampMs{1'700'000'000'000}};
        kv::InMemoryKvStore store{clock};
        fs::MemoryFileSystem files;
        SeededRandom random{1};
        ring::Ring ring("query-scheduler", "collectors/", {}, {store, {}, caller.registry, clock});
        REQUIRE_OK(ring.wait_until_read(5s));
        modules::Slot<QueryScheduler> slot;
        QuerySchedulerPool pool(
            {.peers = caller.pool,
             .local = slot,
             .ring = ring,
             .identity = {"self", "self:1", ""},
             .clock = clock}
        );
        CHECK(pool.running().empty());
        ring::Lifecycler other(
            {.ring_name = "query-scheduler",
             .prefix = "collectors/",
             .instance_id = "other",
             .address = "other:1"},
            {store, files, {}, caller.registry, random, clock},
            ring::Lifecycler::Drive::manual
        );
        REQUIRE_OK(other.join());
        CHECK(pool.running().empty());
        REQUIRE_OK(other.change_state(ring::InstanceState::active));
        const QuerySchedulerEntry remote{.id = "other", .address = "other:1"};
        REQUIRE(eventually(5s, [&] { return pool.running() == std::vector{remote}; }));
        SchedulerProcess process;
        const QuerySchedulerEntry own{.id = "self", .address = "self:1"};
        {
            modules::Slot<QueryScheduler>::Publication published(slot, process.scheduler);
            CHECK(pool.running() == std::vector{remote, own});
            CHECK(pool.at(own).get() == &process.scheduler);
        }
        CHECK(pool.at(own) == nullptr);
        clock.advance(61s);
        CHECK(pool.running().empty());
    }
}

}  // namespace
}  // namespace mimir::rpc::test
