// What the head costs: CPU of an appended sample and of a new series, resident memory of a series, time of a replay.
//     bench_head [series=20000] [scrapes=480] [dir=/tmp/head_bench] [shards=4] [threads=1]
// Requests are of 2,000 series with one sample each, as a Prometheus sends them; labels are ten, of about 290 bytes.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "tsdb/head/head.hpp"

extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

namespace {

using namespace mimir;

constexpr std::size_t kSeriesARequest = 2000;
constexpr TimestampMs kStart{1'700'000'000'000 / 7'200'000 * 7'200'000};
constexpr std::chrono::milliseconds kScrapeInterval(15'000);

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t resident_bytes() {
    std::ifstream status("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    status >> total >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

model::Labels labels_of(std::size_t series) {
    const std::size_t metric = series % 400;
    const std::size_t target = series / 400;
    const std::string name = fmt::format("http_server_request_duration_seconds_{:03}", metric);
    const std::string pod = fmt::format("checkout-service-7d9f8b6c54-{:05}", target);
    const std::string instance =
        fmt::format("10.{}.{}.{}:9090", target / 65536, target / 256 % 256, target % 256);
    const std::string node = fmt::format("ip-10-0-{}.eu-west-1.compute.internal", target % 97);
    const std::string handler = fmt::format("/api/v1/resource/{}", metric % 40);
    return model::Labels({
        {"__name__", name},
        {"cluster", "production-eu-west-1"},
        {"container", "checkout"},
        {"handler", handler},
        {"instance", instance},
        {"job", "kubernetes-pods/checkout"},
        {"namespace", "shop-checkout-production"},
        {"node", node},
        {"pod", pod},
        {"status_code", metric % 3 == 0 ? "200" : "500"},
    });
}

/// Values as they are: a third constant, a third counters, a third gauges of few decimals.
double value_of(std::size_t series, std::size_t scrape, Random& random) {
    switch (series % 3) {
        case 0: return static_cast<double>(series % 1000);
        case 1: return static_cast<double>(scrape * (series % 97 + 1) + random.below(20));
        default: return static_cast<double>(random.below(10'000)) / 100.0;
    }
}

std::vector<model::WriteRequest> make_requests(std::size_t series_count) {
    std::vector<model::WriteRequest> requests(
        (series_count + kSeriesARequest - 1) / kSeriesARequest
    );
    for (std::size_t i = 0; i < series_count; ++i) {
        model::WriteRequest& request = requests[i / kSeriesARequest];
        const model::Labels labels = labels_of(i);
        request.body += labels.bytes();
        request.series.push_back({
            .hash = labels.hash(),
            .first_sample = static_cast<std::uint32_t>(request.samples.size()),
            .sample_count = 1,
            .canonical = true,
        });
        request.series.back().first_exemplar = static_cast<std::uint32_t>(labels.bytes().size());
        request.samples.push_back({});
    }
    for (model::WriteRequest& request : requests) {
        std::size_t offset = 0;
        for (model::WriteSeries& series : request.series) {
            const std::size_t bytes = std::exchange(series.first_exemplar, 0);
            series.labels = model::LabelsView::from_canonical(
                std::string_view(request.body).substr(offset, bytes)
            );
            offset += bytes;
        }
    }
    return requests;
}

void set_samples(std::vector<model::WriteRequest>& requests, std::size_t scrape, Random& random) {
    std::size_t series = 0;
    for (model::WriteRequest& request : requests) {
        for (model::Sample& sample : request.samples) {
            sample.time = kStart + kScrapeInterval * static_cast<std::int64_t>(scrape);
            sample.value = value_of(series++, scrape, random);
        }
    }
}

template <class T>
T check(Result<T> result) {
    if (result) return *std::move(result);
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
}

double append_all(tsdb::Head& head, const std::vector<model::WriteRequest>& requests) {
    const double start = cpu_seconds();
    for (const model::WriteRequest& request : requests) {
        const auto outcome = check(head.append(request, {}));
        if (outcome.samples != request.samples.size()) {
            std::fprintf(stderr, "refused: %s\n", outcome.errors.front().message.c_str());
            std::exit(1);
        }
    }
    return cpu_seconds() - start;
}

void print_stats(const tsdb::HeadStats& stats) {
    const auto n = static_cast<double>(stats.series);
    std::printf(
        "  bytes a series, counted: series %.0f, labels %.0f, the rest %.0f, chunk writer %.0f\n",
        static_cast<double>(stats.series_bytes) / n,
        static_cast<double>(stats.label_bytes) / n,
        static_cast<double>(stats.other_bytes) / n,
        static_cast<double>(stats.chunk_write_bytes) / n
    );
}

}  // namespace

int main(int argc, char** argv) {
    std::map<std::string, std::string> options{
        {"series", "20000"},
        {"scrapes", "480"},
        {"dir", "/tmp/head_bench"},
        {"shards", "4"},
        {"threads", "1"}
    };
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument(argv[i]);
        const std::size_t equals = argument.find('=');
        options[std::string(argument.substr(0, equals))] = argument.substr(equals + 1);
    }
    const std::size_t series_count = std::stoul(options["series"]);
    const std::size_t scrapes = std::stoul(options["scrapes"]);
    const std::filesystem::path dir = options["dir"];
    std::filesystem::remove_all(dir);

    tsdb::HeadOptions head_options;
    head_options.shard_count = static_cast<std::uint32_t>(std::stoul(options["shards"]));
    head_options.replay_threads = static_cast<unsigned>(std::stoul(options["threads"]));
    SeededRandom random(1);
    auto requests = make_requests(series_count);
    set_samples(requests, 0, random);
    const auto label_bytes = static_cast<double>(requests[0].body.size());
    std::printf(
        "%zu series, %.0f bytes of labels each, %zu scrapes\n",
        series_count,
        label_bytes / static_cast<double>(requests[0].series.size()),
        scrapes
    );

    const auto n = static_cast<double>(series_count);
    {
        const std::size_t resident_before = resident_bytes();
        auto head = check(tsdb::Head::open(fs::real_file_system(), dir, head_options));
        const double creation = append_all(*head, requests);
        std::printf("new series:   %.2f us of CPU each\n", creation / n * 1e6);
        double appending = 0;
        double worst = 0;
        for (std::size_t scrape = 1; scrape < scrapes; ++scrape) {
            set_samples(requests, scrape, random);
            const double took = append_all(*head, requests);
            appending += took;
            worst = std::max(worst, took);
            if (scrape == 4) {
                const auto grown = static_cast<double>(resident_bytes() - resident_before);
                std::printf(
                    "memory:       %.0f resident bytes a series after 5 samples\n", grown / n
                );
                print_stats(head->stats());
            }
        }
        const double samples = n * static_cast<double>(scrapes - 1);
        std::printf(
            "append:       %.3f us of CPU a sample (worst scrape %.3f)\n",
            appending / samples * 1e6,
            worst / n * 1e6
        );
        const auto grown = static_cast<double>(resident_bytes() - resident_before);
        std::printf("memory:       %.0f resident bytes a series at the end\n", grown / n);
        print_stats(head->stats());
        std::fflush(stdout);
        // Leaves the head as kill -9 would: what is in its memory is gone.
        static_cast<void>(head.release());
    }
    {
        const double start = cpu_seconds();
        auto head = check(tsdb::Head::open(fs::real_file_system(), dir, head_options));
        const auto& report = head->replay_report();
        std::printf(
            "replay:       %.3f s of CPU, %.3f s; %llu series, %llu samples encoded, %llu chunks "
            "taken over\n",
            cpu_seconds() - start,
            static_cast<double>(report.took.count()) * 1e-6,
            static_cast<unsigned long long>(report.series),
            static_cast<unsigned long long>(report.samples),
            static_cast<unsigned long long>(report.chunks)
        );
    }
    std::filesystem::remove_all(dir);
}
