#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "tsdb/wal/records.hpp"

namespace mimir::tsdb::detail {

/// From the log's series numbers to 32 bits of the caller's; for replay, where every sample is looked up.
/// Open addressing, at most half full. Numbers count up, so that multiplication spreads them well.
class RefMap {
  public:
    static constexpr std::uint32_t kNone = 0xFFFFFFFF;

    RefMap() : entries_(std::size_t{1} << 10) {}

    [[nodiscard]] std::uint32_t find(WalRef ref) const {
        for (std::size_t at = home(ref);; at = (at + 1) & (entries_.size() - 1)) {
            if (entries_[at].value == kNone) return kNone;
            if (entries_[at].ref == ref) return entries_[at].value;
        }
    }

    /// Replaces the value of a known number.
    void set(WalRef ref, std::uint32_t value) {
        if (size_ * 2 >= entries_.size()) grow();
        for (std::size_t at = home(ref);; at = (at + 1) & (entries_.size() - 1)) {
            if (entries_[at].value == kNone) ++size_;
            if (entries_[at].value == kNone || entries_[at].ref == ref) {
                entries_[at] = {ref, value};
                return;
            }
        }
    }

  private:
    struct Entry {
        WalRef ref = 0;
        std::uint32_t value = kNone;
    };

    [[nodiscard]] std::size_t home(WalRef ref) const {
        return (ref * 0x9E3779B97F4A7C15) >> (64 - std::bit_width(entries_.size() - 1));
    }
    void grow() {
        std::vector<Entry> old(entries_.size() * 2);
        old.swap(entries_);
        size_ = 0;
        for (const Entry& entry : old) {
            if (entry.value != kNone) set(entry.ref, entry.value);
        }
    }

    std::vector<Entry> entries_;  // a power of two
    std::size_t size_ = 0;
};

}  // namespace mimir::tsdb::detail
