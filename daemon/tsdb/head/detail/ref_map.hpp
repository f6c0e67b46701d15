#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tsdb/wal/records.hpp"

namespace mimir::tsdb::detail {

/// From the log's series numbers to 32 bits of the caller's; for replay, where every sample is looked up. Numbers
/// count up, and those of one request are near to one another: a table with a page for each 256 of them.
class RefMap {
  public:
    static constexpr std::uint32_t kNone = 0xFFFFFFFF;

    [[nodiscard]] std::uint32_t find(WalRef ref) const {
        const std::uint64_t page = ref / kPageRefs;
        if (page < pages_.size() && pages_[page]) [[likely]]
            return (*pages_[page])[ref % kPageRefs];
        if (ref < kPagedMax) return kNone;
        const auto found = others_.find(ref);
        return found == others_.end() ? kNone : found->second;
    }

    /// Replaces the value of a known number.
    void set(WalRef ref, std::uint32_t value) {
        if (ref >= kPagedMax) {
            others_[ref] = value;
            return;
        }
        const std::uint64_t page = ref / kPageRefs;
        if (page >= pages_.size()) pages_.resize(page + 1);
        if (!pages_[page]) {
            pages_[page] = std::make_unique<Page>();
            std::ranges::fill(*pages_[page], kNone);
        }
        (*pages_[page])[ref % kPageRefs] = value;
    }

  private:
    static constexpr std::uint64_t kPageRefs = 256;
    static constexpr WalRef kPagedMax = WalRef{1} << 31;  // 64 MiB of pointers to pages
    using Page = std::array<std::uint32_t, kPageRefs>;

    std::vector<std::unique_ptr<Page>> pages_;
    std::unordered_map<WalRef, std::uint32_t> others_;
};

}  // namespace mimir::tsdb::detail
