// Writing and reading chunks: nanoseconds a sample, for data as it comes in.

#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "chunkenc/decode.hpp"
#include "chunkenc/histogram_appender.hpp"
#include "chunkenc/xor_chunk.hpp"
#include "model/sample.hpp"

namespace mimir::chunkenc {
namespace {

constexpr std::size_t kSamples = 120;
constexpr std::size_t kSeries = 1000;
constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

enum Shape : std::int64_t { kConstant, kCounter, kGauge, kNoise };
const char* const kShapeNames[] = {"constant", "counter", "gauge", "noise"};

/// Scrapes of many series, so that no branch can be learnt by heart.
std::vector<std::vector<model::Sample>> series_of(Shape shape) {
    SeededRandom random(1);
    std::vector<std::vector<model::Sample>> all(kSeries);
    for (auto& samples : all) {
        TimestampMs time{1'700'000'000'000 + static_cast<std::int64_t>(random.below(15000))};
        double value = static_cast<double>(random.below(1'000'000));
        for (std::size_t i = 0; i < kSamples; ++i) {
            samples.push_back({time, value});
            // Scrapes are mostly on time to the millisecond.
            const auto late =
                static_cast<std::int64_t>(random.below(8) == 0 ? random.below(10) : 0);
            time.ms += 15000 + late;
            if (shape == kCounter && random.below(3) > 0)
                value += static_cast<double>(random.below(100));
            if (shape == kGauge) value += static_cast<double>(random.below(200)) / 10 - 10;
            if (shape == kNoise) value = std::sqrt(static_cast<double>(random.next()));
        }
    }
    return all;
}

std::vector<std::string> chunks_of(Shape shape) {
    std::vector<std::string> chunks;
    for (const auto& samples : series_of(shape)) {
        XorChunk chunk;
        for (const model::Sample& sample : samples) chunk.append(sample.time, sample.value);
        chunks.emplace_back(chunk.data());
    }
    return chunks;
}

void set_counters(benchmark::State& state, std::size_t samples) {
    state.counters["time/sample"] = benchmark::Counter(
        static_cast<double>(samples), benchmark::Counter::kIsRate | benchmark::Counter::kInvert
    );
}

void xor_append_each(benchmark::State& state) {
    // A sample for each series in turn, as they come in.
    const auto series = series_of(static_cast<Shape>(state.range(0)));
    std::vector<model::Sample> scrapes;
    for (std::size_t i = 0; i < kSamples; ++i) {
        for (const auto& samples : series) scrapes.push_back(samples[i]);
    }
    struct Open {
        XorState state;
        char buffer[2048];
    };
    std::vector<Open> open(kSeries);
    std::size_t samples = 0;
    for (auto _ : state) {
        for (Open& chunk : open) chunk.state = {};
        for (std::size_t i = 0; i < scrapes.size(); ++i) {
            Open& chunk = open[i % kSeries];
            xor_append(chunk.state, chunk.buffer, scrapes[i].time, scrapes[i].value);
        }
        samples += kSamples * kSeries;
    }
    std::size_t bytes = 0;
    for (const Open& chunk : open) bytes += chunk.state.bytes();
    state.counters["bytes/sample"] = static_cast<double>(bytes) / (kSamples * kSeries);
    set_counters(state, samples);
    state.SetLabel(kShapeNames[state.range(0)]);
}
BENCHMARK(xor_append_each)->DenseRange(kConstant, kNoise)->Unit(benchmark::kMillisecond);

void xor_decode_all(benchmark::State& state) {
    const auto chunks = chunks_of(static_cast<Shape>(state.range(0)));
    Points points;
    std::size_t samples = 0;
    for (auto _ : state) {
        for (const std::string& chunk : chunks) {
            points.clear();
            benchmark::DoNotOptimize(decode({kAlways, Encoding::xor_float, chunk}, kAlways, points)
            );
            samples += points.float_times.size();
        }
    }
    set_counters(state, samples);
    state.SetLabel(kShapeNames[state.range(0)]);
}
BENCHMARK(xor_decode_all)->DenseRange(kConstant, kNoise)->Unit(benchmark::kMicrosecond);

/// Counters of 20 buckets in four spans.
std::vector<model::Histogram> histograms() {
    SeededRandom random(1);
    model::Histogram h{
        .schema = 3, .zero_threshold = 0x1p-128, .positive_spans = {{-5, 5}, {2, 5}, {1, 5}, {3, 5}}
    };
    h.positive_deltas.resize(20);
    std::vector<std::int64_t> counts(20);
    std::vector<model::Histogram> all;
    for (std::size_t i = 0; i < 50; ++i) {
        for (std::size_t b = 0; b < counts.size(); ++b) {
            const std::uint64_t more = random.below(4) == 0 ? random.below(50) : 0;
            counts[b] += static_cast<std::int64_t>(more);
            h.count += more;
            h.sum += static_cast<double>(more) * 1.25;
            h.positive_deltas[b] = counts[b] - (b == 0 ? 0 : counts[b - 1]);
        }
        all.push_back(h);
    }
    return all;
}

template <class Appender, class HistogramType>
void fill(Appender& appender, const std::vector<HistogramType>& all) {
    appender.begin({0}, all[0], HistogramFit::other_layout);
    for (std::size_t i = 1; i < all.size(); ++i) {
        const TimestampMs time{static_cast<std::int64_t>(i) * 15000};
        if (appender.append(time, all[i]) != HistogramFit::appendable) break;
    }
}

std::vector<model::FloatHistogram> to_floats(const std::vector<model::Histogram>& all) {
    std::vector<model::FloatHistogram> floats;
    for (const model::Histogram& h : all) floats.push_back(model::to_float(h));
    return floats;
}

template <class Appender, class HistogramType>
void append_histograms(benchmark::State& state, const std::vector<HistogramType>& all) {
    Appender appender;
    std::size_t samples = 0;
    for (auto _ : state) {
        fill(appender, all);
        samples += appender.count();
    }
    set_counters(state, samples);
    state.SetLabel("20 buckets");
}
void histogram_append(benchmark::State& state) {
    append_histograms<HistogramAppender>(state, histograms());
}
void float_histogram_append(benchmark::State& state) {
    append_histograms<FloatHistogramAppender>(state, to_floats(histograms()));
}
BENCHMARK(histogram_append);
BENCHMARK(float_histogram_append);

void decode_histograms(benchmark::State& state, Encoding encoding, std::string_view chunk) {
    Points points;
    std::size_t samples = 0;
    for (auto _ : state) {
        points.clear();
        benchmark::DoNotOptimize(decode({kAlways, encoding, chunk}, kAlways, points));
        samples += points.histograms.size();
    }
    set_counters(state, samples);
    state.SetLabel("20 buckets");
}
void histogram_decode(benchmark::State& state) {
    HistogramAppender appender;
    fill(appender, histograms());
    decode_histograms(state, Encoding::histogram, appender.data());
}
void float_histogram_decode(benchmark::State& state) {
    FloatHistogramAppender appender;
    fill(appender, to_floats(histograms()));
    decode_histograms(state, Encoding::float_histogram, appender.data());
}
BENCHMARK(histogram_decode);
BENCHMARK(float_histogram_decode);

}  // namespace
}  // namespace mimir::chunkenc
