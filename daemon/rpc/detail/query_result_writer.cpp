#include "rpc/detail/query_result_writer.hpp"

#include <bit>
#include <span>

#include "rpc/detail/query_result_fields.hpp"
#include "wire/histogram.hpp"
#include "wire/proto.hpp"

namespace mimir::rpc::detail {
namespace {

using promql::FloatPoint;
using wire::ProtoWriter;

/// Of one part of a series: with long deltas it still fits a frame.
constexpr std::size_t kPointsMax = 16 << 10;
/// Points of a small result; an element counts as some.
constexpr std::size_t kSmallPoints = 2000;
constexpr std::size_t kPointsAnElement = 8;

/// Modulo 2^64, so that any times can be told.
std::uint64_t distance(const FloatPoint& from, const FloatPoint& to) {
    return static_cast<std::uint64_t>(to.time.ms) - static_cast<std::uint64_t>(from.time.ms);
}

bool are_regular(std::span<const FloatPoint> points, std::uint64_t step) {
    for (std::size_t i = 1; i < points.size(); ++i) {
        if (distance(points[i - 1], points[i]) != step) return false;
    }
    return true;
}

void append_times(std::span<const FloatPoint> points, std::string& out) {
    ProtoWriter writer(out);
    writer.sint64(series_field::kStart, points[0].time.ms);
    if (points.size() == 1) return;
    const std::uint64_t step = distance(points[0], points[1]);
    if (are_regular(points, step)) return writer.uint64(series_field::kStep, step);
    std::string deltas;
    encoding::ByteWriter packed(deltas);
    for (std::size_t i = 1; i < points.size(); ++i) {
        packed.uvarint(distance(points[i - 1], points[i]));
    }
    writer.bytes(series_field::kDeltas, deltas);
}

void append_values(std::span<const FloatPoint> points, std::string& out) {
    encoding::ByteWriter head(out);
    head.uvarint(wire::tag_of(series_field::kValues, wire::WireType::bytes));
    head.uvarint(points.size() * sizeof(double));
    const std::size_t begin = out.size();
    out.resize(begin + points.size() * sizeof(double));
    char* at = out.data() + begin;
    for (const FloatPoint& point : points) {
        std::memcpy(at, &point.value, sizeof(double));
        at += sizeof(double);
    }
}

}  // namespace

void QueryResultWriter::next(std::string& frame) {
    frame.clear();
    if (!std::exchange(begun_, true)) add_head(frame);
    if (const auto* vector = std::get_if<promql::Vector>(&result_.value)) {
        while (elements_done_ < vector->size() && frame.size() < kAnswerFrameBytes) {
            add_sample((*vector)[elements_done_++], frame);
        }
    } else if (const auto* matrix = std::get_if<promql::Matrix>(&result_.value)) {
        while (elements_done_ < matrix->size() && frame.size() < kAnswerFrameBytes) {
            add_series((*matrix)[elements_done_], frame);
        }
    }
}

bool QueryResultWriter::is_small() const {
    std::size_t points = 0;
    if (const auto* vector = std::get_if<promql::Vector>(&result_.value)) {
        points = vector->size() * kPointsAnElement;
    } else if (const auto* matrix = std::get_if<promql::Matrix>(&result_.value)) {
        for (const promql::MatrixSeries& series : *matrix) {
            points += series.floats.size() + (series.histograms.size() + 1) * kPointsAnElement;
            if (points > kSmallPoints) return false;
        }
    }
    return points <= kSmallPoints;
}

void QueryResultWriter::add_head(std::string& frame) const {
    ProtoWriter writer(frame);
    writer.uint64(result_field::kType, result_.value.index());
    if (const auto* scalar = std::get_if<promql::Scalar>(&result_.value)) {
        writer.sint64(result_field::kTime, scalar->time.ms);
        writer.float64(result_field::kNumber, scalar->value);
    } else if (const auto* string = std::get_if<promql::String>(&result_.value)) {
        writer.sint64(result_field::kTime, string->time.ms);
        writer.bytes(result_field::kText, string->value);
    }
    const auto& [warnings, infos] = result_.annotations;
    for (const std::string& one : warnings) writer.bytes(result_field::kWarnings, one);
    for (const std::string& one : infos) writer.bytes(result_field::kInfos, one);
    writer.uint64(result_field::kSeriesSelected, result_.statistics.series);
    writer.uint64(result_field::kSamplesDecoded, result_.statistics.samples);
    writer.uint64(result_field::kSamplesPeak, result_.statistics.samples_peak);
    writer.uint64(result_field::kChunks, result_.statistics.chunks);
    writer.uint64(result_field::kChunkBytes, result_.statistics.chunk_bytes);
    writer.sint64(result_field::kWallTime, result_.statistics.wall_time.count());
}

void QueryResultWriter::add_sample(const promql::VectorSample& sample, std::string& frame) {
    element_.clear();
    ProtoWriter writer(element_);
    writer.bytes(sample_field::kLabels, sample.labels.bytes());
    // Nearly always all have one time.
    if (sample.time.ms != sample_ms_) writer.sint64(sample_field::kTime, sample.time.ms);
    sample_ms_ = sample.time.ms;
    if (std::bit_cast<std::uint64_t>(sample.value) != 0) {
        writer.float64(sample_field::kValue, sample.value);
    }
    if (sample.histogram) add_histogram(sample_field::kHistogram, *sample.histogram, sample.time);
    ProtoWriter(frame).bytes(result_field::kSamples, element_);
}

void QueryResultWriter::add_series(const promql::MatrixSeries& series, std::string& frame) {
    element_.clear();
    ProtoWriter writer(element_);
    const bool continues = floats_done_ + histograms_done_ > 0;
    if (continues) {
        writer.uint64(series_field::kContinues, 1);
    } else {
        writer.bytes(series_field::kLabels, series.labels.bytes());
    }
    add_floats(series);
    while (histograms_done_ < series.histograms.size() && element_.size() < kAnswerFrameBytes) {
        const promql::HistogramPoint& point = series.histograms[histograms_done_++];
        add_histogram(series_field::kHistograms, *point.value, point.time);
    }
    ProtoWriter(frame).bytes(result_field::kSeries, element_);
    const bool is_complete =
        floats_done_ == series.floats.size() && histograms_done_ == series.histograms.size();
    if (!is_complete) return;
    ++elements_done_;
    floats_done_ = 0;
    histograms_done_ = 0;
}

void QueryResultWriter::add_floats(const promql::MatrixSeries& series) {
    const std::size_t count = std::min(series.floats.size() - floats_done_, kPointsMax);
    if (count == 0) return;
    const auto points = std::span(series.floats).subspan(floats_done_, count);
    append_times(points, element_);
    append_values(points, element_);
    floats_done_ += count;
}

void QueryResultWriter::add_histogram(
    std::uint32_t field, const model::FloatHistogram& value, TimestampMs time
) {
    histogram_.clear();
    wire::encode_histogram(value, time, histogram_);
    ProtoWriter(element_).bytes(field, histogram_);
}

}  // namespace mimir::rpc::detail
