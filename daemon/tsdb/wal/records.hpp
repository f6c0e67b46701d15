#pragma once

// What the log's records say. Writers put a record together, decoders walk one; both keep no state between records.
// Format: docs/formats/wal.md. Series are named by WalRef: numbers that are never used again, in one log.

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/types.hpp"
#include "encoding/bytes.hpp"
#include "model/exemplar.hpp"
#include "model/histogram.hpp"
#include "model/labels.hpp"
#include "model/write_request.hpp"

namespace mimir::tsdb {

using WalRef = std::uint64_t;

enum class RecordType : std::uint8_t {
    series = 1,
    samples = 2,
    tombstones = 3,
    exemplars = 4,
    mmap_markers = 5,
    metadata = 6,
    histograms = 7,
    float_histograms = 8,
    custom_histograms = 9,
    custom_float_histograms = 10,
};

/// The type of any record; 0 of an empty one.
inline RecordType record_type(std::string_view record) {
    return record.empty() ? RecordType{} : static_cast<RecordType>(record.front());
}

/// A record in the making. Its memory is reused by the next one.
class SeriesRecord {
  public:
    void clear() { bytes_.clear(); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    void add(WalRef ref, model::LabelsView labels);

  private:
    std::string bytes_;
};

/// The one whose speed matters: every sample passes here.
class SampleRecord {
  public:
    void clear() { size_ = 0; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), size_}; }
    void add(WalRef ref, TimestampMs time, double value) {
        if (bytes_.size() - size_ < kBytesMax) [[unlikely]]
            grow();
        char* at = bytes_.data() + size_;
        if (size_ == 0) at = begin(at, ref, time);
        at = encoding::store_uvarint(at, encoding::zigzag(difference(ref, first_ref_)));
        at = encoding::store_uvarint(at, encoding::zigzag(difference(time.ms, first_time_)));
        encoding::store_be(at, std::bit_cast<std::uint64_t>(value));
        size_ = static_cast<std::size_t>(at + sizeof(value) - bytes_.data());
    }

  private:
    /// Of the record's beginning and one sample.
    static constexpr std::size_t kBytesMax = 1 + 16 + 2 * encoding::kVarintBytesMax + 8;

    template <class T>
    static std::int64_t difference(T value, T from) {
        return static_cast<std::int64_t>(
            static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(from)
        );
    }
    char* begin(char* at, WalRef ref, TimestampMs time);
    void grow();

    std::string bytes_;  // its size is what may be written without growing
    std::size_t size_ = 0;
    WalRef first_ref_ = 0;
    std::int64_t first_time_ = 0;
};

class ExemplarRecord {
  public:
    void clear() { bytes_.clear(); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    void add(WalRef ref, const model::Exemplar& exemplar);

  private:
    std::string bytes_;
    WalRef first_ref_ = 0;
    TimestampMs first_time_;
};

/// Histograms of one of the four record types.
class HistogramRecord {
  public:
    explicit HistogramRecord(RecordType type) : type_(type) {}
    void clear() { bytes_.clear(); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    /// The record type for this histogram.
    static RecordType type_for(const model::HistogramSample& sample);
    void add(WalRef ref, const model::HistogramSample& sample);

  private:
    RecordType type_;
    std::string bytes_;
    WalRef first_ref_ = 0;
    TimestampMs first_time_;
};

// Decoders call visit(...) for each entry and return false when the record is malformed; what was visited before is
// good then. They take the whole record, type byte included.

/// visit(WalRef, model::LabelsView)
template <class Visit>
bool decode_series(std::string_view record, Visit&& visit);
/// visit(WalRef, TimestampMs, double)
template <class Visit>
bool decode_samples(std::string_view record, Visit&& visit);
/// visit(WalRef, model::Exemplar)
template <class Visit>
bool decode_exemplars(std::string_view record, Visit&& visit);
/// visit(WalRef, model::HistogramSample)
template <class Visit>
bool decode_histograms(std::string_view record, Visit&& visit);

namespace detail {

/// Reads a label set (count, then names and values) into canonical form in `out`, whatever order it came in.
bool read_labels(encoding::ByteReader& reader, std::string& out);
bool read_histogram(encoding::ByteReader& reader, RecordType type, model::HistogramSample& out);

inline constexpr std::size_t kSampleBytesMax = 2 * encoding::kVarintBytesMax + sizeof(double);

/// Reads a varint that is known not to reach past the end of its bytes. False when it is overlong.
inline bool load_uvarint(const char*& at, std::uint64_t& value) {
    value = static_cast<std::uint8_t>(*at++);
    if (value < 0x80) return true;
    value &= 0x7F;
    for (unsigned shift = 7; shift < 64; shift += 7) {
        const auto byte = static_cast<std::uint8_t>(*at++);
        value |= std::uint64_t{byte & 0x7FU} << shift;
        if (byte < 0x80) return shift < 63 || byte <= 1;
    }
    return false;
}

template <class T>
T add_delta(T base, std::int64_t delta) {
    return static_cast<T>(static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(delta));
}

}  // namespace detail

template <class Visit>
bool decode_series(std::string_view record, Visit&& visit) {
    encoding::ByteReader reader(record.substr(1));
    std::string labels;
    while (!reader.at_end()) {
        const WalRef ref = reader.be64();
        if (!detail::read_labels(reader, labels)) return false;
        visit(ref, model::LabelsView::from_canonical(labels));
    }
    return reader.ok();
}

template <class Visit>
bool decode_samples(std::string_view record, Visit&& visit) {
    encoding::ByteReader reader(record.substr(1));
    if (reader.at_end()) return true;
    const WalRef first_ref = reader.be64();
    const auto first_time = static_cast<std::int64_t>(reader.be64());
    const auto visit_one = [&](std::uint64_t ref_delta, std::uint64_t time_delta, double value) {
        visit(
            detail::add_delta(first_ref, encoding::unzigzag(ref_delta)),
            TimestampMs{detail::add_delta(first_time, encoding::unzigzag(time_delta))},
            value
        );
    };
    // Most of a replay: samples that cannot reach past the end are read without looking for it.
    const std::string_view rest = reader.rest();
    const char* at = rest.data();
    const char* const end = at + rest.size();
    while (end - at >= static_cast<std::ptrdiff_t>(detail::kSampleBytesMax)) {
        std::uint64_t ref_delta = 0;
        std::uint64_t time_delta = 0;
        if (!detail::load_uvarint(at, ref_delta) || !detail::load_uvarint(at, time_delta))
            return false;
        visit_one(
            ref_delta, time_delta, std::bit_cast<double>(encoding::load_be<std::uint64_t>(at))
        );
        at += sizeof(double);
    }
    reader = encoding::ByteReader({at, static_cast<std::size_t>(end - at)});
    while (!reader.at_end()) {
        const std::uint64_t ref_delta = reader.uvarint();
        const std::uint64_t time_delta = reader.uvarint();
        const double value = reader.be_double();
        if (!reader.ok()) return false;
        visit_one(ref_delta, time_delta, value);
    }
    return reader.ok();
}

template <class Visit>
bool decode_exemplars(std::string_view record, Visit&& visit) {
    encoding::ByteReader reader(record.substr(1));
    if (reader.at_end()) return true;
    const WalRef first_ref = reader.be64();
    const auto first_time = static_cast<std::int64_t>(reader.be64());
    std::string labels;
    while (!reader.at_end()) {
        const WalRef ref = detail::add_delta(first_ref, reader.varint());
        model::Exemplar exemplar;
        exemplar.time = {detail::add_delta(first_time, reader.varint())};
        exemplar.value = reader.be_double();
        if (!detail::read_labels(reader, labels)) return false;
        exemplar.labels = model::Labels(model::LabelsView::from_canonical(labels));
        visit(ref, std::move(exemplar));
    }
    return reader.ok();
}

template <class Visit>
bool decode_histograms(std::string_view record, Visit&& visit) {
    encoding::ByteReader reader(record.substr(1));
    if (reader.at_end()) return true;
    const WalRef first_ref = reader.be64();
    const auto first_time = static_cast<std::int64_t>(reader.be64());
    while (!reader.at_end()) {
        const WalRef ref = detail::add_delta(first_ref, reader.varint());
        model::HistogramSample sample;
        sample.time = {detail::add_delta(first_time, reader.varint())};
        if (!detail::read_histogram(reader, record_type(record), sample)) return false;
        visit(ref, std::move(sample));
    }
    return reader.ok();
}

}  // namespace mimir::tsdb
