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

/// The set's series in that order, as their indices.
std::vector<std::uint32_t> series_order(const chunkenc::SeriesSet& set);

/// Whether the set's series are in that order: as those of all sets are that come from other processes, and must be
/// loaded forward. Cost: where they are not, most often a hash of the first few.
bool is_in_series_order(const chunkenc::SeriesSet& set);

}  // namespace mimir::rpc
