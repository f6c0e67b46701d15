#include "tsdb/wal/records.hpp"

namespace mimir::tsdb {
namespace {

void write_labels(encoding::ByteWriter& writer, model::LabelsView labels) {
    writer.uvarint(labels.count());
    for (const model::Label label : labels) {
        writer.string(label.name);
        writer.string(label.value);
    }
}

template <class T>
std::int64_t delta(T value, T from) {
    return static_cast<std::int64_t>(
        static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(from)
    );
}

/// The beginning of every record whose entries are deltas to the first.
void write_first(encoding::ByteWriter& writer, RecordType type, WalRef ref, TimestampMs time) {
    writer.u8(static_cast<std::uint8_t>(type));
    writer.be64(ref);
    writer.be64(static_cast<std::uint64_t>(time.ms));
}

// Histograms. Integer and float ones differ in how counts and buckets are written.

void write_count(encoding::ByteWriter& writer, std::uint64_t count) { writer.uvarint(count); }
void write_count(encoding::ByteWriter& writer, double count) { writer.be_double(count); }
void write_bucket(encoding::ByteWriter& writer, std::int64_t delta) { writer.varint(delta); }
void write_bucket(encoding::ByteWriter& writer, double count) { writer.be_double(count); }
void read_count(encoding::ByteReader& reader, std::uint64_t& count) { count = reader.uvarint(); }
void read_count(encoding::ByteReader& reader, double& count) { count = reader.be_double(); }
void read_bucket(encoding::ByteReader& reader, std::int64_t& delta) { delta = reader.varint(); }
void read_bucket(encoding::ByteReader& reader, double& count) { count = reader.be_double(); }

auto& positive(model::Histogram& histogram) { return histogram.positive_deltas; }
auto& negative(model::Histogram& histogram) { return histogram.negative_deltas; }
auto& positive(model::FloatHistogram& histogram) { return histogram.positive_buckets; }
auto& negative(model::FloatHistogram& histogram) { return histogram.negative_buckets; }
const auto& positive(const model::Histogram& histogram) { return histogram.positive_deltas; }
const auto& negative(const model::Histogram& histogram) { return histogram.negative_deltas; }
const auto& positive(const model::FloatHistogram& histogram) { return histogram.positive_buckets; }
const auto& negative(const model::FloatHistogram& histogram) { return histogram.negative_buckets; }

bool has_custom_bounds(RecordType type) {
    return type == RecordType::custom_histograms || type == RecordType::custom_float_histograms;
}
bool has_float_counts(RecordType type) {
    return type == RecordType::float_histograms || type == RecordType::custom_float_histograms;
}

void write_spans(encoding::ByteWriter& writer, const std::vector<model::BucketSpan>& spans) {
    writer.uvarint(spans.size());
    for (const model::BucketSpan& span : spans) {
        writer.varint(span.offset);
        writer.uvarint(span.length);
    }
}

template <class Histogram>
void write_histogram(encoding::ByteWriter& writer, RecordType type, const Histogram& histogram) {
    writer.u8(static_cast<std::uint8_t>(histogram.reset_hint));
    writer.varint(histogram.schema);
    writer.be_double(histogram.zero_threshold);
    write_count(writer, histogram.zero_count);
    write_count(writer, histogram.count);
    writer.be_double(histogram.sum);
    write_spans(writer, histogram.positive_spans);
    write_spans(writer, histogram.negative_spans);
    writer.uvarint(positive(histogram).size());
    for (const auto bucket : positive(histogram)) write_bucket(writer, bucket);
    writer.uvarint(negative(histogram).size());
    for (const auto bucket : negative(histogram)) write_bucket(writer, bucket);
    if (!has_custom_bounds(type)) return;
    writer.uvarint(histogram.custom_bounds.size());
    for (const double bound : histogram.custom_bounds) writer.be_double(bound);
}

/// A count of entries of at least `bytes_each`, or 0 and a spoiled reader when so many can't follow.
std::size_t read_size(encoding::ByteReader& reader, std::size_t bytes_each) {
    const std::uint64_t size = reader.uvarint();
    if (size > reader.remaining() / bytes_each) {
        reader.raw(reader.remaining() + 1);
        return 0;
    }
    return size;
}

void read_spans(encoding::ByteReader& reader, std::vector<model::BucketSpan>& spans) {
    spans.resize(read_size(reader, 2));
    for (model::BucketSpan& span : spans) {
        span.offset = static_cast<std::int32_t>(reader.varint());
        span.length = static_cast<std::uint32_t>(reader.uvarint());
    }
}

template <class Bucket>
void read_buckets(encoding::ByteReader& reader, std::vector<Bucket>& buckets) {
    buckets.resize(read_size(reader, std::is_same_v<Bucket, double> ? sizeof(double) : 1));
    for (Bucket& bucket : buckets) read_bucket(reader, bucket);
}

/// As many buckets as the spans say, which can't reach back: what the chunk writers rely on.
template <class Bucket>
bool is_consistent(
    const std::vector<model::BucketSpan>& spans, const std::vector<Bucket>& buckets
) {
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < spans.size(); ++i) {
        if (i > 0 && spans[i].offset < 0) return false;
        length += spans[i].length;
    }
    return length == buckets.size();
}

template <class Histogram>
bool read_into(encoding::ByteReader& reader, RecordType type, Histogram& histogram) {
    histogram.reset_hint = static_cast<model::CounterResetHint>(reader.u8() & 3);
    histogram.schema = static_cast<std::int32_t>(reader.varint());
    histogram.zero_threshold = reader.be_double();
    read_count(reader, histogram.zero_count);
    read_count(reader, histogram.count);
    histogram.sum = reader.be_double();
    read_spans(reader, histogram.positive_spans);
    read_spans(reader, histogram.negative_spans);
    read_buckets(reader, positive(histogram));
    read_buckets(reader, negative(histogram));
    if (has_custom_bounds(type)) {
        histogram.custom_bounds.resize(read_size(reader, sizeof(double)));
        for (double& bound : histogram.custom_bounds) bound = reader.be_double();
    }
    return reader.ok() && is_consistent(histogram.positive_spans, positive(histogram)) &&
           is_consistent(histogram.negative_spans, negative(histogram));
}

}  // namespace

void SeriesRecord::add(WalRef ref, model::LabelsView labels) {
    encoding::ByteWriter writer(bytes_);
    if (bytes_.empty()) writer.u8(static_cast<std::uint8_t>(RecordType::series));
    writer.be64(ref);
    write_labels(writer, labels);
}

char* SampleRecord::begin(char* at, WalRef ref, TimestampMs time) {
    first_ref_ = ref;
    first_time_ = time.ms;
    *at = static_cast<char>(RecordType::samples);
    encoding::store_be(at + 1, ref);
    encoding::store_be(at + 9, static_cast<std::uint64_t>(time.ms));
    return at + 17;
}

void SampleRecord::grow() {
    constexpr std::size_t kInitialBytes = 4096;
    bytes_.resize(std::max(kInitialBytes, bytes_.size() * 2));
}

void ExemplarRecord::add(WalRef ref, const model::Exemplar& exemplar) {
    encoding::ByteWriter writer(bytes_);
    if (bytes_.empty()) {
        write_first(writer, RecordType::exemplars, ref, exemplar.time);
        first_ref_ = ref;
        first_time_ = exemplar.time;
    }
    writer.varint(delta(ref, first_ref_));
    writer.varint(delta(exemplar.time.ms, first_time_.ms));
    writer.be_double(exemplar.value);
    write_labels(writer, exemplar.labels);
}

RecordType HistogramRecord::type_for(const model::HistogramSample& sample) {
    if (const auto* histogram = std::get_if<model::Histogram>(&sample.histogram)) {
        return histogram->schema == model::kCustomBucketsSchema ? RecordType::custom_histograms
                                                                : RecordType::histograms;
    }
    return std::get<model::FloatHistogram>(sample.histogram).schema == model::kCustomBucketsSchema
               ? RecordType::custom_float_histograms
               : RecordType::float_histograms;
}

void HistogramRecord::add(WalRef ref, const model::HistogramSample& sample) {
    encoding::ByteWriter writer(bytes_);
    if (bytes_.empty()) {
        write_first(writer, type_, ref, sample.time);
        first_ref_ = ref;
        first_time_ = sample.time;
    }
    writer.varint(delta(ref, first_ref_));
    writer.varint(delta(sample.time.ms, first_time_.ms));
    std::visit(
        [&](const auto& histogram) { write_histogram(writer, type_, histogram); }, sample.histogram
    );
}

namespace detail {

bool read_labels(encoding::ByteReader& reader, std::string& out) {
    out.clear();
    std::string_view previous;
    bool sorted = true;
    const encoding::ByteReader start = reader;
    const std::uint64_t count = reader.uvarint();
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        const std::string_view name = reader.string();
        const std::string_view value = reader.string();
        sorted = sorted && (i == 0 || previous < name) && !value.empty();
        previous = name;
        if (sorted) model::append_label(out, {name, value});
    }
    if (sorted || !reader.ok()) return reader.ok();
    reader = start;
    model::LabelsBuilder builder;
    for (std::uint64_t i = reader.uvarint(); i > 0; --i) {
        const std::string_view name = reader.string();
        builder.set(name, reader.string());
    }
    out = builder.build().bytes();
    return true;
}

bool read_histogram(encoding::ByteReader& reader, RecordType type, model::HistogramSample& out) {
    if (has_float_counts(type)) {
        return read_into(reader, type, out.histogram.emplace<model::FloatHistogram>());
    }
    return read_into(reader, type, out.histogram.emplace<model::Histogram>());
}

}  // namespace detail
}  // namespace mimir::tsdb
