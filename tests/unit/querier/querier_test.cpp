#include "components/querier/querier.hpp"

#include <deque>
#include <optional>

#include "chunkenc/xor_chunk.hpp"
#include "promql/parser.hpp"
#include "rpc/local_ingester.hpp"
#include "runtime/run_on.hpp"
#include "support/test_support.hpp"
#include "unit/querier/ingester_ring.hpp"

namespace mimir::querier {
namespace {

using test::IngesterRing;
using test::labels;

constexpr TimestampMs kNow{1'700'000'000'000};
constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

/// Some series with a chunk each.
class FakeIngester {
  public:
    void add(model::Labels series, std::span<const model::Sample> samples) {
        chunkenc::XorChunk chunk;
        for (const auto& sample : samples) chunk.append(sample.time, sample.value);
        series_.push_back(
            {std::move(series),
             std::string(chunk.data()),
             {samples.front().time, samples.back().time}}
        );
    }

    Result<void> push(const rpc::RequestContext&, const model::WriteRequest&) { return {}; }

    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const rpc::RequestContext& context, const model::Matchers& matchers, TimeRange range
    ) {
        CHECK(context.tenant->str() == "a");
        selected = range;
        auto found = std::make_unique<Selected>();
        for (const Series& series : series_) {
            if (model::matches(matchers, series.labels) && series.range.overlaps(range)) {
                found->series.push_back(&series);
            }
        }
        return found;
    }
    Result<std::vector<model::Labels>> series(
        const rpc::RequestContext&, std::span<const model::Matchers>, TimeRange range
    ) {
        selected = range;
        return std::vector<model::Labels>{labels("a"), labels("b"), labels("c")};
    }
    Result<std::vector<std::string>> label_names(
        const rpc::RequestContext&, const model::Matchers& matchers, TimeRange
    ) {
        if (matchers.empty()) return std::vector<std::string>{"all"};
        return std::vector<std::string>{matchers[0].value(), "shared"};
    }
    Result<std::vector<std::string>> label_values(
        const rpc::RequestContext&, std::string_view name, const model::Matchers&, TimeRange
    ) {
        return std::vector<std::string>{std::string(name)};
    }
    Result<std::vector<model::SeriesExemplars>> exemplars(
        const rpc::RequestContext&, std::span<const model::Matchers>, TimeRange
    ) {
        return {};
    }
    Result<std::vector<model::MetricMetadata>>
    metadata(const rpc::RequestContext&, const rpc::MetadataQuery&) {
        return {};
    }

    TimeRange selected;

  private:
    struct Series {
        model::Labels labels;
        std::string chunk;
        TimeRange range;
    };
    struct Selected final : chunkenc::SeriesSet {
        [[nodiscard]] std::size_t count() const override { return series.size(); }
        [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
            return series[index]->labels;
        }
        Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch)
            override {
            batch.clear();
            for (std::size_t i = first; i < first + count; ++i) {
                batch.begin_series();
                batch.add({series[i]->range, chunkenc::Encoding::xor_float, series[i]->chunk});
            }
            return {};
        }
        std::vector<const Series*> series;
    };

    std::deque<Series> series_;
};

struct Fixture {
    Fixture() {
        for (const char* job : {"a", "b"}) {
            const model::Sample samples[] = {{kNow - std::chrono::seconds(15), 1}, {kNow, 2}};
            ingester.add(model::Labels{{"__name__", "up"}, {"job", job}}, samples);
        }
        ring.run_locally("ingester-1", client);
    }
    template <class T>
    T wait(boost::asio::awaitable<T> work) {
        return runtime::wait(executors.io, std::move(work));
    }
    Result<promql::QueryResult> query(std::string text) {
        auto expr = promql::parse_expr(text);
        REQUIRE_OK(expr);
        return wait(querier.query(context, promql::Query::instant(text, kNow), *expr));
    }
    void limit(config::Limits own) {
        limits.replace_overrides({{"a", std::make_shared<const config::Limits>(own)}});
    }

    runtime::Executors executors{
        {.ingest = {1, 1}, .query = {1, 10}, .background = {1, 1}, .admin = {1, 1}}
    };
    config::LimitsProvider limits{config::Limits{}};
    FakeIngester ingester;
    const std::shared_ptr<rpc::IngesterClient> client =
        std::make_shared<rpc::LocalIngester<FakeIngester>>(ingester);
    test::ManualClock clock{kNow};
    IngesterRing ring{clock};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    Options options;
    Querier querier{options, {limits, ring.ring(), ring, executors.query, metrics, clock}};
    rpc::RequestContext context{
        .tenant = *model::TenantId::parse("a"), .cancellation = CancellationToken::create()
    };
};

TEST_SUITE_BEGIN("querier");

TEST_CASE("a query is evaluated over the tenant's series, and what it read is counted") {
    Fixture f;
    const auto result = f.query("sum(up)");
    REQUIRE_OK(result);
    const auto& vector = std::get<promql::Vector>(result->value);
    REQUIRE(vector.size() == 1);
    CHECK(vector[0].value == 4);
    const std::string text = telemetry::expose(f.registry.collect());
    CHECK(text.find("cortex_query_fetched_series_total{user=\"a\"} 2\n") != std::string::npos);
    CHECK(text.find("cortex_query_fetched_chunks_total{user=\"a\"} 2\n") != std::string::npos);
    CHECK(text.find("cortex_querier_inflight_requests 0\n") != std::string::npos);
}

TEST_CASE("a query over a limit is refused by its id") {
    Fixture f;
    const struct {
        const char* id;
        config::Limits limits;
        const char* query;
    } cases[] = {
        {"max-series-per-query", {.max_fetched_series_per_query = 1}, "up"},
        {"max-chunks-per-query", {.max_fetched_chunks_per_query = 1}, "up"},
        {"max-chunks-bytes-per-query", {.max_fetched_chunk_bytes_per_query = 30}, "up"},
        {"max-query-length",
         {.max_partial_query_length = std::chrono::minutes(10)},
         "sum_over_time(up[11m])"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.id);
        f.limit(c.limits);
        const auto result = f.query(c.query);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == ErrorKind::limit);
        CHECK(result.error().id == c.id);
        CHECK(
            result.error().message.find(fmt::format("(err-mimir-{})", c.id)) != std::string::npos
        );
    }
}

TEST_CASE("data beyond the tenant's look-back is not seen") {
    Fixture f;
    f.limit({.max_query_lookback = std::chrono::seconds(10)});
    const auto result = f.query("count_over_time(up[1h])");
    REQUIRE_OK(result);
    CHECK(f.ingester.selected.min == kNow - std::chrono::seconds(10));
}

TEST_CASE("a query that was canceled or came too late says so in Prometheus' words") {
    Fixture f;
    f.context.cancellation.cancel();
    CHECK(f.query("up").error().message == "query was canceled in expression evaluation");
    f.context.cancellation =
        CancellationToken::create(std::chrono::steady_clock::time_point::min());
    CHECK(f.query("up").error().message == "query timed out in expression evaluation");
}

TEST_CASE("without an ingester nothing is answered") {
    Fixture f;
    SUBCASE("it has left the ring") { f.ring.leave("ingester-1"); }
    SUBCASE("its entry is still in the ring") { f.ring.stop_local(); }
    CHECK(f.query("up").error().kind == ErrorKind::unavailable);
    CHECK(f.query("up").error().message == "no ingester is running");
    CHECK(f.wait(f.querier.series(f.context, {})).error().kind == ErrorKind::unavailable);
}

TEST_CASE("labels of several selectors are put together, sorted, and cut at the limit") {
    Fixture f;
    rpc::SelectionQuery query{
        .selectors = {{model::Matcher::equal("job", "z")}, {model::Matcher::equal("job", "b")}},
        .range = kAlways
    };
    const auto names = f.wait(f.querier.label_names(f.context, query));
    REQUIRE_OK(names);
    CHECK(names->found == std::vector<std::string>{"b", "shared", "z"});
    CHECK_FALSE(names->truncated);
    query.limit = 2;
    const auto two = f.wait(f.querier.label_names(f.context, query));
    CHECK(two->found.size() == 2);
    CHECK(two->truncated);
    CHECK(
        f.wait(f.querier.label_names(f.context, {.range = kAlways}))->found ==
        std::vector<std::string>{"all"}
    );
    CHECK(f.wait(f.querier.series(f.context, {.range = kAlways, .limit = 1}))->truncated);
}

TEST_CASE("the time of label requests is cut to the tenant's limit") {
    Fixture f;
    f.limit({.max_labels_query_length = std::chrono::hours(1)});
    REQUIRE_OK(f.wait(f.querier.series(f.context, {.range = kAlways})));
    CHECK(f.ingester.selected.length() == std::chrono::hours(1));
    CHECK(f.ingester.selected.max == kNow + std::chrono::minutes(10));
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::querier
