#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chunkenc/histogram_appender.hpp"
#include "chunkenc/xor_chunk.hpp"
#include "rpc/ingester_client.hpp"
#include "rpc/ordered_series_set.hpp"

namespace mimir::test {

/// An ingester that has what a test gives it, and answers as the test says: as one over there does, with
/// series in order, or as one of this process.
class Replica final : public rpc::IngesterClient {
  public:
    enum class Does { answers, fails, says_nothing, breaks_off };
    enum class Place { remote, local };
    struct FloatSample {
        TimestampMs time;
        double value;
    };
    struct HistogramSample {
        TimestampMs time;
        model::Histogram value;
    };
    using SeriesSetPtr = std::unique_ptr<chunkenc::SeriesSet>;

    explicit Replica(Place place = Place::remote) : place_(place) {}

    /// One chunk.
    void add(const model::Labels& labels, const std::vector<FloatSample>& samples) {
        chunkenc::XorChunk chunk;
        for (const auto& [time, value] : samples) chunk.append(time, value);
        series_of(labels).chunks.push_back(
            {{samples.front().time, samples.back().time},
             chunkenc::Encoding::xor_float,
             std::string(chunk.data())}
        );
    }
    /// As many chunks as they need.
    void add(const model::Labels& labels, const std::vector<HistogramSample>& samples) {
        chunkenc::HistogramAppender appender;
        TimeRange range;
        const auto keep = [&] {
            series_of(labels).chunks.push_back(
                {range, chunkenc::Encoding::histogram, std::string(appender.data())}
            );
        };
        bool open = false;
        for (const auto& [time, value] : samples) {
            const auto fit = appender.append(time, value);
            if (fit != chunkenc::HistogramFit::appendable) {
                if (open) keep();
                appender.begin(time, value, fit);
                range.min = time;
                open = true;
            }
            range.max = time;
        }
        keep();
    }

    void push(
        const rpc::RequestContext&, std::shared_ptr<const rpc::PushBatch>, rpc::Done<void> done
    ) override {
        done({});
    }
    void select(
        const rpc::RequestContext&,
        const model::Matchers& matchers,
        TimeRange range,
        rpc::SelectionHints hints,
        rpc::Done<SeriesSetPtr> done
    ) override {
        auto found = std::make_unique<Selected>();
        found->breaks_off = does == Does::breaks_off;
        for (const Series& series : series_) {
            if (model::matches(matchers, series.labels)) found->series.push_back(&series);
        }
        found->range = range;
        SeriesSetPtr set = std::move(found);
        if (place_ == Place::remote) set = as_sent(std::move(set), hints);
        tell(std::move(set), std::move(done));
    }
    void series(
        const rpc::RequestContext&,
        const std::vector<model::Matchers>&,
        TimeRange,
        rpc::Done<std::vector<model::Labels>> done
    ) override {
        std::vector<model::Labels> found;
        for (const Series& series : series_) found.push_back(series.labels);
        std::ranges::sort(found);
        tell(std::move(found), std::move(done));
    }
    void label_names(
        const rpc::RequestContext&,
        const model::Matchers&,
        TimeRange,
        rpc::Done<std::vector<std::string>> done
    ) override {
        tell(strings, std::move(done));
    }
    void label_values(
        const rpc::RequestContext&,
        std::string_view,
        const model::Matchers&,
        TimeRange,
        rpc::Done<std::vector<std::string>> done
    ) override {
        tell(strings, std::move(done));
    }
    void exemplars(
        const rpc::RequestContext&,
        const std::vector<model::Matchers>&,
        TimeRange,
        rpc::Done<std::vector<model::SeriesExemplars>> done
    ) override {
        tell(kept_exemplars, std::move(done));
    }
    void metadata(
        const rpc::RequestContext&,
        const rpc::MetadataQuery&,
        rpc::Done<std::vector<model::MetricMetadata>> done
    ) override {
        tell(kept_metadata, std::move(done));
    }

    Does does = Does::answers;
    std::size_t asked = 0;
    /// Whether it is of a release that leaves out labels.
    bool knows_projections = true;
    std::vector<std::string> strings;
    std::vector<model::SeriesExemplars> kept_exemplars;
    std::vector<model::MetricMetadata> kept_metadata;

  private:
    struct Chunk {
        TimeRange range;
        chunkenc::Encoding encoding;
        std::string data;
    };
    struct Series {
        model::Labels labels;
        std::vector<Chunk> chunks;
    };
    struct Selected final : chunkenc::SeriesSet {
        [[nodiscard]] std::size_t count() const override { return series.size(); }
        [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
            return series[index]->labels;
        }
        Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch)
            override {
            if (breaks_off) return fail(ErrorKind::unavailable, "the connection broke");
            batch.clear();
            for (std::size_t i = first; i < first + count; ++i) {
                batch.begin_series();
                for (const Chunk& chunk : series[i]->chunks) {
                    if (!chunk.range.overlaps(range)) continue;
                    batch.add({chunk.range, chunk.encoding, chunk.data});
                }
            }
            return {};
        }
        std::vector<const Series*> series;
        TimeRange range;
        bool breaks_off = false;
    };

    /// Series without the labels that were not asked for.
    struct Projected final : rpc::IdentifiedSeriesSet {
        Projected(SeriesSetPtr all, const model::LabelProjection& wanted) : set(std::move(all)) {
            for (std::size_t i = 0; i < set.count(); ++i) {
                wanted.copy(set.labels(i), kept.emplace_back());
            }
        }
        [[nodiscard]] std::size_t count() const override { return set.count(); }
        [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
            return model::LabelsView::from_canonical(kept[index]);
        }
        [[nodiscard]] rpc::SeriesId id(std::size_t index) const override { return set.id(index); }
        Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch)
            override {
            return set.load(first, count, batch);
        }
        rpc::OrderedByIdSet set;
        std::vector<std::string> kept;
    };

    [[nodiscard]] SeriesSetPtr as_sent(SeriesSetPtr set, const rpc::SelectionHints& hints) const {
        if (!knows_projections) return std::make_unique<rpc::OrderedSeriesSet>(std::move(set));
        if (hints.labels != nullptr) {
            return std::make_unique<Projected>(std::move(set), *hints.labels);
        }
        if (hints.any_order) return set;
        return std::make_unique<rpc::OrderedSeriesSet>(std::move(set));
    }

    Series& series_of(const model::Labels& labels) {
        for (Series& series : series_) {
            if (series.labels == labels) return series;
        }
        return series_.emplace_back(Series{labels, {}});
    }

    template <class T>
    void tell(T answer, rpc::Done<T> done) {
        ++asked;
        if (does == Does::fails) {
            return done(fail(ErrorKind::unavailable, "connection refused"));
        }
        if (does == Does::says_nothing) {
            untold_.push_back([done = std::move(done)] {});
            return;
        }
        done(std::move(answer));
    }

    const Place place_;
    std::deque<Series> series_;
    std::vector<std::function<void()>> untold_;
};

}  // namespace mimir::test
