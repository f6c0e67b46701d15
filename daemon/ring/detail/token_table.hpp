#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace mimir::ring::detail {

/// A member's place in a table, which it keeps while others come and go.
using Slot = std::uint32_t;

struct Placed {
    Token token;
    Slot slot;

    auto operator<=>(const Placed&) const = default;
};

/// All tokens of a ring with their owners, in buckets by their high bits. Immutable: a change makes
/// a new table that shares every bucket without a changed token.
/// Two members with one token are both there, in the order of `rank`, the first of which owns.
class TokenTable {
  public:
    TokenTable() : TokenTable(std::vector<Placed>{}) {}
    /// `sorted` by token, equal ones as they shall stand.
    explicit TokenTable(std::vector<Placed> sorted);

    /// What one change cost.
    struct Cost {
        std::size_t buckets = 0;  ///< Made anew.
        std::size_t entries = 0;  ///< In these.
        bool rebuilt = false;     ///< The ring outgrew, or no longer filled, its buckets.
    };
    struct Changed;
    /// Takes `removed` out and puts `added` in, both sorted. `rank` of a slot decides between equal
    /// tokens, the lower first.
    [[nodiscard]] Changed changed(
        std::span<const Placed> removed,
        std::span<const Placed> added,
        const std::vector<std::uint32_t>& rank
    ) const;

    [[nodiscard]] std::size_t size() const { return size_; }

    /// Calls visit(slot) for the owners of tokens greater than `token`, clockwise and once around,
    /// until it returns false. Never allocates.
    template <class Visit>
    void walk(Token token, Visit visit) const;
    /// Calls visit(placed) for every token in order.
    template <class Visit>
    void each(Visit visit) const;

  private:
    struct Bucket {
        std::shared_ptr<const Placed[]> placed;
        std::size_t size = 0;

        [[nodiscard]] const Placed* begin() const { return placed.get(); }
        [[nodiscard]] const Placed* end() const { return placed.get() + size; }
    };
    [[nodiscard]] std::size_t bucket_of(Token token) const {
        return static_cast<std::uint64_t>(token) >> (32 - bits_);
    }

    int bits_ = 0;
    std::size_t size_ = 0;
    std::vector<Bucket> buckets_;
};

struct TokenTable::Changed {
    TokenTable table;
    Cost cost;
};

template <class Visit>
void TokenTable::walk(Token token, Visit visit) const {
    const std::size_t first = bucket_of(token);
    const Bucket& bucket = buckets_[first];
    // The first greater one.
    const Placed* split = bucket.begin();
    for (std::size_t left = bucket.size; left > 0;) {
        const std::size_t half = left / 2;
        if (split[half].token <= token) {
            split += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    for (const Placed* at = split; at != bucket.end(); ++at) {
        if (!visit(at->slot)) return;
    }
    for (std::size_t i = 1; i < buckets_.size(); ++i) {
        const std::size_t next = first + i;
        const Bucket& other = buckets_[next < buckets_.size() ? next : next - buckets_.size()];
        for (const Placed* at = other.begin(); at != other.end(); ++at) {
            if (!visit(at->slot)) return;
        }
    }
    for (const Placed* at = bucket.begin(); at != split; ++at) {
        if (!visit(at->slot)) return;
    }
}

template <class Visit>
void TokenTable::each(Visit visit) const {
    for (const Bucket& bucket : buckets_) {
        for (const Placed* at = bucket.begin(); at != bucket.end(); ++at) visit(*at);
    }
}

}  // namespace mimir::ring::detail
