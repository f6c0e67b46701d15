// Reading a block of 20,000 series with ten labels each, two hours of samples every 15 s.

#include <algorithm>
#include <cstdio>
#include <ctime>
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

template <class F>
void measure(const char* what, int rounds, F&& work) {
    std::size_t items = 0;
    const std::clock_t start = std::clock();  // of the processor: other work does not count
    for (int i = 0; i < rounds; ++i) items = work();
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::printf("%-58s %10.1f us  %8zu items\n", what, seconds * 1e6 / rounds, items);
}

}  // namespace

int main() {
    fs::MemoryFileSystem files;
    const std::vector<model::Labels> series = make_series();
    SeededRandom random(1);
    const Ulid ulid = Ulid::create({0}, random);
    measure("write the block", 1, [&] {
        const auto writer = value(BlockWriter::create(files, "/", {ulid, {0}, {kRangeMs}, {}}));
        for (std::size_t i = 0; i < series.size(); ++i) {
            std::vector<chunkenc::ChunkView> views;
            const auto chunks = make_chunks(i);
            for (const auto& [range, data] : chunks)
                views.push_back({range, chunkenc::Encoding::xor_float, data});
            value(writer->add(series[i], views));
        }
        return value(writer->finish())->stats.series;
    });
    measure("open it", 20, [&] { return value(Block::open(files, "/" + ulid.str()))->bytes(); });

    const auto block = value(Block::open(files, "/" + ulid.str()));
    const TimeRange all{{0}, {kRangeMs}};
    const auto matcher = [](MatchType type, const char* name, const char* wanted) {
        return value(Matcher::create(type, name, wanted));
    };
    const Matcher metric =
        Matcher::equal("__name__", "http_server_request_duration_seconds_total_7");
    const std::pair<const char*, model::Matchers> selectors[] = {
        {"{}", {}},
        {"metric", {metric}},
        {"metric{pod=\"...-17\"}",
         {metric, Matcher::equal("pod", "application-server-5d8f7c9b6-17")}},
        {"metric{namespace=~\"team-1.*\"}",
         {metric, matcher(MatchType::regex, "namespace", "team-1.*")}},
        {"metric{pod=~\".*7\"}", {metric, matcher(MatchType::regex, "pod", ".*7")}},
        {"{pod=~\".*7\"}", {matcher(MatchType::regex, "pod", ".*7")}},
        {"metric{pod!~\".*7\"}", {metric, matcher(MatchType::not_regex, "pod", ".*7")}},
    };
    for (const auto& [name, matchers] : selectors) {
        const std::string shown = name;
        const model::Matchers& wanted = matchers;
        measure(("postings of " + shown).c_str(), 50, [&] {
            return value(select(block->index(), wanted)).size();
        });
        measure(("select " + shown).c_str(), 20, [&] {
            return value(block->select(wanted, all))->count();
        });
    }
    const auto everything = value(block->select({}, all));
    measure("load the chunks of {}, 512 series at a time", 20, [&] {
        chunkenc::ChunkBatch batch;
        for (std::size_t first = 0; first < everything->count(); first += 512) {
            value(everything->load(
                first, std::min<std::size_t>(512, everything->count() - first), batch
            ));
        }
        return everything->count() * 4;
    });
    measure("values of pod", 50, [&] { return value(block->label_values("pod", {})).size(); });
    measure("values of pod of metric", 50, [&] {
        return value(block->label_values("pod", {metric})).size();
    });
    measure("names", 50, [&] { return value(block->label_names({})).size(); });
    measure("names of metric", 50, [&] { return value(block->label_names({metric})).size(); });
    std::printf(
        "%.2f bytes of index a series, %.2f bytes of chunks a sample\n",
        static_cast<double>(block->index().bytes()) / static_cast<double>(series.size()),
        static_cast<double>(block->bytes() - block->index().bytes()) /
            static_cast<double>(series.size() * kSamples)
    );
    return 0;
}
