#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "chunkenc/detail/bits.hpp"
#include "model/histogram.hpp"

namespace mimir::chunkenc::detail {

/// What the samples of a histogram chunk have in common.
struct HistogramLayout {
    std::int32_t schema = 0;
    double zero_threshold = 0;
    std::vector<model::BucketSpan> positive_spans;
    std::vector<model::BucketSpan> negative_spans;
    std::vector<double> custom_bounds;

    template <class HistogramType>
    static HistogramLayout of(const HistogramType& histogram) {
        return {
            .schema = histogram.schema,
            .zero_threshold = histogram.zero_threshold,
            .positive_spans = histogram.positive_spans,
            .negative_spans = histogram.negative_spans,
            .custom_bounds = histogram.custom_bounds,
        };
    }
};

using Spans = std::span<const model::BucketSpan>;

/// How many buckets the spans cover.
std::size_t bucket_count(Spans spans);
/// The index of each bucket.
std::vector<std::int32_t> bucket_indexes(Spans spans);
/// The spans that cover just these buckets; ascending.
std::vector<model::BucketSpan> spans_of(std::span<const std::int32_t> indexes);

void put_layout(BitWriter& to, const HistogramLayout& layout);
/// False for a layout that does not exist or that has more buckets than there are bits left.
bool get_layout(BitReader& from, HistogramLayout& layout);

}  // namespace mimir::chunkenc::detail
