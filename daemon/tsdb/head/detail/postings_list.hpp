#pragma once

#include <cstdint>
#include <span>

#include "tsdb/head/detail/counted_memory.hpp"

namespace mimir::tsdb::detail {

/// The series that have one label, in 16 bytes; up to two of them need no more. Series are appended as they are
/// created. Numbers of removed series are used again, so that the list may be out of order until it is next read.
/// The allocator is the same for all calls; clear() must come before the end.
class PostingsList {
  public:
    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    void append(std::uint32_t series, CountedMemory& memory);
    /// Ascending. Valid until the next change.
    [[nodiscard]] std::span<const std::uint32_t> sorted();
    /// Removes the series for which is_dead(series) holds.
    template <class IsDead>
    void remove_if(IsDead&& is_dead, CountedMemory& memory);
    void clear(CountedMemory& memory);
    /// Where the next append will write, to be fetched early.
    void prefetch_end() const {
        if (capacity_ > kInline) __builtin_prefetch(heap_ + size_, 1);
    }

  private:
    static constexpr std::uint32_t kInline = 2;

    [[nodiscard]] std::uint32_t* data() { return capacity_ > kInline ? heap_ : inline_; }
    void set_capacity(std::uint32_t capacity, CountedMemory& memory);

    union {
        std::uint32_t inline_[kInline] = {};
        std::uint32_t* heap_;
    };
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ : 31 = kInline;
    std::uint32_t unsorted_ : 1 = 0;
};
static_assert(sizeof(PostingsList) == 16);

template <class IsDead>
void PostingsList::remove_if(IsDead&& is_dead, CountedMemory& memory) {
    std::uint32_t kept = 0;
    std::uint32_t* all = data();
    for (std::uint32_t i = 0; i < size_; ++i) {
        if (!is_dead(all[i])) all[kept++] = all[i];
    }
    size_ = kept;
    if (capacity_ > kInline && size_ < capacity_ / 2) set_capacity(size_, memory);
}

}  // namespace mimir::tsdb::detail
