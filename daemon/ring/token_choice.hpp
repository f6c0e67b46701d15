#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/types.hpp"

namespace mimir::ring {

/// A member that has tokens already.
struct TokenOwner {
    /// Sorted.
    std::span<const Token> tokens;
    /// Whether it shares the work with who is choosing: with zone awareness, those of one zone do.
    bool shares = true;
};

/// Chooses `count` tokens that no owner has, so that afterwards all who share own as equal parts as
/// can be: each token takes its piece from whoever owns most for its number of tokens. Someone who
/// has `present` tokens already keeps them and gets `count` more.
/// The same owners, in the same order, and the same random numbers give the same tokens.
/// Sorted, unique. Cost: n log n in the number of all tokens.
/// Source: docs/adr/0012-hash-rings.md.
std::vector<Token> choose_tokens(
    std::span<const TokenOwner> owners,
    std::span<const Token> present,
    std::size_t count,
    Random& random
);

}  // namespace mimir::ring
