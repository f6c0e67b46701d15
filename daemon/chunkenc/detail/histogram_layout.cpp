#include "chunkenc/detail/histogram_layout.hpp"

#include <bit>
#include <cmath>

#include "chunkenc/detail/varbit.hpp"
#include "model/histogram_buckets.hpp"

namespace mimir::chunkenc::detail {
namespace {

using model::BucketSpan;

// The zero threshold is mostly a power of two, 2^(byte - 244) then.
constexpr int kThresholdExponentBias = 244;
constexpr std::uint64_t kThresholdSpelledOut = 255;

void put_zero_threshold(BitWriter& to, double threshold) {
    int exponent = 0;
    const double fraction = std::frexp(threshold, &exponent);
    const int byte = exponent - 1 + kThresholdExponentBias;
    if (threshold == 0) {
        to.put(0, 8);
    } else if (fraction == 0.5 && byte >= 1 && byte <= 254) {
        to.put(static_cast<std::uint64_t>(byte), 8);
    } else {
        to.put(kThresholdSpelledOut, 8);
        to.put(std::bit_cast<std::uint64_t>(threshold), 64);
    }
}

double get_zero_threshold(BitReader& from) {
    const std::uint64_t byte = from.get(8);
    if (byte == 0) return 0;
    if (byte == kThresholdSpelledOut) return std::bit_cast<double>(from.get(64));
    return std::ldexp(1.0, static_cast<int>(byte) - kThresholdExponentBias);
}

// Custom bounds are mostly decimal numbers: as thousandths, plus one, they are short.
constexpr double kThousandthsMax = 33554430;  // what a field of 25 bits has room for

void put_custom_bound(BitWriter& to, double bound) {
    const double thousandths = bound * 1000;
    if (thousandths >= 0 && thousandths <= kThousandthsMax &&
        std::round(thousandths) / 1000 == bound) {
        put_uvarbit(to, static_cast<std::uint64_t>(std::round(thousandths)) + 1);
    } else {
        to.put(0, 1);
        to.put(std::bit_cast<std::uint64_t>(bound), 64);
    }
}

double get_custom_bound(BitReader& from) {
    const std::uint64_t thousandths = get_uvarbit(from);
    if (thousandths == 0) return std::bit_cast<double>(from.get(64));
    return static_cast<double>(thousandths - 1) / 1000;
}

void put_spans(BitWriter& to, const std::vector<BucketSpan>& spans) {
    put_uvarbit(to, spans.size());
    for (const BucketSpan& span : spans) {
        put_uvarbit(to, span.length);
        put_varbit(to, span.offset);
    }
}

// Far beyond what any schema has, and far enough from the ends of int32 for arithmetic with
// indexes.
constexpr std::int64_t kBucketIndexMax = std::int64_t{1} << 30;

bool get_spans(BitReader& from, std::vector<BucketSpan>& spans) {
    std::int64_t next = 0;
    for (std::uint64_t left = get_uvarbit(from); left > 0 && from.ok(); --left) {
        const std::uint64_t length = get_uvarbit(from);
        const std::int64_t offset = get_varbit(from);
        if (length > from.remaining() || (!spans.empty() && offset < 0)) return false;
        if (offset < -kBucketIndexMax || offset > 2 * kBucketIndexMax) return false;
        const std::int64_t first = next + offset;
        next = first + static_cast<std::int64_t>(length);
        if (first < -kBucketIndexMax || next > kBucketIndexMax) return false;
        spans.push_back({static_cast<std::int32_t>(offset), static_cast<std::uint32_t>(length)});
    }
    return from.ok();
}

bool get_custom_bounds(BitReader& from, std::vector<double>& bounds) {
    for (std::uint64_t left = get_uvarbit(from); left > 0 && from.ok(); --left) {
        const double bound = get_custom_bound(from);
        const bool rises = bounds.empty() || bound > bounds.back();
        if (std::isnan(bound) || !rises) return false;
        bounds.push_back(bound);
    }
    return from.ok();
}

/// Whether each of the spans' buckets has its bound, or is the one behind the last.
bool have_bounds(Spans spans, std::size_t bounds) {
    std::int64_t next = 0;
    for (const BucketSpan& span : spans) {
        next += span.offset + std::int64_t{span.length};
    }
    return (spans.empty() || spans[0].offset >= 0) && next <= static_cast<std::int64_t>(bounds) + 1;
}

}  // namespace

std::size_t bucket_count(Spans spans) {
    std::size_t count = 0;
    for (const BucketSpan& span : spans) count += span.length;
    return count;
}

std::vector<std::int32_t> bucket_indexes(Spans spans) {
    std::vector<std::int32_t> indexes;
    indexes.reserve(bucket_count(spans));
    for (model::BucketWalk walk(spans, {}); walk.next();) indexes.push_back(walk.index());
    return indexes;
}

std::vector<BucketSpan> spans_of(std::span<const std::int32_t> indexes) {
    std::vector<BucketSpan> spans;
    std::int32_t next = 0;
    for (const std::int32_t index : indexes) {
        if (spans.empty() || index != next) spans.push_back({index - next, 0});
        ++spans.back().length;
        next = index + 1;
    }
    return spans;
}

void put_layout(BitWriter& to, const HistogramLayout& layout) {
    put_zero_threshold(to, layout.zero_threshold);
    put_varbit(to, layout.schema);
    put_spans(to, layout.positive_spans);
    put_spans(to, layout.negative_spans);
    if (layout.schema != model::kCustomBucketsSchema) return;
    put_uvarbit(to, layout.custom_bounds.size());
    for (const double bound : layout.custom_bounds) put_custom_bound(to, bound);
}

bool get_layout(BitReader& from, HistogramLayout& layout) {
    layout.zero_threshold = get_zero_threshold(from);
    if (!(layout.zero_threshold >= 0) || std::isinf(layout.zero_threshold)) return false;
    const std::int64_t schema = get_varbit(from);
    const bool custom = schema == model::kCustomBucketsSchema;
    if (!custom && (schema < -4 || schema > 8)) return false;
    layout.schema = static_cast<std::int32_t>(schema);
    if (!get_spans(from, layout.positive_spans)) return false;
    if (!get_spans(from, layout.negative_spans)) return false;
    if (custom) {
        if (!get_custom_bounds(from, layout.custom_bounds)) return false;
        if (!layout.negative_spans.empty()) return false;
        if (!have_bounds(layout.positive_spans, layout.custom_bounds.size())) return false;
    }
    // So that what is not trusted takes memory in proportion to its own size: a bucket has a bit in
    // each sample, and spans without buckets are a rarity.
    const std::size_t spans = layout.positive_spans.size() + layout.negative_spans.size();
    const std::size_t buckets =
        bucket_count(layout.positive_spans) + bucket_count(layout.negative_spans);
    return from.ok() && buckets <= from.remaining() && spans <= 2 * buckets + 8;
}

}  // namespace mimir::chunkenc::detail
