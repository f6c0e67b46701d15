// Reading a block of 20,000 series with ten labels each, two hours of samples every 15 s.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "chunkenc/xor_chunk.hpp"
#include "fs/memory_file_system.hpp"
#include "tsdb/block/block.hpp"
#include "tsdb/block/block_series_set.hpp"
#include "tsdb/block/block_writer.hpp"

namespace {

using namespace mimir;
using namespace mimir::tsdb;
using model::Matcher;
using model::MatchType;

constexpr int kMetrics = 20;
constexpr int kPods = 1000;
constexpr std::int64_t kStepMs = 15'000;
constexpr int kSamples = 480;
constexpr std::int64_t kRangeMs = kSamples * kStepMs;

template <class T>
T value(Result<T> result) {
    if (result) return *std::move(result);
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
}
void value(Result<void> result) {
    if (!result) value(Result<int>(tl::unexpected(result.error())));
}

std::vector<model::Labels> make_series() {
    std::vector<model::Labels> series;
    for (int metric = 0; metric < kMetrics; ++metric) {
        for (int pod = 0; pod < kPods; ++pod) {
            series.push_back(model::Labels{
                {model::kMetricName,
                 "http_server_request_duration_seconds_total_" + std::to_string(metric)},
                {"cluster", "eu-west-1-production"},
                {"container", "application-server"},
                {"endpoint", "http-metrics"},
                {"instance",
                 "10.42." + std::to_string(pod / 250) + "." + std::to_string(pod % 250) + ":9090"},
                {"job", "kubernetes-pods/application"},
                {"namespace", "team-" + std::to_string(pod % 20)},
                {"node", "ip-10-0-0-" + std::to_string(pod % 50) + ".eu-west-1.compute.internal"},
                {"pod", "application-server-5d8f7c9b6-" + std::to_string(pod)},
                {"service", "application-server"},
            });
        }
    }
    std::sort(series.begin(), series.end());
    return series;
}

/// A counter that grows by small, uneven steps.
std::vector<std::pair<TimeRange, std::string>> make_chunks(std::size_t series) {
    std::vector<std::pair<TimeRange, std::string>> chunks;
    chunkenc::XorChunk chunk;
    double counter = 0;
    for (int i = 0; i < kSamples; ++i) {
        const std::int64_t time = i * kStepMs;
        chunk.append(
            {time}, counter += static_cast<double>((static_cast<std::size_t>(i) * 7 + series) % 11)
        );
        if (chunk.count() < 120) continue;
        chunks.push_back({{{time - 119 * kStepMs}, {time}}, std::string(chunk.data())});
        chunk.clear();
    }
    return chunks;
}

/// The block, written once.
struct Fixture {
    fs::MemoryFileSystem files;
    std::vector<model::Labels> series = make_series();
    fs::Path dir = write();
    std::shared_ptr<const Block> block = value(Block::open(files, dir));

    fs::Path write() {
        SeededRandom random(static_cast<std::uint64_t>(files.list("/")->size()));
        const Ulid ulid = Ulid::create({0}, random);
        const auto writer = value(BlockWriter::create(files, "/", {ulid, {0}, {kRangeMs}, {}}));
        for (std::size_t i = 0; i < series.size(); ++i) {
            std::vector<chunkenc::ChunkView> views;
            const auto chunks = make_chunks(i);
            for (const auto& [range, data] : chunks) {
                views.push_back({range, chunkenc::Encoding::xor_float, data});
            }
            value(writer->add(series[i], views));
        }
        value(writer->finish());
        return "/" + ulid.str();
    }
};

Fixture& fixture() {
    static Fixture the_one;
    return the_one;
}

constexpr TimeRange kAll{{0}, {kRangeMs}};

Matcher matcher(MatchType type, const char* name, const char* wanted) {
    return value(Matcher::create(type, name, wanted));
}

const Matcher kMetric = Matcher::equal("__name__", "http_server_request_duration_seconds_total_7");
const model::Matchers kEverything;
const model::Matchers kOneMetric = {kMetric};
const model::Matchers kOneSeries = {
    kMetric, Matcher::equal("pod", "application-server-5d8f7c9b6-17")
};
const model::Matchers kSomePods = {kMetric, matcher(MatchType::regex, "pod", ".*7")};
const model::Matchers kOtherPods = {kMetric, matcher(MatchType::not_regex, "pod", ".*7")};
const model::Matchers kPodsOfAll = {matcher(MatchType::regex, "pod", ".*7")};

void write_block(benchmark::State& state) {
    for (auto _ : state) fixture().write();
    state.SetItemsProcessed(
        state.iterations() * static_cast<std::int64_t>(fixture().series.size())
    );
}
BENCHMARK(write_block)->Unit(benchmark::kMillisecond)->Iterations(2);

void open_block(benchmark::State& state) {
    for (auto _ : state) value(Block::open(fixture().files, fixture().dir));
}
BENCHMARK(open_block)->Unit(benchmark::kMicrosecond);

void select_postings(benchmark::State& state, const model::Matchers& matchers) {
    for (auto _ : state) value(select(fixture().block->index(), matchers));
}
BENCHMARK_CAPTURE(select_postings, everything, kEverything)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(select_postings, some_pods, kSomePods)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(select_postings, other_pods, kOtherPods)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(select_postings, pods_of_all, kPodsOfAll)->Unit(benchmark::kMicrosecond);

/// Postings and label sets.
void select_series(benchmark::State& state, const model::Matchers& matchers) {
    std::size_t count = 0;
    for (auto _ : state) count += value(fixture().block->select(matchers, kAll))->count();
    state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK_CAPTURE(select_series, everything, kEverything)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(select_series, one_metric, kOneMetric)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(select_series, one_series, kOneSeries)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(select_series, some_pods, kSomePods)->Unit(benchmark::kMicrosecond);

void load_chunks(benchmark::State& state) {
    const auto set = value(fixture().block->select({}, kAll));
    chunkenc::ChunkBatch batch;
    std::int64_t chunks = 0;
    for (auto _ : state) {
        for (std::size_t first = 0; first < set->count(); first += 512) {
            value(set->load(first, std::min<std::size_t>(512, set->count() - first), batch));
        }
        chunks += static_cast<std::int64_t>(set->count()) * kSamples / 120;
    }
    state.SetItemsProcessed(chunks);
}
BENCHMARK(load_chunks)->Unit(benchmark::kMicrosecond);

void label_values(benchmark::State& state, const model::Matchers& matchers) {
    for (auto _ : state) value(fixture().block->label_values("pod", matchers));
}
BENCHMARK_CAPTURE(label_values, everything, kEverything)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(label_values, one_metric, kOneMetric)->Unit(benchmark::kMicrosecond);

void label_names(benchmark::State& state, const model::Matchers& matchers) {
    for (auto _ : state) value(fixture().block->label_names(matchers));
}
BENCHMARK_CAPTURE(label_names, everything, kEverything)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(label_names, one_metric, kOneMetric)->Unit(benchmark::kMicrosecond);

}  // namespace
