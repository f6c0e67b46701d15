#pragma once

// Whose turn is next among tenants that share the threads of a pool. What always holds:
//   - of those who wait, the tenant that has used the least is next; of equals, the one whose turn was longest ago;
//   - what a tenant uses counts as often as it has jobs here, up to four times: one query at a time goes before a crowd;
//   - no tenant is behind the one that used the most by more than a credit, however long it used nothing: so a newcomer
//     goes first, but can keep others waiting only for as long as that lasts;
//   - a tenant's own jobs take turns, first in, first out.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mimir::runtime {

/// Threads: none of its own; to be guarded. Cost: linear in the tenants that have jobs here.
class TurnOrder {
  public:
    using Time = std::chrono::nanoseconds;

    /// How far behind a tenant can be.
    static constexpr Time kCredit = std::chrono::milliseconds(250);
    /// A turn goes to another tenant when that one is behind by so much: switching for less costs more than it gives.
    static constexpr Time kMargin = std::chrono::milliseconds(2);
    /// A turn goes to another job of the same tenant after so long.
    static constexpr Time kSlice = std::chrono::milliseconds(10);
    static constexpr std::size_t kWeightMax = 4;

    struct Share;
    /// Who waits for a turn, in the queue of its tenant.
    class Waiter {
      public:
        Waiter() = default;
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;

      private:
        friend class TurnOrder;
        Waiter* next_ = nullptr;
    };
    /// A job that has not begun needs a thread besides the turn.
    enum class Kind { not_begun, begun };
    struct Next {
        Waiter* waiter = nullptr;
        Kind kind = Kind::begun;
    };

    TurnOrder();
    ~TurnOrder();

    /// One more job of the tenant is here, until leave().
    Share& enter(std::string_view tenant);
    void leave(Share& share);

    void add(Share& share, Waiter& waiter, Kind kind);
    /// One that has begun, and waits.
    void remove(Share& share, Waiter& waiter);
    /// Who is next, if anybody is. `threads`: whether one is free for a job that has not begun.
    Next take(bool threads);
    /// The tenant's jobs have used so much more of the processors.
    void charge(Share& share, Time used);
    /// Whether a job that has had its turn for so long is to hand it on.
    [[nodiscard]] bool gives_way(const Share& share, Time had, bool threads) const;

    [[nodiscard]] std::size_t waiting(Kind kind) const {
        return waiting_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] bool is_empty() const { return waiting_[0] + waiting_[1] == 0; }
    /// Tenants that are known.
    [[nodiscard]] std::size_t tenants() const { return shares_.size(); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    [[nodiscard]] Share* first(bool threads) const;
    [[nodiscard]] Time used(const Share& share) const;
    void forget_idle();

    std::unordered_map<std::string, std::unique_ptr<Share>, Hash, std::equal_to<>> shares_;
    std::vector<Share*> active_;  // those that have jobs here
    std::size_t waiting_[2] = {0, 0};
    Time most_{0};  // that a tenant has used
    std::uint64_t turns_ = 0;
};

}  // namespace mimir::runtime
