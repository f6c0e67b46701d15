#include "ring/token_choice.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <queue>
#include <unordered_set>
#include <utility>

#include "base/assert.hpp"

namespace mimir::ring {
namespace {

constexpr std::uint64_t kRing = std::uint64_t{1} << 32;

/// The part of the ring before a token, which its owner owns: [end - length, end).
struct Gap {
    std::uint32_t end;
    std::uint64_t length;
};

/// Of one who shares the work.
struct Load {
    std::uint64_t owned = 0;
    std::size_t tokens = 0;
    std::vector<Gap> gaps;

    [[nodiscard]] double per_token() const {
        return static_cast<double>(owned) / static_cast<double>(tokens);
    }
};

/// Every token on the ring in order, each with the position of its owner.
class Placed {
  public:
    Placed(std::span<const TokenOwner> owners, std::span<const Token> present) {
        for (std::size_t i = 0; i < owners.size(); ++i) append(owners[i].tokens, i);
        append(present, owners.size());
        std::ranges::sort(placed_);
    }
    [[nodiscard]] std::size_t size() const { return placed_.size(); }
    [[nodiscard]] std::uint32_t token(std::size_t i) const {
        return static_cast<std::uint32_t>(placed_[i] >> 32);
    }
    [[nodiscard]] std::uint32_t owner(std::size_t i) const {
        return static_cast<std::uint32_t>(placed_[i]);
    }
    [[nodiscard]] bool has(std::uint32_t token) const {
        const auto at = std::ranges::lower_bound(placed_, std::uint64_t{token} << 32);
        return at != placed_.end() && *at >> 32 == token;
    }

  private:
    void append(std::span<const Token> tokens, std::uint64_t owner) {
        for (const Token token : tokens) {
            placed_.push_back(std::uint64_t{static_cast<std::uint32_t>(token)} << 32 | owner);
        }
    }
    // Token in the high half, owner in the low one: numbers are sorted faster than structs.
    std::vector<std::uint64_t> placed_;
};

/// What must not be chosen any more.
class Taken {
  public:
    explicit Taken(const Placed& placed) : placed_(placed) {}
    [[nodiscard]] bool has(std::uint32_t token) const {
        return chosen_.contains(token) || placed_.has(token);
    }
    void add(std::uint32_t token) { chosen_.insert(token); }

  private:
    const Placed& placed_;
    std::unordered_set<std::uint32_t> chosen_;
};

/// What each sharer owns while only sharers are looked at. The last load is the chooser's own.
std::vector<Load> loads_of(const Placed& placed, std::span<const TokenOwner> owners) {
    const auto shares = [&](std::uint32_t owner) {
        return owner == owners.size() || owners[owner].shares;
    };
    std::vector<Load> loads(owners.size() + 1);
    std::optional<std::uint32_t> last;
    for (std::size_t i = placed.size(); i-- > 0 && !last;) {
        if (shares(placed.owner(i))) last = placed.token(i);
    }
    if (!last) return loads;
    std::uint32_t before = *last;
    bool first = true;
    for (std::size_t i = 0; i < placed.size(); ++i) {
        if (!shares(placed.owner(i))) continue;
        const std::uint32_t end = placed.token(i);
        std::uint64_t length = std::uint32_t{end - before};
        // Alone on the ring, a token owns all of it.
        if (first && end == *last) length = kRing;
        Load& load = loads[placed.owner(i)];
        load.gaps.push_back({end, length});
        load.owned += length;
        ++load.tokens;
        before = end;
        first = false;
    }
    return loads;
}

/// One token in each of `count` equal slots: even, and even as well beside another who did the same.
void choose_alone(std::size_t count, Taken& taken, Random& random, std::vector<Token>& chosen) {
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t begin = kRing * i / count;
        const std::uint64_t end = kRing * (i + 1) / count;
        std::uint32_t token = 0;
        do {
            token = static_cast<std::uint32_t>(begin + random.below(end - begin));
        } while (taken.has(token));
        taken.add(token);
        chosen.push_back(Token{token});
    }
}

/// A gap that can give the piece, picked at random, so that two who choose at the same time seldom
/// pick the same one; the longest when there is none.
Gap& pick_gap(Load& load, std::uint64_t piece, Random& random) {
    constexpr int kTries = 16;
    for (int i = 0; i < kTries; ++i) {
        Gap& gap = load.gaps[random.below(load.gaps.size())];
        if (gap.length > piece + piece / 4) return gap;
    }
    return *std::ranges::max_element(load.gaps, {}, &Gap::length);
}

class Chooser {
  public:
    Chooser(std::vector<Load> loads, Taken& taken, Random& random)
        : loads_(std::move(loads)), taken_(taken), random_(random) {
        for (std::size_t i = 0; i + 1 < loads_.size(); ++i) {
            total_tokens_ += loads_[i].tokens;
            if (loads_[i].tokens != 0) largest_.push({loads_[i].per_token(), i});
        }
    }

    /// False when the ring has no room left.
    bool choose(std::size_t count, std::vector<Token>& chosen) {
        Load& own = loads_.back();
        const std::size_t tokens = own.tokens + count;
        const double share =
            static_cast<double>(tokens) / static_cast<double>(total_tokens_ + tokens);
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(kRing));
        for (std::size_t left = count; left > 0; --left) {
            const std::uint64_t missing = wanted > own.owned ? wanted - own.owned : 0;
            if (!take(std::max<std::uint64_t>(missing / left, 1), left, chosen)) return false;
        }
        return true;
    }

  private:
    bool take(std::uint64_t piece, std::size_t left, std::vector<Token>& chosen) {
        while (!largest_.empty()) {
            const std::size_t owner = largest_.top().second;
            largest_.pop();
            Load& load = loads_[owner];
            Gap& gap = pick_gap(load, piece, random_);
            if (!split(load, gap, piece, left, chosen)) continue;
            largest_.push({load.per_token(), owner});
            return true;
        }
        return false;
    }
    /// Puts a token into the gap, which gives up what is before it.
    bool split(
        Load& load, Gap& gap, std::uint64_t piece, std::size_t left, std::vector<Token>& chosen
    ) {
        if (gap.length < 2) return false;
        // Not the same length for two who choose at the same time. What is too much or too little
        // here, the next pieces make good.
        const std::uint64_t spread = left > 1 ? piece / 4 : 0;
        std::uint64_t length = piece - spread / 2 + random_.below(spread + 1);
        if (length >= gap.length) length = gap.length / 2;
        const auto begin = static_cast<std::uint32_t>(gap.end - gap.length);
        auto token = static_cast<std::uint32_t>(begin + length);
        while (length > 0 && taken_.has(token)) {
            --length;
            --token;
        }
        if (length == 0) return false;
        taken_.add(token);
        chosen.push_back(Token{token});
        gap.length -= length;
        load.owned -= length;
        loads_.back().owned += length;
        return true;
    }

    std::vector<Load> loads_;
    Taken& taken_;
    Random& random_;
    std::size_t total_tokens_ = 0;
    std::priority_queue<std::pair<double, std::size_t>> largest_;
};

}  // namespace

std::vector<Token> choose_tokens(
    std::span<const TokenOwner> owners,
    std::span<const Token> present,
    std::size_t count,
    Random& random
) {
    MIMIR_ASSERT(count < kRing / 2, "there are enough tokens to choose from");
    std::vector<Token> chosen;
    if (count == 0) return chosen;
    chosen.reserve(count);
    const Placed placed(owners, present);
    Taken taken(placed);
    Chooser chooser(loads_of(placed, owners), taken, random);
    if (!chooser.choose(count, chosen)) {
        choose_alone(count - chosen.size(), taken, random, chosen);
    }
    std::ranges::sort(chosen);
    return chosen;
}

}  // namespace mimir::ring
