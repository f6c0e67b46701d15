#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "chunkenc/series_set.hpp"
#include "rpc/series_order.hpp"

namespace mimir::rpc {

/// The series of several sets as one, each label set once, with the chunks of all sets that have it; chunks
/// that are the same in several sets only once, so that replicas do not cost decoding. In the order of
/// SeriesKey, in which the sets must be. Loads must go forward.
/// Errors: that of any set: what it would have given may be missing in the others.
/// Cost: on construction a hash of every label set, and 12 bytes for each; a load holds that of each set.
class MergedSeriesSet final : public chunkenc::SeriesSet {
  public:
    explicit MergedSeriesSet(std::vector<std::unique_ptr<chunkenc::SeriesSet>> sets);
    /// Of sets that may lack labels: by their ids, and in the order of these.
    explicit MergedSeriesSet(std::vector<std::unique_ptr<IdentifiedSeriesSet>> sets);

    [[nodiscard]] std::size_t count() const override { return begins_.size() - 1; }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        const Source& source = sources_[begins_[index]];
        return inputs_[source.input].set->labels(source.index);
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override;

  private:
    struct Input {
        std::unique_ptr<chunkenc::SeriesSet> set;
        std::shared_ptr<chunkenc::ChunkBatch> loaded = {};
        std::uint32_t loaded_begin = 0;
    };
    /// A series of one of the sets.
    struct Source {
        std::uint32_t input;
        std::uint32_t index;
    };

    /// Merges by `key_of(set, index)`.
    template <class Set, class KeyOf>
    void merge(std::vector<std::unique_ptr<Set>> sets, KeyOf key_of);
    [[nodiscard]] std::span<const Source> sources(std::size_t first, std::size_t count) const {
        const std::size_t begin = begins_[first];
        return std::span(sources_).subspan(begin, begins_[first + count] - begin);
    }
    Result<void> load_inputs(std::span<const Source> wanted, chunkenc::ChunkBatch& batch);
    void add_chunks(std::span<const Source> of_series, chunkenc::ChunkBatch& batch);

    std::vector<Input> inputs_;
    std::vector<Source> sources_;        // by merged series
    std::vector<std::uint32_t> begins_;  // of each merged series in sources_, and the end
    std::vector<chunkenc::ChunkView> chunks_;
};

}  // namespace mimir::rpc
