#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "model/exemplar.hpp"
#include "rpc/ingester_client.hpp"

// What several ingesters answer, as one answer. A single answer stays as it is.

namespace mimir::querier {

/// All elements one after the other, moved.
template <class T>
std::vector<T> concatenate(std::vector<std::vector<T>> answers) {
    std::vector<T> all = std::move(answers.front());
    for (std::size_t i = 1; i < answers.size(); ++i) {
        all.insert(
            all.end(), std::move_iterator(answers[i].begin()), std::move_iterator(answers[i].end())
        );
    }
    return all;
}

/// Of sorted answers: sorted, unique.
template <class T>
std::vector<T> merge_sorted(std::vector<std::vector<T>> answers) {
    const bool single = answers.size() == 1;
    std::vector<T> all = concatenate(std::move(answers));
    if (single) return all;
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

/// Each series once, sorted; its exemplars by time, each once.
std::vector<model::SeriesExemplars> merge_exemplars(
    std::vector<std::vector<model::SeriesExemplars>> answers
);

/// Sorted by metric; each variant of its metadata once, within the query's limits.
std::vector<model::MetricMetadata> merge_metadata(
    std::vector<std::vector<model::MetricMetadata>> answers, const rpc::MetadataQuery& query
);

}  // namespace mimir::querier
