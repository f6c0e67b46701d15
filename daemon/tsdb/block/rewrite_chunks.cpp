#include "tsdb/block/rewrite_chunks.hpp"

#include <algorithm>
#include <tuple>

#include "chunkenc/decode.hpp"
#include "chunkenc/histogram_appender.hpp"
#include "chunkenc/xor_chunk.hpp"

namespace mimir::tsdb {
namespace {

using chunkenc::ChunkBatch;
using chunkenc::ChunkView;
using chunkenc::Encoding;
using chunkenc::HistogramFit;

constexpr std::size_t kSamplesPerChunk = 120;  // as Prometheus' compaction

/// Gathers samples, which come by time, into chunks.
class ChunkSink {
  public:
    ChunkSink(ChunkBatch& memory, std::vector<ChunkView>& out) : memory_(memory), out_(out) {}

    void add(TimestampMs time, double value) {
        if (encoding_ != Encoding::xor_float || floats_.count() >= kSamplesPerChunk) {
            begin_chunk(Encoding::xor_float, time);
            floats_.clear();
        }
        floats_.append(time, value);
        range_.max = time;
    }
    void add(TimestampMs time, const model::FloatHistogram& histogram) {
        const bool open = encoding_ == Encoding::float_histogram;
        const HistogramFit fit =
            open ? histograms_.append(time, histogram) : HistogramFit::other_layout;
        if (fit != HistogramFit::appendable) {
            begin_chunk(Encoding::float_histogram, time);
            histograms_.begin(time, histogram, fit);
        }
        range_.max = time;
    }
    void end_chunk() {
        if (encoding_ == Encoding::none) return;
        const bool is_float = encoding_ == Encoding::xor_float;
        const std::string_view data = is_float ? floats_.data() : histograms_.data();
        out_.push_back({range_, encoding_, memory_.copy(data)});
        encoding_ = Encoding::none;
    }

  private:
    void begin_chunk(Encoding encoding, TimestampMs time) {
        end_chunk();
        encoding_ = encoding;
        range_.min = time;
    }

    ChunkBatch& memory_;
    std::vector<ChunkView>& out_;
    Encoding encoding_ = Encoding::none;  // of the open chunk, if there is one
    TimeRange range_;
    chunkenc::XorChunk floats_;
    chunkenc::FloatHistogramAppender histograms_;
};

/// A decoded sample: its index in the column of its kind, and which chunk it is of.
struct SampleRef {
    TimestampMs time;
    std::size_t chunk = 0;
    std::size_t index = 0;
    bool is_float = true;

    [[nodiscard]] auto order() const { return std::tuple(time, chunk, index); }
};

bool survives(TimestampMs time, const SampleFilter& filter) {
    return std::none_of(filter.drop.begin(), filter.drop.end(), [&](const TimeRange& range) {
        return range.contains(time);
    });
}

}  // namespace

Result<void> rewrite_chunks(
    std::span<const ChunkView> chunks,
    const SampleFilter& filter,
    ChunkBatch& memory,
    std::vector<ChunkView>& out
) {
    chunkenc::Points points;
    std::vector<SampleRef> samples;
    for (std::size_t chunk = 0; chunk < chunks.size(); ++chunk) {
        std::size_t float_index = points.float_times.size();
        std::size_t histogram_index = points.histogram_times.size();
        MIMIR_TRY(chunkenc::decode(chunks[chunk], filter.keep, points));
        for (; float_index < points.float_times.size(); ++float_index) {
            samples.push_back({points.float_times[float_index], chunk, float_index, true});
        }
        for (; histogram_index < points.histogram_times.size(); ++histogram_index) {
            samples.push_back(
                {points.histogram_times[histogram_index], chunk, histogram_index, false}
            );
        }
    }
    std::erase_if(samples, [&](const SampleRef& sample) { return !survives(sample.time, filter); });
    std::sort(samples.begin(), samples.end(), [](const SampleRef& a, const SampleRef& b) {
        return a.order() < b.order();
    });
    const auto same_time = [](const SampleRef& a, const SampleRef& b) { return a.time == b.time; };
    samples.erase(std::unique(samples.begin(), samples.end(), same_time), samples.end());

    ChunkSink sink(memory, out);
    for (const SampleRef& sample : samples) {
        if (sample.is_float) {
            sink.add(sample.time, points.float_values[sample.index]);
        } else {
            sink.add(sample.time, points.histograms[sample.index]);
        }
    }
    sink.end_chunk();
    return {};
}

void sort_chunks(std::vector<ChunkView>& chunks) {
    // Insertion: they are sorted already, or consist of a few sorted runs.
    const auto by_start = [](const ChunkView& a, const ChunkView& b) {
        return a.range.min < b.range.min;
    };
    for (auto at = chunks.begin(); at != chunks.end(); ++at) {
        if (at == chunks.begin() || !by_start(*at, at[-1])) continue;
        std::rotate(std::upper_bound(chunks.begin(), at, *at, by_start), at, at + 1);
    }
}

bool is_double(const ChunkView& a, const ChunkView& b) {
    return a.range == b.range && a.encoding == b.encoding && a.data == b.data;
}

Result<void> fit_chunks(
    std::span<const ChunkView> chunks,
    TimeRange range,
    ChunkBatch& memory,
    std::vector<ChunkView>& out
) {
    std::vector<ChunkView> group;  // chunks that overlap
    for (std::size_t i = 0; i < chunks.size();) {
        group.assign(1, chunks[i]);
        TimestampMs end = chunks[i].range.max;
        for (++i; i < chunks.size() && chunks[i].range.min <= end; ++i) {
            if (is_double(chunks[i], group.back())) continue;
            group.push_back(chunks[i]);
            end = std::max(end, chunks[i].range.max);
        }
        const bool within = range.min <= group.front().range.min && end <= range.max;
        if (group.size() == 1 && within) {
            out.push_back(group.front());
        } else {
            MIMIR_TRY(rewrite_chunks(group, {.keep = range}, memory, out));
        }
    }
    return {};
}

}  // namespace mimir::tsdb
