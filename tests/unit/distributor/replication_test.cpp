#include "components/distributor/replication.hpp"

#include <array>
#include <thread>

#include "components/distributor/distributor.hpp"
#include "components/distributor/quorum.hpp"
#include "components/distributor/spread.hpp"
#include "encoding/compression.hpp"
#include "support/test_support.hpp"
#include "unit/distributor/cluster.hpp"
#include "wire/remote_write.hpp"

namespace mimir::distributor {
namespace {

using mimir::test::labels;
using test::TestDirectory;
using test::TestIngester;
using test::TestView;

constexpr TimestampMs kNow{1'700'000'000'000};

struct Cluster {
    explicit Cluster(
        std::size_t members, ring::RingOptions ring_options = {}, Options own_options = {}
    )
        : view(std::make_shared<TestView>(std::move(ring_options))),
          options(std::move(own_options)) {
        for (std::size_t i = 0; i < members; ++i) {
            view->add(id(i), fmt::format("zone-{}", i % 3));
            directory.ingesters[id(i)];
        }
    }
    static std::string id(std::size_t i) { return fmt::format("ingester-{}", i); }
    TestIngester& ingester(std::size_t i) { return directory.ingesters.at(id(i)); }

    static std::string body(std::size_t series) {
        model::WriteRequest request;
        for (std::size_t i = 0; i < series; ++i) {
            request.add(
                model::Labels{{"__name__", "up"}, {"n", std::to_string(i)}},
                {kNow, static_cast<double>(i)}
            );
        }
        request.metadata.push_back({"up", {}});
        std::string message;
        wire::encode_write_request(request, message);
        std::string compressed;
        encoding::snappy_compress(message, compressed);
        return compressed;
    }
    /// Begins a push; its outcome appears in `outcome`.
    void push(std::size_t series = 1) {
        outcome.reset();
        distributor.push_remote_write(context, body(series), [this](Result<void> result) {
            REQUIRE_FALSE(outcome.has_value());
            outcome.emplace(std::move(result));
        });
    }
    double inflight() const { return metrics.inflight_requests.value(); }

    std::shared_ptr<TestView> view;
    TestDirectory directory;
    config::LimitsProvider limits{config::Limits{.max_global_exemplars_per_user = 10}};
    mimir::test::ManualClock clock{kNow};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    std::size_t distributors = 1;
    std::size_t shard_size = 0;
    std::optional<Result<void>> outcome;
    rpc::RequestContext context{.tenant = *model::TenantId::parse("a")};
    Options options;
    Distributor distributor{
        options,
        {limits,
         [this](std::string_view, std::size_t size) {
             shard_size = size;
             return view;
         },
         directory,
         metrics,
         [this] { return distributors; },
         nullptr,
         clock}
    };
};

const Result<void> kUnavailable = fail(ErrorKind::unavailable, "gone");
const Result<void> kRefused = fail_with_id(ErrorKind::invalid, "sample-out-of-order", "old");

TEST_SUITE_BEGIN("distributor/replication");

TEST_CASE("with as many ingesters as copies, all get the body as it was received") {
    Cluster c(3);
    c.push(10);
    REQUIRE(c.outcome.has_value());
    REQUIRE_OK(*c.outcome);
    for (std::size_t i = 0; i < 3; ++i) {
        REQUIRE(c.ingester(i).pushes == 1);
        CHECK(c.ingester(i).sent().size() == 10);
        CHECK(c.ingester(i).batches[0] == c.ingester(0).batches[0]);
        CHECK(c.ingester(i).tenant == "a");
        CHECK(c.ingester(i).deadline == c.clock.steady_now() + std::chrono::seconds(2));
    }
    const rpc::PushBatch& batch = *c.ingester(0).batches[0];
    CHECK(&batch.encoded() == &batch.request().body);
    CHECK(c.view->lookups == 1);
}

TEST_CASE("each series goes to its replicas and no other") {
    Cluster c(7);
    c.push(500);
    REQUIRE_OK(*c.outcome);
    std::map<std::string, std::size_t> copies;
    std::size_t metadata = 0;
    for (std::size_t i = 0; i < 7; ++i) {
        CHECK(c.ingester(i).pushes == 1);
        metadata += c.ingester(i).batches[0]->request().metadata.size();
        for (const auto& series : c.ingester(i).sent()) {
            ++copies[series];
            const Token token = ring::token_of(*c.context.tenant, labels(series));
            const auto set = c.view->replicas(token, ring::Operation::write, {});
            CHECK(std::count(set.members.begin(), set.members.begin() + set.count, i) == 1);
        }
    }
    CHECK(copies.size() == 500);
    CHECK(std::ranges::all_of(copies, [](const auto& one) { return one.second == 3; }));
    CHECK(metadata == 3);
}

TEST_CASE("copies are in three zones") {
    Cluster c(9, {.zone_awareness_enabled = true});
    c.push(100);
    REQUIRE_OK(*c.outcome);
    std::map<std::string, std::set<std::size_t>> zones;
    for (std::size_t i = 0; i < 9; ++i) {
        for (const auto& series : c.ingester(i).sent()) zones[series].insert(i % 3);
    }
    CHECK(zones.size() == 100);
    CHECK(std::ranges::all_of(zones, [](const auto& one) { return one.second.size() == 3; }));
}

TEST_CASE("a request succeeds with its quorum, and slower replicas go on") {
    Cluster c(3);
    for (std::size_t i = 0; i < 3; ++i) c.ingester(i).late = true;
    c.push();
    CHECK_FALSE(c.outcome.has_value());
    c.ingester(1).answer_late({});
    CHECK_FALSE(c.outcome.has_value());
    c.ingester(0).answer_late({});
    REQUIRE(c.outcome.has_value());
    REQUIRE_OK(*c.outcome);
    CHECK(c.inflight() == 1);
    c.ingester(2).answer_late(kUnavailable);
    CHECK(c.inflight() == 0);
}

TEST_CASE("the outcome follows from the answers of three replicas") {
    const struct {
        const char* name;
        std::array<Result<void>, 3> answers;
        std::size_t decided_after;
        std::string_view message;  ///< Empty: success.
    } cases[] = {
        {"one of three fails", {Result<void>(), kUnavailable, Result<void>()}, 3, ""},
        {"two fail",
         {kUnavailable, kUnavailable, Result<void>()},
         2,
         "pushing to ingester ingester-1: gone"},
        {"two refuse",
         {kRefused, Result<void>(), kRefused},
         3,
         "old (err-mimir-sample-out-of-order)"},
        {"one refuses, one fails",
         {kUnavailable, Result<void>(), kRefused},
         3,
         "pushing to ingester ingester-0: gone"},
        {"one refuses", {kRefused, Result<void>(), Result<void>()}, 3, ""},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        Cluster c(3);
        for (std::size_t i = 0; i < 3; ++i) c.ingester(i).late = true;
        c.push();
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(c.outcome.has_value() == (i >= one.decided_after));
            c.ingester(i).answer_late(one.answers[i]);
        }
        REQUIRE(c.outcome.has_value());
        CHECK(c.outcome->has_value() == one.message.empty());
        if (!*c.outcome) CHECK(c.outcome->error().message == one.message);
        CHECK(c.inflight() == 0);
    }
}

TEST_CASE("only series that lost their quorum fail") {
    Cluster c(7);
    c.ingester(0).answer = kUnavailable;
    c.ingester(1).answer = kUnavailable;
    c.push(200);
    REQUIRE_FALSE(c.outcome->has_value());
    CHECK(c.outcome->error().kind == ErrorKind::unavailable);
    std::multiset<std::string> stored;
    for (std::size_t i = 2; i < 7; ++i) stored.merge(c.ingester(i).sent());
    // Members 2 to 6 have every series that neither 0 nor 1 is a replica of thrice.
    std::size_t safe = 0;
    for (std::size_t i = 0; i < 200; ++i) {
        const auto series = labels(fmt::format("up{{n=\"{}\"}}", i));
        const auto owner =
            static_cast<std::uint32_t>(ring::token_of(*c.context.tenant, series)) % 7;
        if (owner < 2 || owner > 4) continue;
        ++safe;
        CHECK(stored.count(series.to_string()) == 3);
    }
    CHECK(safe > 0);
}

TEST_CASE("series without enough live replicas are refused, others stored") {
    Cluster c(7);
    c.view->add("leaving").state = ring::InstanceState::leaving;
    c.view->add("gone").state = ring::InstanceState::leaving;
    c.directory.ingesters["leaving"];
    c.directory.ingesters["gone"];
    c.push(200);
    REQUIRE_FALSE(c.outcome->has_value());
    CHECK(c.outcome->error().message == "at least 2 live replicas required, could only find 1: too few ingesters are running");
    CHECK(c.ingester(3).pushes == 1);
    CHECK(c.directory.ingesters["gone"].pushes == 0);
}

TEST_CASE("an empty ring is unavailable") {
    Cluster c(0);
    c.push();
    CHECK(c.outcome->error().message == "no ingester is running");
}

TEST_CASE("the ingester of this process is asked last") {
    Cluster c(5);
    c.directory.member_here = Cluster::id(1);
    c.push(100);
    REQUIRE_OK(*c.outcome);
    REQUIRE(c.directory.asked.size() == 5);
    CHECK(c.directory.asked.back() == Cluster::id(1));
}

TEST_CASE("the only ingester, which is here, gets the request whole and untouched") {
    Cluster c(1, {.replication_factor = 1});
    c.directory.member_here = c.directory.local_id = Cluster::id(0);
    c.push(3);
    REQUIRE_OK(*c.outcome);
    CHECK(c.view->lookups == 0);
    CHECK(c.ingester(0).sent().size() == 3);
    c.directory.local_id = "";
    c.push(3);
    CHECK(c.outcome->error().message == "no ingester is running");
}

TEST_CASE("a tenant's shard is asked for with its size") {
    Cluster c(3);
    c.limits.replace_defaults({.ingestion_tenant_shard_size = 6});
    c.push();
    CHECK(c.shard_size == 6);
}

TEST_CASE("what was changed is encoded anew, the rest is as it was received") {
    Cluster c(3);
    model::WriteRequest request;
    request.add(labels("up{n=\"1\"}"), {kNow, 1});
    request.add(labels("late"), {kNow + std::chrono::hours(1), 1});
    request.add(labels("up{n=\"2\"}"), {kNow, 2});
    request.samples.push_back({kNow, 3});
    request.series.back().sample_count = 2;
    std::string message;
    wire::encode_write_request(request, message);
    std::string compressed;
    encoding::snappy_compress(message, compressed);
    c.distributor.push_remote_write(c.context, compressed, [&](Result<void> r) {
        c.outcome.emplace(std::move(r));
    });
    CHECK(c.outcome->error().id == "too-far-in-future");
    CHECK(c.ingester(2).sent() == std::multiset<std::string>{"up{n=\"1\"}", "up{n=\"2\"}"});
}

TEST_CASE("the tenant's rate is shared by the distributors, its burst is not") {
    Cluster c(3);
    c.distributors = 4;
    c.limits.replace_defaults({.ingestion_rate = 8, .ingestion_burst_size = 11});
    c.push(10);  // and a metadata
    REQUIRE_OK(*c.outcome);
    c.clock.advance(std::chrono::seconds(1));
    c.push(2);
    CHECK(c.outcome->error().id == Distributor::kRateLimited);
    c.push(1);
    REQUIRE_OK(*c.outcome);
}

TEST_CASE("a distributor takes no more at once, and no more a second, than it may") {
    const struct {
        const char* name;
        Options options;
        std::string_view id;
    } cases[] = {
        {"requests", {.max_inflight_push_requests = 1}, Distributor::kTooManyInflight},
        {"bytes", {.max_inflight_push_requests_bytes = 100}, Distributor::kTooManyInflightBytes},
        {"rate", {.max_ingestion_rate = 3}, Distributor::kMaxIngestionRate},
    };
    for (const auto& one : cases) {
        CAPTURE(one.name);
        Cluster c(3, {}, one.options);
        for (std::size_t i = 0; i < 3; ++i) c.ingester(i).late = true;
        c.push(4);
        c.clock.advance(std::chrono::seconds(1));
        CHECK_FALSE(c.outcome.has_value());
        c.push();
        REQUIRE(c.outcome.has_value());
        CHECK(c.outcome->error().id == one.id);
        CHECK(
            c.outcome->error().message.find("-distributor.instance-limits.max-") !=
            std::string::npos
        );
        c.outcome.reset();
        for (std::size_t i = 0; i < 3; ++i) c.ingester(i).answer_late({});
        c.clock.advance(std::chrono::seconds(10));
        c.push();
        CHECK_FALSE(c.outcome.has_value());
        for (std::size_t i = 0; i < 3; ++i) c.ingester(i).answer_late({});
        REQUIRE_OK(*c.outcome);
        CHECK(c.metrics.inflight_bytes.value() == 0);
    }
}

TEST_CASE("a drain waits for replicas that have not answered, and refuses what comes later") {
    Cluster c(3);
    c.ingester(2).late = true;
    c.push();
    REQUIRE_OK(*c.outcome);
    std::atomic<bool> drained = false;
    std::thread draining([&] {
        c.distributor.drain();
        drained = true;
    });
    CHECK(mimir::test::eventually(std::chrono::seconds(10), [&] {
        c.push();
        return !c.outcome->has_value();
    }));
    CHECK_FALSE(drained);
    c.ingester(2).answer_late({});
    draining.join();
    CHECK(c.outcome->error().kind == ErrorKind::unavailable);
}

TEST_CASE("answers may come from any threads at once") {
    Cluster c(6);
    for (std::size_t i = 0; i < 6; ++i) c.ingester(i).late = true;
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> told = 0;
        c.distributor.push_remote_write(c.context, Cluster::body(50), [&](const Result<void>& r) {
            REQUIRE(r.has_value());
            ++told;
        });
        std::vector<std::jthread> answering;
        for (std::size_t i = 0; i < 6; ++i) {
            answering.emplace_back([&c, i] { c.ingester(i).answer_late({}); });
        }
        answering.clear();
        CHECK(told == 1);
        CHECK(c.inflight() == 0);
    }
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("distributor/quorum");

TEST_CASE("an error that sending again may mend comes before one that it does not") {
    ring::ReplicationSet one{.members = {0}, .count = 1, .failures_max = 0, .needed = 1};
    ring::ReplicationSet other{.members = {1}, .count = 1, .failures_max = 0, .needed = 1};
    const std::array groups{one, other};
    Quorum quorum(groups);
    const std::array<std::uint32_t, 1> first{0};
    const std::array<std::uint32_t, 1> second{1};
    quorum.count(first, kRefused);
    CHECK_FALSE(quorum.verdict().has_value());
    quorum.count(second, kUnavailable);
    REQUIRE(quorum.verdict().has_value());
    CHECK(quorum.verdict()->error().kind == ErrorKind::unavailable);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::distributor
