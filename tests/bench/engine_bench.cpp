// The query engine over series in memory: 20,000 counters, 2 hours at 15 seconds (9.6 million samples), ten labels each.
//
//     build/bin/bench_engine [--benchmark_filter=NAME]

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "chunkenc/xor_chunk.hpp"
#include "promql/engine.hpp"

namespace {

using namespace mimir;

constexpr std::int64_t kStart = 1'700'000'000'000;
constexpr std::int64_t kInterval = 15'000;
constexpr std::int64_t kSamples = 480;
constexpr std::int64_t kEnd = kStart + (kSamples - 1) * kInterval;
constexpr std::size_t kSeries = 20'000;
constexpr std::size_t kChunkSamples = 120;

struct Series {
    model::Labels labels;
    std::vector<std::string> bytes;
    std::vector<chunkenc::ChunkView> chunks;
};

Series make_counter(std::size_t number, std::uint64_t seed) {
    Series series;
    const auto instance = fmt::format("10.1.{}.{}:9100", number / 250 % 250, number % 250);
    const auto pod = fmt::format("api-server-{:08x}", number * 2654435761U);
    const auto code = fmt::format("{}", 200 + 100 * (number % 4));
    const auto zone = fmt::format("eu-west-1{}", static_cast<char>('a' + number % 3));
    series.labels = model::Labels(
        {{"__name__", "http_requests_total"},
         {"cluster", "production-europe-1"},
         {"code", code},
         {"handler", number % 2 == 0 ? "/api/v1/query" : "/api/v1/push"},
         {"instance", instance},
         {"job", "api-server"},
         {"method", number % 5 == 0 ? "POST" : "GET"},
         {"namespace", "monitoring"},
         {"pod", pod},
         {"zone", zone}}
    );
    double value = 0;
    chunkenc::XorChunk chunk;
    std::size_t samples_left =
        kChunkSamples / 2;  // of the chunk: so that the newest one is half full
    std::int64_t chunk_start = 0;
    std::int64_t time = 0;
    const auto close = [&] {
        series.bytes.emplace_back(chunk.data());
        series.chunks.push_back({{{chunk_start}, {time}}, chunkenc::Encoding::xor_float, {}});
        chunk.clear();
        samples_left = kChunkSamples;
    };
    for (std::int64_t i = 0; i < kSamples; ++i) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        time = kStart + i * kInterval + static_cast<std::int64_t>(seed >> 60) - 8;
        value += static_cast<double>(seed >> 56);
        if (number % 50 == 0 && i == kSamples / 2) value = 0;  // restarted
        if (chunk.count() == 0) chunk_start = time;
        chunk.append({time}, value);
        if (--samples_left == 0) close();
    }
    if (chunk.count() > 0) close();
    for (std::size_t i = 0; i < series.chunks.size(); ++i) series.chunks[i].data = series.bytes[i];
    return series;
}

const std::vector<Series>& all_series() {
    static const std::vector<Series> series = [] {
        std::vector<Series> made;
        for (std::size_t i = 0; i < kSeries; ++i) made.push_back(make_counter(i, i * 7919 + 1));
        return made;
    }();
    return series;
}

class Selected final : public chunkenc::SeriesSet {
  public:
    explicit Selected(TimeRange range) : range_(range) {}

    [[nodiscard]] std::size_t count() const override { return all_series().size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return all_series()[index].labels;
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        batch.clear();
        for (std::size_t i = first; i < first + count; ++i) {
            batch.begin_series();
            for (const auto& chunk : all_series()[i].chunks) {
                if (chunk.range.overlaps(range_)) batch.add(chunk);
            }
        }
        return {};
    }

  private:
    TimeRange range_;
};

class Storage final : public promql::Queryable {
  public:
    Result<std::unique_ptr<chunkenc::SeriesSet>> select(const model::Matchers&, TimeRange range)
        override {
        return std::make_unique<Selected>(range);
    }
};

void run(benchmark::State& state, const char* text, bool instant) {
    all_series();
    const promql::Engine engine({});
    Storage storage;
    const promql::Query query =
        instant ? promql::Query::instant(text, {kEnd})
                : promql::Query{text, {kStart}, {kEnd}, std::chrono::minutes(1)};
    std::size_t samples = 0;
    for (auto _ : state) {
        auto result = engine.execute(query, storage);
        if (!result) {
            std::fprintf(stderr, "%s\n", result.error().message.c_str());
            std::exit(1);
        }
        samples = result->statistics.samples;
        benchmark::DoNotOptimize(result);
    }
    state.counters["samples"] = static_cast<double>(samples);
    state.counters["ns_per_sample"] = benchmark::Counter(
        static_cast<double>(samples) * 1e-9,
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert
    );
}

#define MIMIR_QUERY(name, text, instant)                              \
    void name(benchmark::State& state) { run(state, text, instant); } \
    BENCHMARK(name)->Unit(benchmark::kMillisecond)

MIMIR_QUERY(instant_selector, "x", true);
MIMIR_QUERY(instant_rate, "rate(x[5m])", true);
MIMIR_QUERY(instant_sum_by, "sum by (code, zone) (x)", true);
MIMIR_QUERY(instant_topk, "topk(10, rate(x[5m]))", true);
MIMIR_QUERY(range_sum, "sum(x)", false);
MIMIR_QUERY(range_sum_rate, "sum(rate(x[5m]))", false);
MIMIR_QUERY(range_sum_rate_by_pod, "sum by (pod) (rate(x[5m]))", false);
MIMIR_QUERY(range_max_over_time, "max(max_over_time(x[10m]))", false);
MIMIR_QUERY(range_avg_over_time, "avg(avg_over_time(x[10m]))", false);
MIMIR_QUERY(range_ratio, "sum by (job) (rate(x[5m])) / sum by (job) (x)", false);
MIMIR_QUERY(range_match, "sum(x / on (pod, instance, code, zone, handler, method) x)", false);
MIMIR_QUERY(range_topk, "topk(5, rate(x[5m]))", false);
MIMIR_QUERY(range_quantile, "quantile by (zone) (0.9, x)", false);
MIMIR_QUERY(range_subquery, "max_over_time(sum(rate(x[5m]))[30m:1m])", false);

}  // namespace
