#pragma once

#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "promql/queryable.hpp"

namespace mimir::test {

/// Series in memory, as chunks given one by one; notes what is asked of it.
class CountingStorage final : public promql::Queryable {
  public:
    struct Sample {
        std::int64_t seconds;
        double value;
    };

    /// Adds a chunk to a series; chunks of one series may overlap.
    void add_chunk(std::string_view labels, const std::vector<Sample>& samples);
    /// Adds a series of a sample every 15 seconds from 0 on: 0, 1, 2, ...
    void add_counter(std::string_view labels, std::size_t samples);

    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const model::Matchers& matchers, TimeRange range
    ) override;
    Result<std::unique_ptr<chunkenc::SeriesSet>> select_projected(
        const model::Matchers& matchers, TimeRange range, const model::LabelProjection& labels
    ) override {
        projections.push_back(labels.names());
        return select(matchers, range);
    }

    std::vector<TimeRange> ranges;  ///< Of the selections so far.
    /// Labels that were said to be enough, of the selections that said so.
    std::vector<std::vector<std::string>> projections;
    std::size_t loads = 0;  ///< Batches loaded.
    CancellationToken* cancel_on_load = nullptr;

  private:
    struct Chunk {
        TimeRange range;
        std::string data;
    };
    struct Series {
        model::Labels labels;
        std::vector<Chunk> chunks;
    };
    class Set;

    std::vector<Series> series_;
};

}  // namespace mimir::test
