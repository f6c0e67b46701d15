// The way of a push before it is stored: nanoseconds a sample, one sample a series, ten labels.

#include <benchmark/benchmark.h>

#include "components/distributor/request_validation.hpp"
#include "encoding/compression.hpp"
#include "wire/remote_write.hpp"

namespace mimir {
namespace {

constexpr TimestampMs kNow{1'700'000'000'000};
constexpr std::size_t kSeriesARequest = 2000;

/// Requests over so many series, as an agent of a cluster sends them.
std::vector<std::string> bodies(std::size_t series) {
    std::vector<std::string> all;
    model::WriteRequest request;
    for (std::size_t i = 0; i < series; ++i) {
        const auto number = [&](std::size_t of) { return fmt::format("{:05}", i % of); };
        request.add(
            model::Labels{
                {"__name__", "container_network_receive_bytes_" + number(100) + "_total"},
                {"cluster", "prod-eu-central-1"},
                {"container", "container-" + number(10)},
                {"endpoint", "https-metrics"},
                {"id", "/kubepods/burstable/pod" + number(1'000'000)},
                {"instance", "10.0.0." + number(250) + ":10250"},
                {"job", "kubernetes-nodes-cadvisor"},
                {"namespace", "namespace-" + number(50)},
                {"node", "node-" + number(500) + ".example.internal"},
                {"pod", "deployment-" + number(1'000'000) + "-5d8c7b9f6d"},
            },
            {kNow, static_cast<double>(i)}
        );
        if (request.series.size() < kSeriesARequest) continue;
        wire::encode_write_request(request, all.emplace_back());
        request.clear();
    }
    return all;
}

/// Pushes the bodies in turn through what `Steps` does with each.
template <class Step>
void run(benchmark::State& state, Step step) {
    const auto all = bodies(static_cast<std::size_t>(state.range(0)));
    model::WriteRequest request;
    std::size_t next = 0;
    for (const std::string& body : all) step(request, body);
    for (auto _ : state) step(request, all[next++ % all.size()]);
    const auto samples = static_cast<double>(state.iterations() * kSeriesARequest);
    state.counters["ns/sample"] = benchmark::Counter(
        samples * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert
    );
    state.counters["label_bytes"] =
        static_cast<double>(request.series.front().labels.bytes().size());
}

void decode(model::WriteRequest& request, const std::string& body) {
    request.clear();
    request.body = body;
    const auto decoded = wire::decode_write_request(request);
    if (!decoded) std::abort();
}

void bm_copy(benchmark::State& state) {
    run(state, [](model::WriteRequest& request, const std::string& body) {
        decode(request, body);
        for (int i = 0; i < 9; ++i) {  // ten copies of the body for one decoding
            request.body = body;
            benchmark::DoNotOptimize(request.body.data());
        }
    });
}

void bm_decode(benchmark::State& state) { run(state, decode); }

void bm_decode_and_validate(benchmark::State& state) {
    distributor::KnownSeries known(4 << 20);
    run(state, [&](model::WriteRequest& request, const std::string& body) {
        decode(request, body);
        const auto valid = distributor::validate_request(request, {}, kNow, known);
        if (!valid || valid->error) std::abort();
    });
}

void bm_validate_new_series(benchmark::State& state) {
    run(state, [&](model::WriteRequest& request, const std::string& body) {
        distributor::KnownSeries known(1);
        decode(request, body);
        const auto valid = distributor::validate_request(request, {}, kNow, known);
        if (!valid || valid->error) std::abort();
    });
}

BENCHMARK(bm_copy)->Arg(20'000);
BENCHMARK(bm_decode)->Arg(20'000);
BENCHMARK(bm_decode_and_validate)->Arg(20'000)->Arg(200'000);
BENCHMARK(bm_validate_new_series)->Arg(20'000);

}  // namespace
}  // namespace mimir
