#include "wire/remote_write.hpp"

#include "wire/histogram.hpp"
#include "wire/labels.hpp"
#include "wire/proto.hpp"
#include "wire/write_parts.hpp"

namespace mimir::wire {
namespace {

using model::WriteRequest;
using model::WriteSeries;

namespace request_field {
constexpr std::uint32_t kTimeSeries = 1, kMetadata = 3;
}
namespace series_field {
constexpr std::uint32_t kLabels = 1, kSamples = 2, kExemplars = 3, kHistograms = 4;
}
namespace sample_field {
constexpr std::uint32_t kValue = 1, kTimestamp = 2;
}
constexpr char kTimeSeriesTag = tag_of(request_field::kTimeSeries, WireType::bytes);
constexpr char kLabelTag = tag_of(series_field::kLabels, WireType::bytes);
constexpr char kSampleTag = tag_of(series_field::kSamples, WireType::bytes);
constexpr char kValueTag = tag_of(sample_field::kValue, WireType::fixed64);
constexpr char kTimestampTag = tag_of(sample_field::kTimestamp, WireType::varint);

tl::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorKind::invalid, "malformed {} in the write request", what);
}

// The hot path reads with bare pointers what well-behaved senders write; what else there may be
// goes to ProtoReader.

struct Cursor {
    const char* at;
    const char* end;

    [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end - at); }
    [[nodiscard]] bool at_tag(char tag) const { return at != end && *at == tag; }
    [[nodiscard]] std::string_view rest() const { return {at, left()}; }
};

/// False when the bytes end within the varint or it has more than 64 bits.
bool read_varint(Cursor& cursor, std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && cursor.at != cursor.end; shift += 7) {
        const auto byte = static_cast<std::uint8_t>(*cursor.at++);
        if (shift == 63 && byte > 1) return false;
        value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

/// Steps over a field's one-byte tag and its length, which is then known to be within the bytes.
bool enter(Cursor& cursor, std::size_t& length) {
    ++cursor.at;
    if (cursor.at == cursor.end) return false;
    if (const auto first = static_cast<std::uint8_t>(*cursor.at); first < 0x80) [[likely]] {
        length = first;
        ++cursor.at;
    } else {
        std::uint64_t value = 0;
        if (!read_varint(cursor, value)) return false;
        length = value;
    }
    return length <= cursor.left();
}

bool read_sample(std::string_view message, model::Sample& sample) {
    Cursor cursor{message.data(), message.data() + message.size()};
    if (cursor.at_tag(kValueTag) && cursor.left() > sizeof(double)) {
        std::memcpy(&sample.value, cursor.at + 1, sizeof(double));
        cursor.at += 1 + sizeof(double);
    }
    if (cursor.at_tag(kTimestampTag)) {
        ++cursor.at;
        std::uint64_t time = 0;
        if (!read_varint(cursor, time)) return false;
        sample.time.ms = static_cast<std::int64_t>(time);
    }
    if (cursor.at == cursor.end) [[likely]]
        return true;
    ProtoReader reader(cursor.rest());
    while (reader.next()) {
        if (reader.field() == sample_field::kValue) sample.value = reader.float64();
        if (reader.field() == sample_field::kTimestamp) sample.time.ms = reader.int64();
    }
    return reader.ok();
}

/// What of a series comes after its labels and samples, in whatever order. Labels found here are
/// added to `labels`.
Result<void> decode_rest(std::string_view rest, WriteRequest& request, std::string& labels) {
    ProtoReader reader(rest);
    while (reader.next()) {
        switch (reader.field()) {
            case series_field::kLabels:
                ProtoWriter(labels).bytes(series_field::kLabels, reader.bytes());
                break;
            case series_field::kSamples: {
                model::Sample sample;
                if (!read_sample(reader.bytes(), sample)) return malformed("sample");
                request.samples.push_back(sample);
                break;
            }
            case series_field::kExemplars: {
                MIMIR_TRY(auto exemplar, decode_exemplar(reader.bytes()));
                request.exemplars.push_back(std::move(exemplar));
                break;
            }
            case series_field::kHistograms: {
                MIMIR_TRY(auto histogram, decode_histogram(reader.bytes()));
                request.histograms.push_back(std::move(histogram));
                break;
            }
            default: break;
        }
    }
    if (!reader.ok()) return malformed("series");
    return {};
}

std::uint32_t size32(const auto& array) {
    return static_cast<std::uint32_t>(array.size()
    );  // an element takes two bytes of the body at least
}

Result<void> decode_series(std::string_view message, WriteRequest& request) {
    WriteSeries series{
        .first_sample = size32(request.samples),
        .first_histogram = size32(request.histograms),
        .first_exemplar = size32(request.exemplars),
    };
    Cursor cursor{message.data(), message.data() + message.size()};
    std::size_t length = 0;
    while (cursor.at_tag(kLabelTag)) {
        if (!enter(cursor, length)) return malformed("label");
        cursor.at += length;
    }
    std::string_view labels(message.data(), static_cast<std::size_t>(cursor.at - message.data()));
    series.received_bytes = static_cast<std::uint32_t>(message.size());
    while (cursor.at_tag(kSampleTag)) {
        model::Sample& sample = request.samples.emplace_back();
        if (!enter(cursor, length)) return malformed("sample");
        if (!read_sample({cursor.at, length}, sample)) return malformed("sample");
        cursor.at += length;
    }
    if (cursor.at != cursor.end) [[unlikely]] {
        std::string gathered(labels);
        MIMIR_TRY(decode_rest(cursor.rest(), request, gathered));
        if (gathered.size() != labels.size()) {
            labels =
                request.rewritten.emplace_back(model::LabelsView::from_canonical(gathered)).bytes();
            series.received_bytes = 0;
        }
    }
    series.labels = model::LabelsView::from_canonical(labels);
    series.hash = series.labels.hash();
    series.sample_count = size32(request.samples) - series.first_sample;
    series.histogram_count = size32(request.histograms) - series.first_histogram;
    series.exemplar_count = size32(request.exemplars) - series.first_exemplar;
    request.series.push_back(series);
    return {};
}

}  // namespace

Result<void> decode_write_request(WriteRequest& request) {
    Cursor cursor{request.body.data(), request.body.data() + request.body.size()};
    std::size_t length = 0;
    while (cursor.at_tag(kTimeSeriesTag)) {
        if (!enter(cursor, length)) return malformed("series");
        MIMIR_TRY(decode_series({cursor.at, length}, request));
        cursor.at += length;
    }
    ProtoReader reader(cursor.rest());
    while (reader.next()) {
        switch (reader.field()) {
            case request_field::kTimeSeries:
                MIMIR_TRY(decode_series(reader.bytes(), request));
                break;
            case request_field::kMetadata: {
                MIMIR_TRY(auto metadata, decode_metadata(reader.bytes()));
                request.metadata.push_back(std::move(metadata));
                break;
            }
            default: break;
        }
    }
    if (!reader.ok()) return malformed("field");
    request.as_received = true;
    return {};
}

void encode_time_series(
    model::LabelsView labels,
    std::span<const model::Sample> samples,
    std::span<const model::HistogramSample> histograms,
    std::string& out
) {
    static_assert(series_field::kLabels == 1, "canonical labels are `repeated Label labels = 1`");
    out += labels.bytes();
    ProtoWriter writer(out);
    std::string message;
    for (const model::Sample& sample : samples) {
        message.clear();
        ProtoWriter inner(message);
        inner.float64(sample_field::kValue, sample.value);
        inner.int64(sample_field::kTimestamp, sample.time.ms);
        writer.bytes(series_field::kSamples, message);
    }
    for (const model::HistogramSample& histogram : histograms) {
        message.clear();
        encode_histogram(histogram, message);
        writer.bytes(series_field::kHistograms, message);
    }
}

namespace {

/// Appends series and metadata of a request as fields of a message.
class RequestEncoder {
  public:
    RequestEncoder(const WriteRequest& request, std::string& out)
        : request_(request), writer_(out) {}

    void add(const WriteSeries& series) {
        if (series.received_bytes != 0) {
            const std::string_view received(series.labels.bytes().data(), series.received_bytes);
            return writer_.bytes(request_field::kTimeSeries, received);
        }
        message_.clear();
        encode_time_series(
            series.labels, request_.samples_of(series), request_.histograms_of(series), message_
        );
        for (const model::Exemplar& exemplar : request_.exemplars_of(series)) {
            inner_.clear();
            encode_exemplar(exemplar, inner_);
            ProtoWriter(message_).bytes(series_field::kExemplars, inner_);
        }
        writer_.bytes(request_field::kTimeSeries, message_);
    }
    void add(const model::MetricMetadata& metadata) {
        message_.clear();
        encode_metadata(metadata, message_);
        writer_.bytes(request_field::kMetadata, message_);
    }

  private:
    const WriteRequest& request_;
    ProtoWriter writer_;
    std::string message_;
    std::string inner_;
};

}  // namespace

void encode_write_request(const WriteRequest& request, std::string& out) {
    RequestEncoder encoder(request, out);
    for (const WriteSeries& series : request.series) encoder.add(series);
    for (const model::MetricMetadata& metadata : request.metadata) encoder.add(metadata);
}

void encode_write_request(const WriteRequest& request, const RequestPart& part, std::string& out) {
    RequestEncoder encoder(request, out);
    for (const std::uint32_t index : part.series) encoder.add(request.series[index]);
    for (const std::uint32_t index : part.metadata) encoder.add(request.metadata[index]);
}

}  // namespace mimir::wire
