#include "tsdb/head/detail/head_series.hpp"

#include <algorithm>

namespace mimir::tsdb::detail {

std::uint32_t SeriesSlab::take() {
    if (!free_.empty()) {
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        return slot;
    }
    if (bound_ % kPageSeries == 0) pages_.push_back(std::make_unique<HeadSeries[]>(kPageSeries));
    return bound_++;
}

void SeriesSlab::give_back(std::span<const std::uint32_t> slots) {
    for (const std::uint32_t slot : slots) (*this)[slot] = {};
    free_.insert(free_.end(), slots.begin(), slots.end());
    std::ranges::sort(free_, std::greater{});
}

std::size_t SeriesSlab::bytes() const {
    return pages_.size() * kPageSeries * sizeof(HeadSeries) +
           free_.capacity() * sizeof(std::uint32_t);
}

}  // namespace mimir::tsdb::detail
