#include "components/querier/ingester_reader.hpp"

#include <set>
#include <thread>

#include "components/querier/ingester_queryable.hpp"
#include "promql/engine.hpp"
#include "unit/querier/ingester_ring.hpp"
#include "unit/querier/replica.hpp"

namespace mimir::querier {
namespace {

using namespace std::chrono_literals;
using model::Labels;
using test::IngesterRing;
using test::labels;
using test::Replica;
using Does = Replica::Does;
using Strings = std::vector<std::string>;

constexpr TimestampMs kNow{1'700'000'000'000};
constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};
const model::Matchers kAll{*model::Matcher::create(model::MatchType::not_equal, "__name__", "")};

/// Ingesters in a ring, "ingester-0" on, and a request of tenant "a" that reads them.
struct Cluster {
    explicit Cluster(std::size_t count = 3, ring::RingOptions options = {.replication_factor = 3})
        : ring(clock, options) {
        for (std::size_t i = 0; i < count; ++i) {
            replicas.push_back(std::make_shared<Replica>());
            ring.join(name(i), replicas.back(), options.zone_awareness_enabled ? zone(i) : "");
        }
    }
    static std::string name(std::size_t i) { return "ingester-" + std::to_string(i); }
    static std::string zone(std::size_t i) { return "zone-" + std::to_string(i % 3); }

    Result<std::shared_ptr<IngesterReader>> open() {
        return IngesterReader::open({ring.ring(), ring, gather, clock}, context, limits, ++seed);
    }
    IngesterReader& reader() {
        const auto opened = open();
        REQUIRE_OK(opened);
        readers.push_back(*opened);
        return **opened;
    }
    /// The values of an instant query, by label "i".
    Result<std::map<std::string, double>> query(const std::string& text) {
        MIMIR_TRY(auto ingesters, open());
        IngesterQueryable storage(
            std::move(ingesters), std::make_shared<const config::Limits>(limits), kAlways
        );
        const promql::Engine engine({});
        MIMIR_TRY(const auto result, engine.execute(promql::Query::instant(text, kNow), storage));
        usage = storage.usage();
        std::map<std::string, double> values;
        for (const auto& sample : std::get<promql::Vector>(result.value)) {
            values[std::string(sample.labels.view().get("i"))] = sample.value;
        }
        return values;
    }
    [[nodiscard]] std::size_t asked() const {
        std::size_t sum = 0;
        for (const auto& replica : replicas) sum += replica->asked;
        return sum;
    }

    test::ManualClock clock{kNow};
    IngesterRing ring;
    std::vector<std::shared_ptr<Replica>> replicas;
    rpc::GatherOptions gather{.hedging_delay = 0ms};
    rpc::RequestContext context{
        .tenant = *model::TenantId::parse("a"), .cancellation = CancellationToken::create()
    };
    config::Limits limits;
    std::uint64_t seed = 0;
    std::vector<std::shared_ptr<IngesterReader>> readers;
    QueryUsage usage;
};

Labels series_of(const char* metric, std::size_t i) {
    return Labels{{"__name__", metric}, {"i", std::to_string(i)}};
}

TEST_SUITE_BEGIN("querier/ingester_reader");

TEST_CASE("what one replica lacks comes from another, whichever are asked") {
    Cluster cluster;
    for (std::size_t i = 0; i < 3; ++i) {
        cluster.replicas[i]->add(labels("m{i=\"0\"}"), {{kNow - 30s, 1}, {kNow - 20s, 2}});
        if (i == 1) continue;  // behind
        cluster.replicas[i]->add(labels("m{i=\"0\"}"), {{kNow - 10s, 3}, {kNow, 4}});
        cluster.replicas[i]->add(labels("m{i=\"1\"}"), {{kNow, 5}});
    }
    const std::map<std::string, double> expected{{"0", 4}, {"1", 1}};
    for (int i = 0; i < 10; ++i) {
        const auto counts = cluster.query("count_over_time(m[1m])");
        REQUIRE_OK(counts);
        CHECK(*counts == expected);
    }
}

TEST_CASE("series stay apart whose labels nobody looks at, whoever of the ingesters sends them") {
    struct Case {
        const char* name;
        std::size_t of_older_release;
        bool one_is_local;
    };
    for (const Case& c :
         {Case{"all know projections", 0, false},
          Case{"one does not", 1, false},
          Case{"none does", 3, false},
          Case{"one is of this process", 0, true},
          Case{"one is, and another of an older release", 1, true}}) {
        CAPTURE(c.name);
        Cluster cluster;
        cluster.gather.minimize_requests = false;
        if (c.one_is_local) {
            cluster.replicas[2] = std::make_shared<Replica>(Replica::Place::local);
            cluster.ring.run_locally("ingester-2", cluster.replicas[2]);
        }
        for (std::size_t i = 0; i < 3; ++i) {
            cluster.replicas[i]->knows_projections = i >= c.of_older_release;
            for (std::size_t s = 0; s < 50; ++s) {
                if (s % 10 == i) continue;  // it lacks some, which the others have
                cluster.replicas[i]->add(series_of("m", s), {{kNow - 10s, 1}, {kNow, 2}});
            }
        }
        for (int time = 0; time < 10; ++time) {  // any two of them may be those that count
            const auto sum = cluster.query("sum(m)");
            REQUIRE_OK(sum);
            CHECK(*sum == std::map<std::string, double>{{"", 100}});
            CHECK(cluster.usage.series == 50);
            CHECK(cluster.usage.chunks == 50);
            const auto by = cluster.query("sum by (i) (count_over_time(m[1m]))");
            REQUIRE_OK(by);
            CHECK(by->size() == 50);
            for (const auto& [i, count] : *by) CHECK(count == 2);
        }
    }
}

TEST_CASE("one remote ingester alone need not order its series") {
    Cluster cluster(1, {.replication_factor = 1});
    for (std::size_t i = 0; i < 20; ++i) cluster.replicas[0]->add(series_of("m", i), {{kNow, 1}});
    const model::LabelProjection number({"i"});
    const auto set = cluster.reader().select_in_any_order(kAll, kAlways, nullptr);
    REQUIRE_OK(set);
    REQUIRE((*set)->count() == 20);
    for (std::size_t i = 0; i < 20; ++i) CHECK((*set)->labels(i) == series_of("m", i).view());
    const auto sum = cluster.query("sum(m)");
    REQUIRE_OK(sum);
    CHECK(*sum == std::map<std::string, double>{{"", 20}});
}

TEST_CASE("chunks that replicas share are read once, others are all read") {
    Cluster cluster;
    cluster.gather.minimize_requests = false;
    for (auto& replica : cluster.replicas) {
        replica->add(labels("m{i=\"0\"}"), {{kNow - 30s, 1}, {kNow - 20s, 2}});
    }
    REQUIRE_OK(cluster.query("m"));
    CHECK(cluster.usage.series == 1);
    CHECK(cluster.usage.chunks == 1);
    for (std::size_t i = 0; i < 3; ++i) {
        cluster.replicas[i]->add(
            labels("m{i=\"0\"}"), {{kNow - 10s, 3}, {kNow, static_cast<double>(i)}}
        );
    }
    REQUIRE_OK(cluster.query("m"));
    CHECK(cluster.usage.chunks == 3);  // of two replicas
}

TEST_CASE("one of three may be dead, and is replaced") {
    Cluster cluster;
    for (auto& replica : cluster.replicas) replica->add(labels("m{i=\"0\"}"), {{kNow, 7}});
    cluster.replicas[2]->does = Does::fails;
    for (int i = 0; i < 10; ++i) {
        const auto values = cluster.query("m");
        REQUIRE_OK(values);
        CHECK(values->at("0") == 7);
    }
    CHECK(cluster.replicas[2]->asked > 0);
}

TEST_CASE("with two of three dead the query fails and says which and why") {
    Cluster cluster;
    cluster.replicas[0]->does = Does::fails;
    cluster.replicas[2]->does = Does::fails;
    const auto values = cluster.query("m");
    REQUIRE_FALSE(values.has_value());
    CHECK(values.error().kind == ErrorKind::unavailable);
    CHECK(values.error().message.find("ingester-0: connection refused") != std::string::npos);
    CHECK(values.error().message.find("ingester-2: connection refused") != std::string::npos);
}

TEST_CASE("one that says nothing is not waited for") {
    Cluster cluster;
    cluster.gather.hedging_delay = 1ms;
    for (auto& replica : cluster.replicas) replica->add(labels("m{i=\"0\"}"), {{kNow, 7}});
    cluster.replicas[1]->does = Does::says_nothing;
    for (int i = 0; i < 5; ++i) REQUIRE_OK(cluster.query("m"));
    CHECK(cluster.replicas[1]->asked > 0);
}

TEST_CASE("a replica that breaks off fails the query rather than leave a gap") {
    Cluster cluster;
    cluster.gather.minimize_requests = false;
    for (auto& replica : cluster.replicas) replica->add(labels("m{i=\"0\"}"), {{kNow, 7}});
    cluster.replicas[0]->does = Does::breaks_off;
    const auto values = cluster.query("m");
    REQUIRE_FALSE(values.has_value());
    CHECK(values.error().message == "the connection broke");
}

TEST_CASE("a query that was canceled waits no longer") {
    Cluster cluster;
    for (auto& replica : cluster.replicas) replica->does = Does::says_nothing;
    std::jthread canceling([token = cluster.context.cancellation]() mutable { token.cancel(); });
    CHECK(cluster.query("m").error().kind == ErrorKind::canceled);
}

TEST_CASE("with zones one zone may fail") {
    Cluster cluster(6, {.replication_factor = 3, .zone_awareness_enabled = true});
    for (std::size_t i = 0; i < 6; ++i) {
        // Each zone has both series, one in each of its members.
        cluster.replicas[i]->add(series_of("m", i / 3), {{kNow, 1}});
    }
    const auto both = [&] {
        for (int i = 0; i < 10; ++i) {
            const auto values = cluster.query("m");
            REQUIRE_OK(values);
            CHECK(values->size() == 2);
        }
    };
    SUBCASE("none does") {
        both();
        CHECK(cluster.asked() == 10 * 4);
    }
    SUBCASE("one of its members fails") {
        cluster.replicas[1]->does = Does::fails;
        both();
    }
    SUBCASE("all of its members fail") {
        cluster.replicas[1]->does = Does::fails;
        cluster.replicas[4]->does = Does::fails;
        both();
    }
    SUBCASE("members of two zones fail") {
        cluster.replicas[1]->does = Does::fails;
        cluster.replicas[5]->does = Does::fails;
        CHECK(cluster.query("m").error().kind == ErrorKind::unavailable);
    }
}

TEST_CASE("the ingester of this process takes part, though its series are in another order") {
    Cluster cluster(2);
    const auto local = std::make_shared<Replica>(Replica::Place::local);
    cluster.ring.run_locally("ingester-2", local);
    for (std::size_t i = 0; i < 300; ++i) {
        local->add(series_of("m", i), {{kNow, static_cast<double>(i)}});
        if (i % 3 != 0) continue;
        for (auto& replica : cluster.replicas) {
            replica->add(series_of("m", i), {{kNow, static_cast<double>(i)}});
        }
    }
    const auto values = cluster.query("m");
    REQUIRE_OK(values);
    CHECK(values->size() == 300);
    for (const auto& [i, value] : *values) CHECK(i == std::to_string(static_cast<int>(value)));
    CHECK(cluster.usage.chunks == 300);
    CHECK(local->asked == 1);
    CHECK(cluster.asked() == 1);
}

TEST_CASE("alone, the ingester of this process is read as it is") {
    Cluster cluster(0, {.replication_factor = 1});
    const auto local = std::make_shared<Replica>(Replica::Place::local);
    cluster.ring.run_locally("ingester-0", local);
    for (std::size_t i = 0; i < 20; ++i) local->add(series_of("m", i), {{kNow, 1}});
    const auto set = cluster.reader().select(kAll, kAlways);
    REQUIRE_OK(set);
    REQUIRE((*set)->count() == 20);
    for (std::size_t i = 0; i < 20; ++i) CHECK((*set)->labels(i) == series_of("m", i).view());
    cluster.ring.stop_local();
    CHECK(cluster.open().error().message == "no ingester is running");
}

TEST_CASE("a ring without members, or without living ones, is told") {
    Cluster none(0);
    CHECK(none.open().error().kind == ErrorKind::unavailable);
    CHECK(none.open().error().message == "no ingester is running");
    Cluster dead;
    dead.clock.advance(std::chrono::minutes(2));
    const auto opened = dead.open();
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().kind == ErrorKind::unavailable);
    CHECK(opened.error().message.find("ingester-1 (no heartbeat)") != std::string::npos);
}

TEST_CASE("only the tenant's own ingesters are asked, and those that it had lately") {
    Cluster cluster(5, {.replication_factor = 1});
    cluster.limits.ingestion_tenant_shard_size = 2;
    REQUIRE_OK(cluster.reader().label_names({}, kAlways));
    CHECK(cluster.asked() == 2);
    cluster.limits.query_ingesters_within = 0ms;
    REQUIRE_OK(cluster.reader().label_names({}, kAlways));
    CHECK(cluster.asked() == 2 + 5);
}

TEST_CASE("what matches nothing is empty") {
    Cluster cluster;
    const auto set = cluster.reader().select(kAll, kAlways);
    REQUIRE_OK(set);
    CHECK((*set)->count() == 0);
    CHECK(cluster.reader().series({}, kAlways)->empty());
    CHECK(cluster.reader().exemplars({}, kAlways)->empty());
    CHECK(cluster.reader().metadata({})->empty());
}

TEST_CASE("labels and series of several ingesters are there once, sorted") {
    Cluster cluster(3, {.replication_factor = 1});
    cluster.replicas[0]->strings = {"b", "d"};
    cluster.replicas[1]->strings = {"a", "b"};
    cluster.replicas[2]->strings = {"c", "d"};
    const Strings expected{"a", "b", "c", "d"};
    CHECK(*cluster.reader().label_names({}, kAlways) == expected);
    CHECK(*cluster.reader().label_values("x", {}, kAlways) == expected);
    for (std::size_t i = 0; i < 3; ++i) {
        cluster.replicas[i]->add(series_of("m", 3 - i), {{kNow, 1}});
        cluster.replicas[i]->add(series_of("m", 7), {{kNow, 1}});
    }
    const std::vector<Labels> series{
        series_of("m", 1), series_of("m", 2), series_of("m", 3), series_of("m", 7)
    };
    CHECK(*cluster.reader().series({}, kAlways) == series);
}

TEST_CASE("exemplars of several ingesters are put together by series and time") {
    Cluster cluster(2, {.replication_factor = 1});
    const auto exemplar = [](std::chrono::seconds ago, double value) {
        return model::Exemplar{labels("{trace=\"t\"}"), value, kNow - ago};
    };
    cluster.replicas[0]->kept_exemplars = {
        {series_of("m", 2), {exemplar(9s, 1), exemplar(5s, 2)}},
        {series_of("m", 3), {exemplar(1s, 9)}},
    };
    cluster.replicas[1]->kept_exemplars = {
        {series_of("m", 1), {exemplar(1s, 8)}},
        {series_of("m", 2), {exemplar(7s, 3), exemplar(5s, 2)}},
    };
    const auto found = cluster.reader().exemplars({}, kAlways);
    REQUIRE_OK(found);
    REQUIRE(found->size() == 3);
    CHECK(found->at(0).series == series_of("m", 1));
    CHECK(found->at(1).series == series_of("m", 2));
    CHECK(found->at(1).exemplars == std::vector{exemplar(9s, 1), exemplar(7s, 3), exemplar(5s, 2)});
    CHECK(found->at(2).series == series_of("m", 3));
}

TEST_CASE("metadata of several ingesters keeps to the limits that one would") {
    Cluster cluster(2, {.replication_factor = 1});
    using model::MetricType;
    cluster.replicas[0]->kept_metadata = {
        {"a", {MetricType::gauge, "help", ""}}, {"c", {MetricType::counter, "help", ""}}
    };
    cluster.replicas[1]->kept_metadata = {
        {"a", {MetricType::gauge, "help", ""}},
        {"a", {MetricType::counter, "other", ""}},
        {"b", {MetricType::gauge, "help", ""}}
    };
    const auto metrics = [&](const rpc::MetadataQuery& query) {
        const auto found = cluster.reader().metadata(query);
        REQUIRE_OK(found);
        Strings names;
        for (const auto& own : *found) names.push_back(own.metric);
        return names;
    };
    CHECK(metrics({}) == Strings{"a", "a", "b", "c"});
    CHECK(metrics({.per_metric_limit = 1}) == Strings{"a", "b", "c"});
    CHECK(metrics({.metrics_limit = 2}) == Strings{"a", "a", "b"});
    CHECK(metrics({.metrics_limit = 1, .per_metric_limit = 1}) == Strings{"a"});
}

/// Samples of one series: all of them, and what each replica has of them, in chunks of its own.
template <class Sample>
void spread(
    const Labels& series,
    const std::vector<Sample>& samples,
    Replica& whole,
    const std::vector<std::shared_ptr<Replica>>& replicas,
    Random& random
) {
    whole.add(series, samples);
    std::vector<std::vector<Sample>> open(replicas.size());
    const auto cut = [&](std::size_t replica) {
        if (!open[replica].empty()) replicas[replica]->add(series, open[replica]);
        open[replica].clear();
    };
    const bool same_cuts = random.below(2) == 0;
    for (const Sample& sample : samples) {
        // Each is missing in one replica at most.
        const std::size_t missing = random.below(replicas.size() * 4);
        const bool cut_all = random.below(20) == 0;
        for (std::size_t i = 0; i < replicas.size(); ++i) {
            if (same_cuts ? cut_all : random.below(20) == 0) cut(i);
            if (i != missing) open[i].push_back(sample);
        }
    }
    for (std::size_t i = 0; i < replicas.size(); ++i) cut(i);
}

TEST_CASE("a query over replicas gives what one over a single whole ingester gives") {
    SeededRandom random = test::seeded_random();
    Cluster replicated;
    Cluster single(1, {.replication_factor = 1});
    constexpr int kSamples = 150;
    const auto time = [](int i) { return kNow - 5s * (kSamples - 1 - i); };
    for (std::size_t s = 0; s < 40; ++s) {
        std::vector<Replica::FloatSample> samples;
        double value = 0;
        for (int i = 0; i < kSamples; ++i) {
            value = random.below(50) == 0 ? 0 : value + static_cast<double>(random.below(100));
            samples.push_back({time(i), value});
        }
        spread(series_of("c", s), samples, *single.replicas[0], replicated.replicas, random);
    }
    for (std::size_t s = 0; s < 10; ++s) {
        std::vector<Replica::HistogramSample> samples;
        model::Histogram histogram{.positive_spans = {{0, 2}}, .positive_deltas = {0, 0}};
        std::uint64_t first = 0;
        std::uint64_t second = 0;
        for (int i = 0; i < kSamples; ++i) {
            if (random.below(50) == 0) first = second = 0;
            first += random.below(20);
            second += random.below(20);
            histogram.count = first + second;
            histogram.sum = static_cast<double>(first + 2 * second);
            const auto delta = static_cast<std::int64_t>(second) - static_cast<std::int64_t>(first);
            histogram.positive_deltas = {static_cast<std::int64_t>(first), delta};
            samples.push_back({time(i), histogram});
        }
        spread(series_of("h", s), samples, *single.replicas[0], replicated.replicas, random);
    }
    for (const char* query : {
             "c",
             "rate(c[2m])",
             "count_over_time(c[10m])",
             "sum(c offset 3m)",
             "max_over_time(sum(c)[10m:7s])",
             "histogram_count(h)",
             "histogram_sum(h offset 1m)",
             "count_over_time(h[10m])",
             "histogram_quantile(0.7, rate(h[2m]))",
         }) {
        CAPTURE(query);
        const auto expected = single.query(query);
        REQUIRE_OK(expected);
        CHECK_FALSE(expected->empty());
        for (int i = 0; i < 4; ++i) {
            const auto values = replicated.query(query);
            REQUIRE_OK(values);
            CHECK(*values == *expected);
        }
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::querier
