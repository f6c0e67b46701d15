#pragma once

// Sets of series, as sorted lists of their references: what an inverted index stores and a
// selection computes with.

#include <cstdint>
#include <span>
#include <vector>

namespace mimir::tsdb {

/// References of series, ascending, each once. In a head they are SeriesRefs, in a block positions
/// in its index.
using Postings = std::vector<std::uint32_t>;
using PostingsView = std::span<const std::uint32_t>;

/// Keeps what is also in `other`.
/// Cost: linear in the shorter list times the logarithm of how much longer the other one is.
void intersect(Postings& postings, PostingsView other);

/// Removes what is in `other`. Cost: as intersect.
void subtract(Postings& postings, PostingsView other);

/// Brings runs that lie back to back in one vector (each a list of postings, `run_begins` their
/// first indices, ascending) into one list. Cost: linear for dense lists, else n log(runs).
void unite_runs(Postings& runs, std::span<const std::size_t> run_begins);

}  // namespace mimir::tsdb
