#include "rpc/detail/query_result_reader.hpp"

#include <span>

#include "rpc/detail/query_result_fields.hpp"
#include "wire/histogram.hpp"
#include "wire/labels.hpp"
#include "wire/proto.hpp"

namespace mimir::rpc::detail {
namespace {

using model::BucketSpan;
using model::FloatHistogram;
using promql::FloatPoint;
using wire::ProtoReader;

tl::unexpected<Error> corrupt(std::string_view what) {
    return fail(ErrorKind::corrupt, "the result of a querier {}", what);
}

Result<model::Labels> read_labels(std::string_view fields) {
    if (!wire::is_canonical(fields)) return corrupt("has malformed labels");
    return model::Labels(model::LabelsView::from_canonical(fields));
}

/// One more than the index of the last bucket; nothing when the spans do not have as many buckets.
std::optional<std::int64_t> end_of(std::span<const BucketSpan> spans, std::size_t buckets) {
    std::int64_t end = 0;
    std::uint64_t count = 0;
    for (const BucketSpan& span : spans) {
        const bool is_first = &span == spans.data();
        if (!is_first && span.offset < 0) return std::nullopt;
        const std::int64_t first = end + span.offset;
        end = first + span.length;
        count += span.length;
        const bool is_far = first < -model::kBucketIndexMax || end > model::kBucketIndexMax;
        if (is_far) return std::nullopt;
    }
    return count == buckets ? std::optional(end) : std::nullopt;
}

/// What whoever walks over buckets relies on. Counts may be what arithmetic made of them.
bool is_in_order(const FloatHistogram& histogram) {
    const auto positive = end_of(histogram.positive_spans, histogram.positive_buckets.size());
    const auto negative = end_of(histogram.negative_spans, histogram.negative_buckets.size());
    if (!positive || !negative) return false;
    if (histogram.schema != model::kCustomBucketsSchema) {
        return model::is_exponential_schema(histogram.schema);
    }
    const auto& spans = histogram.positive_spans;
    const bool begins = spans.empty() || spans[0].offset >= 0;
    const auto bounds = static_cast<std::int64_t>(histogram.custom_bounds.size());
    return begins && *positive <= bounds + 1;
}

Result<promql::HistogramPoint> read_histogram(std::string_view message) {
    auto sample = wire::decode_histogram(message);
    if (!sample) return corrupt("has a malformed histogram");
    auto* floats = std::get_if<FloatHistogram>(&sample->histogram);
    if (floats == nullptr || !is_in_order(*floats)) {
        return corrupt("has a histogram that is not in order");
    }
    return promql::HistogramPoint{
        .time = sample->time, .value = std::make_shared<const FloatHistogram>(std::move(*floats))
    };
}

/// The floats of a part of a series, as they stand in its message.
struct Floats {
    std::uint64_t start = 0;
    std::uint64_t step = 0;
    std::string_view deltas;
    std::string_view values;

    Result<void> append_to(std::vector<FloatPoint>& points) const {
        const std::size_t count = values.size() / sizeof(double);
        if (count * sizeof(double) != values.size()) return corrupt("has half a value");
        if (count == 0 && !deltas.empty()) return corrupt("has more times than values");
        const std::size_t begin = points.size();
        points.resize(begin + count);
        const std::span added = std::span(points).subspan(begin);
        for (std::size_t i = 0; i < count; ++i) {
            std::memcpy(&added[i].value, values.data() + i * sizeof(double), sizeof(double));
        }
        return set_times(added);
    }

  private:
    Result<void> set_times(std::span<FloatPoint> points) const {
        std::uint64_t time = start;
        if (deltas.empty()) {
            for (FloatPoint& point : points) {
                point.time.ms = static_cast<std::int64_t>(time);
                time += step;
            }
            return {};
        }
        encoding::ByteReader reader(deltas);
        for (FloatPoint& point : points) {
            if (&point != points.data()) time += reader.uvarint();
            point.time.ms = static_cast<std::int64_t>(time);
        }
        if (!reader.ok() || !reader.at_end()) return corrupt("has not a time for each value");
        return {};
    }
};

}  // namespace

Result<void> QueryResultReader::add(std::string_view frame) {
    ProtoReader reader(frame);
    while (reader.next()) {
        if (!begun_ && reader.field() != result_field::kType) return corrupt("has no type");
        switch (reader.field()) {
            case result_field::kType: MIMIR_TRY(begin(reader.uint64())); break;
            case result_field::kTime: MIMIR_TRY(set_time({reader.sint64()})); break;
            case result_field::kNumber: {
                auto* scalar = std::get_if<promql::Scalar>(&result_.value);
                if (scalar == nullptr) return corrupt("has a number, and is none");
                scalar->value = reader.float64();
                break;
            }
            case result_field::kText: {
                auto* string = std::get_if<promql::String>(&result_.value);
                if (string == nullptr) return corrupt("has a text, and is none");
                string->value = reader.bytes();
                break;
            }
            case result_field::kSamples: MIMIR_TRY(add_sample(reader.bytes())); break;
            case result_field::kSeries: MIMIR_TRY(add_series(reader.bytes())); break;
            case result_field::kWarnings:
                result_.annotations.warnings.emplace_back(reader.bytes());
                break;
            case result_field::kInfos:
                result_.annotations.infos.emplace_back(reader.bytes());
                break;
            case result_field::kSeriesSelected: result_.statistics.series = reader.uint64(); break;
            case result_field::kSamplesDecoded: result_.statistics.samples = reader.uint64(); break;
            case result_field::kSamplesPeak:
                result_.statistics.samples_peak = reader.uint64();
                break;
            case result_field::kChunks: result_.statistics.chunks = reader.uint64(); break;
            case result_field::kChunkBytes: result_.statistics.chunk_bytes = reader.uint64(); break;
            case result_field::kWallTime:
                result_.statistics.wall_time = std::chrono::nanoseconds(reader.sint64());
                break;
            default: break;
        }
    }
    if (!reader.ok()) return corrupt("is malformed");
    return {};
}

Result<promql::QueryResult> QueryResultReader::finish() {
    if (!begun_) return corrupt("is empty");
    return std::move(result_);
}

Result<void> QueryResultReader::begin(std::uint64_t type) {
    if (begun_) return corrupt("has two types");
    begun_ = true;
    switch (type) {
        case 0: result_.value.emplace<promql::Scalar>(); return {};
        case 1: result_.value.emplace<promql::String>(); return {};
        case 2: result_.value.emplace<promql::Vector>(); return {};
        case 3: result_.value.emplace<promql::Matrix>(); return {};
        default: return corrupt("has an unknown type");
    }
}

Result<void> QueryResultReader::set_time(TimestampMs time) {
    if (auto* scalar = std::get_if<promql::Scalar>(&result_.value)) {
        scalar->time = time;
    } else if (auto* string = std::get_if<promql::String>(&result_.value)) {
        string->time = time;
    } else {
        return corrupt("has a time of its own, and is no scalar");
    }
    return {};
}

Result<void> QueryResultReader::add_sample(std::string_view message) {
    auto* vector = std::get_if<promql::Vector>(&result_.value);
    if (vector == nullptr) return corrupt("has samples, and is no vector");
    promql::VectorSample& sample = vector->emplace_back();
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case sample_field::kLabels: {
                MIMIR_TRY(sample.labels, read_labels(reader.bytes()));
                break;
            }
            case sample_field::kTime: sample_time_.ms = reader.sint64(); break;
            case sample_field::kValue: sample.value = reader.float64(); break;
            case sample_field::kHistogram: {
                MIMIR_TRY(auto point, read_histogram(reader.bytes()));
                sample.histogram = std::move(point.value);
                break;
            }
            default: break;
        }
    }
    sample.time = sample_time_;
    if (!reader.ok()) return corrupt("has a malformed sample");
    return {};
}

Result<void> QueryResultReader::add_series(std::string_view message) {
    auto* matrix = std::get_if<promql::Matrix>(&result_.value);
    if (matrix == nullptr) return corrupt("has series, and is no matrix");
    std::optional<model::Labels> labels;
    Floats floats;
    std::vector<promql::HistogramPoint> histograms;
    bool continues = false;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case series_field::kLabels: {
                MIMIR_TRY(labels, read_labels(reader.bytes()));
                break;
            }
            case series_field::kContinues: continues = reader.uint64() != 0; break;
            case series_field::kStart:
                floats.start = static_cast<std::uint64_t>(reader.sint64());
                break;
            case series_field::kStep: floats.step = reader.uint64(); break;
            case series_field::kDeltas: floats.deltas = reader.bytes(); break;
            case series_field::kValues: floats.values = reader.bytes(); break;
            case series_field::kHistograms: {
                MIMIR_TRY(auto point, read_histogram(reader.bytes()));
                histograms.push_back(std::move(point));
                break;
            }
            default: break;
        }
    }
    if (!reader.ok()) return corrupt("has a malformed series");
    if (continues == labels.has_value())
        return corrupt("has a series with two beginnings, or none");
    if (continues && matrix->empty()) return corrupt("continues a series that it does not begin");
    if (!continues)
        matrix->push_back({.labels = *std::move(labels), .floats = {}, .histograms = {}});
    promql::MatrixSeries& series = matrix->back();
    MIMIR_TRY(floats.append_to(series.floats));
    series.histograms.insert(
        series.histograms.end(),
        std::make_move_iterator(histograms.begin()),
        std::make_move_iterator(histograms.end())
    );
    return {};
}

}  // namespace mimir::rpc::detail
