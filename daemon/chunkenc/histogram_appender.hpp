#pragma once

// Writing histogram chunks. All samples of a chunk share one layout (schema, zero threshold, spans,
// custom bounds), which stands in its header once; the samples are columns of numbers, each coded
// against the one before.

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/types.hpp"
#include "model/histogram.hpp"

namespace mimir::chunkenc {

/// How a sample relates to the chunk that is open.
enum class HistogramFit : std::uint8_t {
    appendable,     ///< Continues it.
    chunk_full,     ///< Would continue it, but the chunk has its size: 1024 bytes and 10 samples.
    other_layout,   ///< Other schema, zero threshold or kind, or comes after a stale one.
    counter_reset,  ///< Counting began anew.
};

namespace detail {
template <class HistogramType>
class HistogramChunkWriter;
}

/// An open chunk of histograms: Histogram (encoding 2) or FloatHistogram (encoding 3). Use:
///     HistogramFit fit = appender.append(time, histogram);
///     if (fit != HistogramFit::appendable) {
///         keep(appender.data());
///         appender.begin(time, histogram, fit);
///     }
/// Histograms must be valid: as many buckets as their spans say, no negative gaps between spans.
/// Threads: one at a time.
template <class HistogramType>
class BasicHistogramAppender {
  public:
    BasicHistogramAppender();
    ~BasicHistogramAppender();
    BasicHistogramAppender(BasicHistogramAppender&&) noexcept;
    BasicHistogramAppender& operator=(BasicHistogramAppender&&) noexcept;

    /// Begins a new chunk with this sample; data() of the chunk before is gone. `fit` is the
    /// sample's relation to the chunk before (other_layout when there is none); the header says it.
    void begin(TimestampMs time, const HistogramType& histogram, HistogramFit fit);
    /// Appends the sample if it is appendable, and says whether it was. Buckets that the chunk does
    /// not have are added to its layout (it is written anew then); those the sample lacks are
    /// empty.
    HistogramFit append(TimestampMs time, const HistogramType& histogram);
    /// What append() would say; other_layout as long as no chunk was begun.
    [[nodiscard]] HistogramFit fit(const HistogramType& histogram) const;

    [[nodiscard]] std::size_t count() const;
    /// Valid until the next change.
    [[nodiscard]] std::string_view data() const;

  private:
    std::unique_ptr<detail::HistogramChunkWriter<HistogramType>> writer_;
};

using HistogramAppender = BasicHistogramAppender<model::Histogram>;
using FloatHistogramAppender = BasicHistogramAppender<model::FloatHistogram>;

}  // namespace mimir::chunkenc
