#include "tsdb/head/detail/slot_table.hpp"

#include <utility>

namespace mimir::tsdb::detail {

void SlotTable::erase(std::uint32_t hash, std::uint32_t slot) {
    const std::uint64_t wanted = std::uint64_t{hash} << 32 | slot;
    std::size_t hole = hash & mask();
    while (entries_[hole] != wanted) hole = (hole + 1) & mask();
    // Entries behind the hole move up, unless that would put them before where their search begins.
    for (std::size_t at = (hole + 1) & mask(); entries_[at] != kEmpty; at = (at + 1) & mask()) {
        const std::size_t home = hash_of(entries_[at]) & mask();
        if (((at - home) & mask()) >= ((at - hole) & mask())) {
            entries_[hole] = entries_[at];
            hole = at;
        }
    }
    entries_[hole] = kEmpty;
    --size_;
}

void SlotTable::grow() {
    std::vector<std::uint64_t> old(entries_.size() * 2, kEmpty);
    old.swap(entries_);
    for (const std::uint64_t entry : old) {
        if (entry != kEmpty) place(entry);
    }
}

}  // namespace mimir::tsdb::detail
