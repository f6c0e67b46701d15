#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mimir::tsdb::detail {

/// Finds numbered things (slots) by a hash: open addressing, linear probing, 8 bytes an entry, at most three quarters
/// full. An entry is 32 bits of hash and the slot; whether a slot is the wanted one, the caller says.
/// Threads: one at a time.
class SlotTable {
  public:
    static constexpr std::uint32_t kNone = 0xFFFFFFFF;

    SlotTable() : entries_(kEntriesMin, kEmpty) {}

    void prefetch(std::uint32_t hash) const { __builtin_prefetch(&entries_[hash & mask()]); }

    /// The first slot under this hash for which matches(slot) holds, or kNone.
    template <class Matches>
    [[nodiscard]] std::uint32_t find(std::uint32_t hash, Matches&& matches) const {
        for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
            const std::uint64_t entry = entries_[at];
            if (entry == kEmpty) return kNone;
            if (hash_of(entry) == hash && matches(slot_of(entry))) return slot_of(entry);
        }
    }

    /// The slot must not be in the table.
    void insert(std::uint32_t hash, std::uint32_t slot) {
        if ((size_ + 1) * 4 > entries_.size() * 3) grow();
        place(std::uint64_t{hash} << 32 | slot);
        ++size_;
    }

    /// The slot must be in the table, under this hash.
    void erase(std::uint32_t hash, std::uint32_t slot);

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const { return entries_.capacity() * sizeof(entries_[0]); }

  private:
    static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};  // slot kNone
    static constexpr std::size_t kEntriesMin = 16;              // a power of two, like every size

    [[nodiscard]] std::size_t mask() const { return entries_.size() - 1; }
    static std::uint32_t hash_of(std::uint64_t entry) {
        return static_cast<std::uint32_t>(entry >> 32);
    }
    static std::uint32_t slot_of(std::uint64_t entry) { return static_cast<std::uint32_t>(entry); }
    void place(std::uint64_t entry) {
        std::size_t at = hash_of(entry) & mask();
        while (entries_[at] != kEmpty) at = (at + 1) & mask();
        entries_[at] = entry;
    }
    void grow();

    std::vector<std::uint64_t> entries_;
    std::size_t size_ = 0;
};

}  // namespace mimir::tsdb::detail
