#include "random_results.hpp"

#include <fmt/format.h>

#include <bit>

namespace mimir::rpc::test {
namespace {

using model::FloatHistogram;
using promql::kNaN;

double random_value(Random& random) {
    switch (random.below(6)) {
        case 0: return 0;
        case 1: return -0.0;
        case 2: return kNaN;
        case 3: return std::bit_cast<double>(0x7FF0000000000000 | (random.next() >> 12 | 1));
        case 4: return static_cast<double>(random.below(1000));
        default: return std::bit_cast<double>(random.next());
    }
}

std::string random_text(Random& random) {
    std::string text;
    for (std::size_t i = random.below(20); i > 0; --i) {
        text += static_cast<char>(random.below(256));
    }
    return text;
}

model::Labels random_labels(Random& random) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (std::size_t i = random.below(5); i > 0; --i) {
        texts.emplace_back(random_text(random), random_text(random));
    }
    model::LabelsBuilder builder;
    for (const auto& [name, value] : texts) {
        if (!name.empty()) builder.set(name, value);
    }
    return builder.build();
}

std::vector<model::BucketSpan> random_spans(Random& random, std::vector<double>& buckets) {
    std::vector<model::BucketSpan> spans;
    for (std::size_t i = random.below(4); i > 0; --i) {
        const auto offset = static_cast<std::int32_t>(random.below(100));
        const auto length = static_cast<std::uint32_t>(random.below(5));
        spans.push_back({.offset = offset, .length = length});
        for (std::uint32_t j = 0; j < length; ++j) buckets.push_back(random_value(random));
    }
    return spans;
}

promql::HistogramPtr random_histogram(Random& random) {
    auto histogram = std::make_shared<FloatHistogram>();
    histogram->reset_hint = static_cast<model::CounterResetHint>(random.below(4));
    histogram->zero_threshold = random_value(random);
    histogram->zero_count = random_value(random);
    histogram->count = random_value(random);
    histogram->sum = random_value(random);
    auto& positive = histogram->positive_buckets;
    histogram->positive_spans = random_spans(random, positive);
    if (random.below(3) == 0) {
        histogram->schema = model::kCustomBucketsSchema;
        for (int i = 0; i < 320; ++i) histogram->custom_bounds.push_back(i * 0.1);
        return histogram;
    }
    histogram->schema = static_cast<std::int32_t>(random.below(13)) - 4;
    histogram->negative_spans = random_spans(random, histogram->negative_buckets);
    if (!histogram->negative_spans.empty()) histogram->negative_spans[0].offset = -7;
    return histogram;
}

/// So many times: at a step, or with gaps; or any at all.
std::vector<TimestampMs> random_times(Random& random, std::size_t count) {
    const bool has_gaps = random.below(2) == 0;
    const bool is_wild = random.below(10) == 0;
    const auto step = static_cast<std::int64_t>(random.below(100'000));
    TimestampMs time{static_cast<std::int64_t>(random.below(2'000'000'000'000))};
    std::vector<TimestampMs> times;
    for (std::size_t i = 0; i < count; ++i) {
        times.push_back(is_wild ? TimestampMs{static_cast<std::int64_t>(random.next())} : time);
        time.ms += step * (has_gaps && random.below(5) == 0 ? 3 : 1);
    }
    return times;
}

promql::MatrixSeries random_series(Random& random) {
    promql::MatrixSeries series{.labels = random_labels(random), .floats = {}, .histograms = {}};
    const std::size_t floats = random.below(random.below(50) == 0 ? 50'000 : 50);
    for (const TimestampMs time : random_times(random, floats)) {
        series.floats.push_back({.time = time, .value = random_value(random)});
    }
    const std::size_t histograms = random.below(random.below(50) == 0 ? 500 : 3);
    for (const TimestampMs time : random_times(random, histograms)) {
        series.histograms.push_back({.time = time, .value = random_histogram(random)});
    }
    return series;
}

promql::VectorSample random_sample(Random& random, TimestampMs time) {
    promql::VectorSample sample{
        .labels = random_labels(random), .time = time, .value = 0, .histogram = nullptr
    };
    if (random.below(20) == 0) sample.time.ms = static_cast<std::int64_t>(random.next());
    if (random.below(3) == 0) {
        sample.histogram = random_histogram(random);
    } else {
        sample.value = random_value(random);
    }
    return sample;
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

std::string to_text(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text += fmt::format("{:x} ", bits(value));
    return text;
}

std::string to_text(const std::vector<model::BucketSpan>& spans) {
    std::string text;
    for (const auto& [offset, length] : spans) text += fmt::format("{}+{} ", offset, length);
    return text;
}

std::string to_text(const FloatHistogram& histogram) {
    return fmt::format(
        "hint {} schema {} zero {:x} {:x} count {:x} sum {:x} positive {}: {} negative {}: {} bounds {}",
        static_cast<int>(histogram.reset_hint),
        histogram.schema,
        bits(histogram.zero_threshold),
        bits(histogram.zero_count),
        bits(histogram.count),
        bits(histogram.sum),
        to_text(histogram.positive_spans),
        to_text(histogram.positive_buckets),
        to_text(histogram.negative_spans),
        to_text(histogram.negative_buckets),
        to_text(histogram.custom_bounds)
    );
}

struct Describe {
    std::string operator()(const promql::Scalar& scalar) const {
        return fmt::format("scalar {} {:x}\n", scalar.time.ms, bits(scalar.value));
    }
    std::string operator()(const promql::String& string) const {
        return fmt::format("string {} {}\n", string.time.ms, string.value);
    }
    std::string operator()(const promql::Vector& vector) const {
        std::string text = "vector\n";
        for (const promql::VectorSample& one : vector) {
            const auto histogram = one.histogram ? to_text(*one.histogram) : "-";
            text += fmt::format(
                "{} {} {:x} {}\n", one.labels.bytes(), one.time.ms, bits(one.value), histogram
            );
        }
        return text;
    }
    std::string operator()(const promql::Matrix& matrix) const {
        std::string text = "matrix\n";
        for (const promql::MatrixSeries& series : matrix) {
            text += fmt::format("{}\n", series.labels.bytes());
            for (const auto& [time, value] : series.floats) {
                text += fmt::format("{} {:x}, ", time.ms, bits(value));
            }
            for (const auto& [time, value] : series.histograms) {
                text += fmt::format("{} {}, ", time.ms, to_text(*value));
            }
        }
        return text;
    }
};

}  // namespace

promql::QueryResult random_result(Random& random) {
    promql::QueryResult result;
    const TimestampMs time{static_cast<std::int64_t>(random.next() >> 20)};
    switch (random.below(6)) {
        case 0: result.value = promql::Scalar{.time = time, .value = random_value(random)}; break;
        case 1: result.value = promql::String{.time = time, .value = random_text(random)}; break;
        case 2:
        case 3: {
            auto& vector = result.value.emplace<promql::Vector>();
            for (std::size_t i = random.below(random.below(5) == 0 ? 3'000 : 5); i > 0; --i) {
                vector.push_back(random_sample(random, time));
            }
            break;
        }
        default: {
            auto& matrix = result.value.emplace<promql::Matrix>();
            for (std::size_t i = random.below(random.below(5) == 0 ? 100 : 5); i > 0; --i) {
                matrix.push_back(random_series(random));
            }
        }
    }
    auto& [warnings, infos] = result.annotations;
    for (std::size_t i = random.below(3); i > 0; --i) warnings.push_back(random_text(random));
    for (std::size_t i = random.below(3); i > 0; --i) infos.push_back(random_text(random));
    result.statistics = {
        .series = random.below(1000),
        .samples = random.next(),
        .samples_peak = random.below(1000),
        .chunks = random.next(),
        .chunk_bytes = random.below(1000),
        .wall_time = std::chrono::nanoseconds(random.next() >> 1),
    };
    return result;
}

std::string to_text(const promql::QueryResult& result) {
    std::string text = std::visit(Describe(), result.value);
    for (const std::string& one : result.annotations.warnings) text += "\nwarning " + one;
    for (const std::string& one : result.annotations.infos) text += "\ninfo " + one;
    // By name: what is added to the statistics does not compile until it is compared, too.
    const auto& [series, samples, peak, chunks, chunk_bytes, wall_time] = result.statistics;
    return text +
           fmt::format(
               "\n{} {} {} {} {} {}", series, samples, peak, chunks, chunk_bytes, wall_time.count()
           );
}

}  // namespace mimir::rpc::test
