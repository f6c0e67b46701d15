#include "tsdb/head/detail/postings_list.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace mimir::tsdb::detail {

void PostingsList::append(std::uint32_t series, CountedMemory& memory) {
    if (size_ == capacity_) set_capacity(size_ + size_ / 4 + 2, memory);
    std::uint32_t* all = data();
    if (size_ > 0 && all[size_ - 1] > series) unsorted_ = 1;
    all[size_++] = series;
}

std::span<const std::uint32_t> PostingsList::sorted() {
    std::uint32_t* const begin = data();
    std::uint32_t* const end = begin + size_;
    if (unsorted_) {
        // A few ascending runs: the old list, and the numbers handed out again after each clean-up.
        std::uint32_t* run = std::is_sorted_until(begin, end);
        while (run != end) {
            std::uint32_t* const run_end = std::is_sorted_until(run, end);
            const std::vector<std::uint32_t> earlier(begin, run);
            std::merge(earlier.begin(), earlier.end(), run, run_end, begin);
            run = run_end;
        }
        unsorted_ = 0;
    }
    return {begin, end};
}

void PostingsList::clear(CountedMemory& memory) {
    if (capacity_ > kInline) memory.release(heap_, capacity_ * sizeof(std::uint32_t));
    *this = {};
}

void PostingsList::set_capacity(std::uint32_t wanted, CountedMemory& memory) {
    std::uint32_t capacity = kInline;
    if (wanted > kInline) {
        capacity = static_cast<std::uint32_t>(
            CountedMemory::capacity(wanted * sizeof(std::uint32_t)) / sizeof(std::uint32_t)
        );
    }
    if (capacity == capacity_) return;
    std::uint32_t* const old = data();
    std::uint32_t* const old_heap = capacity_ > kInline ? heap_ : nullptr;
    if (capacity > kInline) {
        auto* fresh =
            static_cast<std::uint32_t*>(memory.allocate(capacity * sizeof(std::uint32_t)));
        std::memcpy(fresh, old, size_ * sizeof(std::uint32_t));
        heap_ = fresh;
    } else {
        std::uint32_t few[kInline] = {};
        std::memcpy(few, old, size_ * sizeof(std::uint32_t));
        std::memcpy(inline_, few, sizeof(few));
    }
    if (old_heap != nullptr) memory.release(old_heap, capacity_ * sizeof(std::uint32_t));
    capacity_ = capacity;
}

}  // namespace mimir::tsdb::detail
