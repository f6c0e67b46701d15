#include "wire/histogram.hpp"

#include <span>

#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

using model::BucketSpan;
using model::FloatHistogram;
using model::Histogram;

// Field numbers of prometheus.Histogram and prometheus.BucketSpan.
enum Field : std::uint32_t {
    kCountInt = 1,
    kCountFloat = 2,
    kSum = 3,
    kSchema = 4,
    kZeroThreshold = 5,
    kZeroCountInt = 6,
    kZeroCountFloat = 7,
    kNegativeSpans = 8,
    kNegativeDeltas = 9,
    kNegativeCounts = 10,
    kPositiveSpans = 11,
    kPositiveDeltas = 12,
    kPositiveCounts = 13,
    kResetHint = 14,
    kTimestamp = 15,
    kCustomValues = 16,
};
constexpr std::uint32_t kSpanOffset = 1;
constexpr std::uint32_t kSpanLength = 2;

/// The message as it stands: integer and float flavour at once.
struct Message {
    Histogram integers;
    FloatHistogram floats;
    bool is_float = false;
    TimestampMs time;
};

void read_span(ProtoReader& reader, std::vector<BucketSpan>& spans, bool& ok) {
    ProtoReader inner(reader.bytes());
    BucketSpan span;
    while (inner.next()) {
        if (inner.field() == kSpanOffset) span.offset = static_cast<std::int32_t>(inner.sint64());
        if (inner.field() == kSpanLength) span.length = static_cast<std::uint32_t>(inner.uint64());
    }
    ok = ok && inner.ok();
    spans.push_back(span);
}

Result<Message> read_message(std::string_view bytes) {
    Message message;
    Histogram& integers = message.integers;
    FloatHistogram& floats = message.floats;
    bool spans_ok = true;
    ProtoReader reader(bytes);
    const auto deltas_into = [&](std::vector<std::int64_t>& deltas) {
        reader.each_uint64([&](std::uint64_t raw) { deltas.push_back(encoding::unzigzag(raw)); });
    };
    const auto counts_into = [&](std::vector<double>& counts) {
        reader.each_float64([&](double count) { counts.push_back(count); });
    };
    while (reader.next()) {
        switch (reader.field()) {
            case kCountInt: integers.count = reader.uint64(); break;
            case kCountFloat:
                floats.count = reader.float64();
                message.is_float = true;
                break;
            case kSum: integers.sum = reader.float64(); break;
            case kSchema: integers.schema = static_cast<std::int32_t>(reader.sint64()); break;
            case kZeroThreshold: integers.zero_threshold = reader.float64(); break;
            case kZeroCountInt: integers.zero_count = reader.uint64(); break;
            case kZeroCountFloat: floats.zero_count = reader.float64(); break;
            case kNegativeSpans: read_span(reader, integers.negative_spans, spans_ok); break;
            case kNegativeDeltas: deltas_into(integers.negative_deltas); break;
            case kNegativeCounts: counts_into(floats.negative_buckets); break;
            case kPositiveSpans: read_span(reader, integers.positive_spans, spans_ok); break;
            case kPositiveDeltas: deltas_into(integers.positive_deltas); break;
            case kPositiveCounts: counts_into(floats.positive_buckets); break;
            case kResetHint:
                integers.reset_hint = static_cast<model::CounterResetHint>(reader.uint64() & 3);
                break;
            case kTimestamp: message.time = {reader.int64()}; break;
            case kCustomValues: counts_into(integers.custom_bounds); break;
            default: break;
        }
    }
    if (!reader.ok() || !spans_ok) return fail(ErrorKind::invalid, "malformed histogram");
    return message;
}

void write_spans(ProtoWriter& writer, std::uint32_t field, std::span<const BucketSpan> spans) {
    std::string bytes;
    for (const BucketSpan& span : spans) {
        bytes.clear();
        ProtoWriter inner(bytes);
        inner.sint64(kSpanOffset, span.offset);
        inner.uint64(kSpanLength, span.length);
        writer.bytes(field, bytes);
    }
}

void write_numbers(ProtoWriter& writer, std::uint32_t field, std::span<const double> numbers) {
    if (numbers.empty()) return;
    std::string packed;
    for (const double number : numbers) ProtoWriter::append_double(packed, number);
    writer.bytes(field, packed);
}

void write_numbers(
    ProtoWriter& writer, std::uint32_t field, std::span<const std::int64_t> numbers
) {
    if (numbers.empty()) return;
    std::string packed;
    encoding::ByteWriter bytes(packed);
    for (const std::int64_t number : numbers) bytes.varint(number);
    writer.bytes(field, packed);
}

void write_counts(ProtoWriter& writer, const Histogram& histogram) {
    writer.uint64(kCountInt, histogram.count);
    writer.uint64(kZeroCountInt, histogram.zero_count);
    write_numbers(writer, kNegativeDeltas, histogram.negative_deltas);
    write_numbers(writer, kPositiveDeltas, histogram.positive_deltas);
}

void write_counts(ProtoWriter& writer, const FloatHistogram& histogram) {
    writer.float64(kCountFloat, histogram.count);
    writer.float64(kZeroCountFloat, histogram.zero_count);
    write_numbers(writer, kNegativeCounts, histogram.negative_buckets);
    write_numbers(writer, kPositiveCounts, histogram.positive_buckets);
}

template <class AnyHistogram>
void write_histogram(const AnyHistogram& histogram, TimestampMs time, std::string& out) {
    ProtoWriter writer(out);
    write_counts(writer, histogram);
    writer.float64(kSum, histogram.sum);
    writer.sint64(kSchema, histogram.schema);
    writer.float64(kZeroThreshold, histogram.zero_threshold);
    write_spans(writer, kNegativeSpans, histogram.negative_spans);
    write_spans(writer, kPositiveSpans, histogram.positive_spans);
    writer.uint64(kResetHint, static_cast<std::uint64_t>(histogram.reset_hint));
    write_numbers(writer, kCustomValues, histogram.custom_bounds);
    writer.int64(kTimestamp, time.ms);
}

}  // namespace

Result<model::HistogramSample> decode_histogram(std::string_view bytes) {
    MIMIR_TRY(Message message, read_message(bytes));
    if (!message.is_float) return model::HistogramSample{message.time, std::move(message.integers)};
    Histogram& shared = message.integers;
    message.floats.reset_hint = shared.reset_hint;
    message.floats.schema = shared.schema;
    message.floats.zero_threshold = shared.zero_threshold;
    message.floats.sum = shared.sum;
    message.floats.positive_spans = std::move(shared.positive_spans);
    message.floats.negative_spans = std::move(shared.negative_spans);
    message.floats.custom_bounds = std::move(shared.custom_bounds);
    return model::HistogramSample{message.time, std::move(message.floats)};
}

void encode_histogram(const model::HistogramSample& sample, std::string& out) {
    std::visit(
        [&](const auto& histogram) { write_histogram(histogram, sample.time, out); },
        sample.histogram
    );
}

void encode_histogram(const model::FloatHistogram& histogram, TimestampMs time, std::string& out) {
    write_histogram(histogram, time, out);
}

}  // namespace mimir::wire
