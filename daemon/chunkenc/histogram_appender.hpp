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
    other_layout,   ///< Needs a chunk of its own: other schema, zero width, kind (counter, gauge),
                    ///< or the last was stale.
    counter_reset,  ///< Needs a chunk of its own, because counting began anew.
};

namespace detail {
template <class HistogramType>
class HistogramChunkWriter;
}

/// An open chunk of histograms: Histogram (encoding 2) or FloatHistogram (encoding 3). Use:
///     HistogramFit fit = appender.append(time, histogram);
///     if (fit != HistogramFit::appendable) { keep(appender.data()); appender.begin(time,
///     histogram, fit); }
/// The histogram must be valid: as many buckets as its spans say, no negative gaps.
/// Threads: one at a time.
template <class HistogramType>
class BasicHistogramAppender {
  public:
    BasicHistogramAppender();
    ~BasicHistogramAppender();
    BasicHistogramAppender(BasicHistogramAppender&&) noexcept;
    BasicHistogramAppender& operator=(BasicHistogramAppender&&) noexcept;

    /// Begins a new chunk with this sample; data() of the chunk before is gone. `fit` is the
    /// sample's relation to the chunk before (other_layout when there is none); the header says it,
    /// so that readers need not compare.
    void begin(TimestampMs time, const HistogramType& histogram, HistogramFit fit);
    /// Appends when the sample fits, and says whether it did. Buckets the chunk does not have yet
    /// are added to its layout (which writes the chunk anew); empty ones the sample lacks are
    /// filled in.
    HistogramFit append(TimestampMs time, const HistogramType& histogram);
    /// Whether the sample would fit.
    [[nodiscard]] HistogramFit fit(const HistogramType& histogram) const;

    /// Reached its target: 1024 bytes, but not before 10 samples; or the most that a chunk can
    /// count.
    [[nodiscard]] bool full() const;
    [[nodiscard]] std::size_t count() const;
    /// Valid until the next change.
    [[nodiscard]] std::string_view data() const;

  private:
    std::unique_ptr<detail::HistogramChunkWriter<HistogramType>> writer_;
};

using HistogramAppender = BasicHistogramAppender<model::Histogram>;
using FloatHistogramAppender = BasicHistogramAppender<model::FloatHistogram>;

}  // namespace mimir::chunkenc
