#include "conformance/memory_storage.hpp"

#include <algorithm>
#include <utility>

#include "chunkenc/histogram_appender.hpp"
#include "chunkenc/xor_chunk.hpp"
#include "conformance/classic_histograms.hpp"

namespace mimir::conformance {
namespace {

constexpr std::size_t kFloatsInChunk = 120;
constexpr std::size_t kHistogramsInChunk = 10;

/// Cuts a series' samples into chunks as the head does: by kind, by size, and where counting began anew.
class ChunkWriter {
  public:
    explicit ChunkWriter(std::vector<MemoryStorage::Chunk>& chunks) : chunks_(chunks) {}
    ~ChunkWriter() { close(); }
    ChunkWriter(const ChunkWriter&) = delete;
    ChunkWriter& operator=(const ChunkWriter&) = delete;

    void append(TimestampMs time, double value) {
        if (encoding_ != chunkenc::Encoding::xor_float || floats_.count() == kFloatsInChunk) {
            close();
            open(time, chunkenc::Encoding::xor_float);
        }
        floats_.append(time, value);
        range_.max = time;
    }

    void append(TimestampMs time, const std::shared_ptr<const model::FloatHistogram>& histogram) {
        auto fit = chunkenc::HistogramFit::other_layout;
        if (encoding_ == chunkenc::Encoding::float_histogram) {
            const bool full = histograms_.count() == kHistogramsInChunk;
            fit = full ? histograms_.fit(*histogram) : histograms_.append(time, *histogram);
            if (!full && fit == chunkenc::HistogramFit::appendable) {
                range_.max = time;
                return;
            }
        }
        close();
        open(time, chunkenc::Encoding::float_histogram);
        histograms_.begin(time, *histogram, fit);
    }

  private:
    void open(TimestampMs time, chunkenc::Encoding encoding) {
        encoding_ = encoding;
        range_ = {time, time};
    }

    void close() {
        if (encoding_ == chunkenc::Encoding::none) return;
        const bool floats = encoding_ == chunkenc::Encoding::xor_float;
        chunks_.push_back(
            {range_, encoding_, std::string(floats ? floats_.data() : histograms_.data())}
        );
        floats_.clear();
        encoding_ = chunkenc::Encoding::none;
    }

    std::vector<MemoryStorage::Chunk>& chunks_;
    chunkenc::XorChunk floats_;
    chunkenc::FloatHistogramAppender histograms_;
    chunkenc::Encoding encoding_ = chunkenc::Encoding::none;
    TimeRange range_;
};

class Selected final : public chunkenc::SeriesSet {
  public:
    struct One {
        model::LabelsView labels;
        const std::vector<MemoryStorage::Chunk>* chunks;
    };

    Selected(std::vector<One> series, TimeRange range)
        : series_(std::move(series)), range_(range) {}

    [[nodiscard]] std::size_t count() const override { return series_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return series_[index].labels;
    }

    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        batch.clear();
        for (std::size_t i = first; i < first + count; ++i) {
            batch.begin_series();
            for (const MemoryStorage::Chunk& chunk : *series_[i].chunks) {
                if (chunk.range.overlaps(range_))
                    batch.add({chunk.range, chunk.encoding, chunk.data});
            }
        }
        return {};
    }

  private:
    std::vector<One> series_;
    TimeRange range_;
};

/// The set's series without the labels that nobody looks at.
class Projected final : public chunkenc::SeriesSet {
  public:
    Projected(std::unique_ptr<chunkenc::SeriesSet> set, const model::LabelProjection& labels)
        : set_(std::move(set)), kept_(set_->count()) {
        for (std::size_t i = 0; i < kept_.size(); ++i) labels.copy(set_->labels(i), kept_[i]);
    }

    [[nodiscard]] std::size_t count() const override { return kept_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return model::LabelsView::from_canonical(kept_[index]);
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        return set_->load(first, count, batch);
    }

  private:
    std::unique_ptr<chunkenc::SeriesSet> set_;
    std::vector<std::string> kept_;
};

}  // namespace

Result<void> MemoryStorage::load(const Load& load) {
    std::vector<SeriesLine> lines = load.series;
    if (load.with_nhcb) {
        MIMIR_TRY(std::vector<SeriesLine> native, to_native_histograms(load.series));
        lines.insert(lines.end(), native.begin(), native.end());
    }
    for (const SeriesLine& line : lines) {
        Series& series = series_[line.labels];
        TimestampMs time;
        for (const Value& value : line.values) {
            if (const auto* number = std::get_if<double>(&value)) series.samples[time] = *number;
            if (const auto* histogram = std::get_if<Histogram>(&value))
                series.samples[time] = histogram->value;
            time = time + load.interval;
        }
        series.chunks.clear();
        ChunkWriter writer(series.chunks);
        for (const auto& [at, sample] : series.samples) {
            std::visit([&, when = at](const auto& one) { writer.append(when, one); }, sample);
        }
    }
    return {};
}

Result<std::unique_ptr<chunkenc::SeriesSet>> MemoryStorage::select(
    const model::Matchers& matchers, TimeRange range
) {
    std::vector<Selected::One> selected;
    for (const auto& [labels, series] : series_) {
        const bool in_range = std::ranges::any_of(series.chunks, [&](const Chunk& chunk) {
            return chunk.range.overlaps(range);
        });
        if (in_range && model::matches(matchers, labels))
            selected.push_back({labels, &series.chunks});
    }
    return std::make_unique<Selected>(std::move(selected), range);
}

Result<std::unique_ptr<chunkenc::SeriesSet>> MemoryStorage::select_projected(
    const model::Matchers& matchers, TimeRange range, const model::LabelProjection& labels
) {
    MIMIR_TRY(auto all, select(matchers, range));
    return std::make_unique<Projected>(std::move(all), labels);
}

}  // namespace mimir::conformance
