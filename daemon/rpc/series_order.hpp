#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "chunkenc/series_set.hpp"
#include "model/labels.hpp"

namespace mimir::rpc {

/// The order in which ingesters send the series of a selection, the same in every process, so that
/// selections of several are merged as they come. XXH3-64 of the canonical bytes, without a secret: labels that
/// collide are only slower, being told apart by their bytes.
struct SeriesKey {
    std::uint64_t hash = 0;
    model::LabelsView labels;

    /// As long as the labels are valid.
    static SeriesKey of(model::LabelsView labels);

    bool operator==(const SeriesKey& other) const {
        return hash == other.hash && labels == other.labels;
    }
    std::strong_ordering operator<=>(const SeriesKey& other) const {
        if (const auto order = hash <=> other.hash; order != 0) return order;
        return labels.bytes() <=> other.labels.bytes();
    }
};

/// Stands for a series where its labels are not all there: XXH3-128 of the canonical bytes, without a secret. Equal
/// ids are taken for one series: two of a billion collide with probability 1e-21.
struct SeriesId {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static SeriesId of(model::LabelsView labels);

    auto operator<=>(const SeriesId&) const = default;
};

/// Series of which labels may be missing, in the order of their ids.
class IdentifiedSeriesSet : public chunkenc::SeriesSet {
  public:
    [[nodiscard]] virtual SeriesId id(std::size_t index) const = 0;
};

/// The set's series in the order of SeriesKey, as their indices.
std::vector<std::uint32_t> series_order(const chunkenc::SeriesSet& set);

/// Whether the set's series are in that order: as those of all sets are that come from other processes, and must be
/// loaded forward. Cost: where they are not, most often a hash of the first few.
bool is_in_series_order(const chunkenc::SeriesSet& set);

}  // namespace mimir::rpc
