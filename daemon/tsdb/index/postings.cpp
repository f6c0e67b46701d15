#include "tsdb/index/postings.hpp"

#include <algorithm>
#include <bit>
#include <iterator>

namespace mimir::tsdb {
namespace {

/// The first element >= wanted: doubling steps, then binary search, so that near targets are found
/// at once.
PostingsView::iterator gallop(
    PostingsView::iterator from, PostingsView::iterator end, std::uint32_t wanted
) {
    std::ptrdiff_t step = 1;
    while (end - from > step && from[step] < wanted) {
        from += step;
        step *= 2;
    }
    return std::lower_bound(from, end - from > step ? from + step + 1 : end, wanted);
}

/// Keeps the elements whose being in `other` equals `wanted`.
void keep_where(Postings& postings, PostingsView other, bool wanted) {
    auto at = other.begin();
    std::erase_if(postings, [&](std::uint32_t series) {
        at = gallop(at, other.end(), series);
        return (at != other.end() && *at == series) != wanted;
    });
}

void unite_by_bitmap(Postings& runs, std::uint32_t min, std::uint32_t max) {
    std::vector<std::uint64_t> bits((max - min) / 64 + std::size_t{1});
    for (const std::uint32_t series : runs) {
        bits[(series - min) / 64] |= std::uint64_t{1} << ((series - min) % 64);
    }
    runs.clear();
    for (std::size_t word = 0; word < bits.size(); ++word) {
        for (std::uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
            const auto bit = static_cast<std::uint32_t>(std::countr_zero(rest));
            runs.push_back(min + static_cast<std::uint32_t>(word * 64) + bit);
        }
    }
}

void unite_by_merging(Postings& runs, std::span<const std::size_t> run_begins) {
    std::vector<std::size_t> bounds(run_begins.begin(), run_begins.end());
    bounds.push_back(runs.size());
    Postings merged;
    while (bounds.size() > 2) {  // each pass merges neighbours, halving the number of runs
        merged.clear();
        std::vector<std::size_t> merged_bounds = {0};
        for (std::size_t run = 0; run + 1 < bounds.size(); run += 2) {
            const std::size_t begin = bounds[run];
            const std::size_t middle = bounds[run + 1];
            const std::size_t end = bounds[std::min(run + 2, bounds.size() - 1)];
            const PostingsView first = PostingsView(runs).subspan(begin, middle - begin);
            const PostingsView second = PostingsView(runs).subspan(middle, end - middle);
            std::set_union(
                first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(merged)
            );
            merged_bounds.push_back(merged.size());
        }
        runs.swap(merged);
        bounds.swap(merged_bounds);
    }
}

}  // namespace

void intersect(Postings& postings, PostingsView other) {
    if (other.size() >= postings.size()) return keep_where(postings, other, true);
    // The shorter list drives the search.
    Postings kept(other.begin(), other.end());
    keep_where(kept, postings, true);
    postings = std::move(kept);
}

void subtract(Postings& postings, PostingsView other) { keep_where(postings, other, false); }

void unite_runs(Postings& runs, std::span<const std::size_t> run_begins) {
    if (run_begins.size() < 2 || runs.empty()) return;
    const auto [min, max] = std::minmax_element(runs.begin(), runs.end());
    // A bitmap costs a word for 64 references, merging a pass or more over all of them.
    const bool dense = (*max - *min) / 64 <= runs.size();
    if (dense) {
        unite_by_bitmap(runs, *min, *max);
    } else {
        unite_by_merging(runs, run_begins);
    }
}

}  // namespace mimir::tsdb
