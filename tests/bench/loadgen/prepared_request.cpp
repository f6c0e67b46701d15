#include "loadgen/prepared_request.hpp"

#include <bit>
#include <cstring>

#include "base/assert.hpp"
#include "encoding/bytes.hpp"

namespace mimir::loadgen {
namespace {

// A Sample message of fixed size: 0x09 value(8, little-endian) 0x10 time(varint of six bytes, as between 2004 and 2109).
constexpr std::size_t kTimeBytes = 6;
constexpr std::size_t kSampleBytes = 1 + 8 + 1 + kTimeBytes;
constexpr std::size_t kValueOffset = 1;
constexpr std::size_t kTimeOffset = 10;

std::size_t uvarint_bytes(std::uint64_t value) {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

}  // namespace

std::uint64_t Plan::generation(std::uint64_t index, std::uint64_t round) const {
    const std::uint64_t replaced = round * churn;  // indexes 0, 1, 2, ... and round again
    return replaced > index ? (replaced - 1 - index) / series + 1 : 0;
}

TimestampMs Plan::time(std::uint64_t index, std::uint64_t round) const {
    const auto interval_ms = static_cast<std::uint64_t>(interval.count());
    const std::uint64_t offset = mix(index / kSeriesPerTarget, 0, 99) % interval_ms;
    return start + std::chrono::milliseconds(round * interval_ms + offset);
}

PreparedRequest::PreparedRequest(
    const Catalogue& catalogue, const Plan& plan, std::uint64_t first, std::uint64_t count
)
    : catalogue_(catalogue),
      plan_(plan),
      first_(first),
      count_(count),
      states_(count),
      generations_(count) {
    encode_labels(0);
}

const std::string& PreparedRequest::encode(std::uint64_t round) {
    bool replaced = false;
    for (std::uint64_t i = 0; plan_.churn != 0 && i < count_; ++i) {
        const auto generation = static_cast<std::uint32_t>(plan_.generation(first_ + i, round));
        if (generation == generations_[i]) continue;
        generations_[i] = generation;
        states_[i] = {};
        replaced = true;
    }
    if (replaced) encode_labels(round);

    for (std::uint64_t i = 0; i < count_; ++i) {
        const std::uint64_t index = first_ + i;
        char* sample = body_.data() + sample_offsets_[i];
        const double value =
            next_value(catalogue_.series_template(index), index, round, states_[i]);
        std::memcpy(sample + kValueOffset, &value, sizeof value);
        const TimestampMs time = plan_.time(index, round);
        const char* end =
            encoding::store_uvarint(sample + kTimeOffset, static_cast<std::uint64_t>(time.ms));
        MIMIR_ASSERT(end == sample + kSampleBytes, "times between 2004 and 2109 take six bytes");
    }
    return body_;
}

void PreparedRequest::encode_labels(std::uint64_t round) {
    body_.clear();
    sample_offsets_.clear();
    encoding::ByteWriter out(body_);
    for (std::uint64_t i = 0; i < count_; ++i) {
        const auto labels = catalogue_.labels(first_ + i, plan_.generation(first_ + i, round));
        const std::size_t sample_field_bytes = 1 + uvarint_bytes(kSampleBytes) + kSampleBytes;
        out.u8(0x0A);  // WriteRequest.timeseries
        out.uvarint(labels.bytes().size() + sample_field_bytes);
        out.raw(labels.bytes());
        out.u8(0x12);  // TimeSeries.samples
        out.uvarint(kSampleBytes);
        sample_offsets_.push_back(static_cast<std::uint32_t>(body_.size()));
        out.u8(0x09);  // Sample.value
        out.raw(std::string(8, '\0'));
        out.u8(0x10);  // Sample.timestamp
        out.raw(std::string(kTimeBytes, '\0'));
    }
}

}  // namespace mimir::loadgen
