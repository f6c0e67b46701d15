#include "runtime/turn_order.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace mimir::runtime {
namespace {

/// So many tenants are remembered that have no jobs here, whatever they used.
constexpr std::size_t kTenantsMax = 1000;

}  // namespace

struct TurnOrder::Share {
    struct Queue {
        Waiter* first = nullptr;
        Waiter* last = nullptr;
    };

    Queue& of(Kind kind) { return queues[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] bool waits(bool threads) const {
        return queues[static_cast<std::size_t>(Kind::begun)].first != nullptr ||
               (threads && queues[static_cast<std::size_t>(Kind::not_begun)].first != nullptr);
    }

    Time used{0};
    std::uint64_t last_turn = 0;
    std::size_t jobs = 0;
    Queue queues[2];
    bool begun_was_last = false;  // of the two queues
};

TurnOrder::TurnOrder() = default;
TurnOrder::~TurnOrder() = default;

TurnOrder::Share& TurnOrder::enter(std::string_view tenant) {
    auto at = shares_.find(tenant);
    if (at == shares_.end()) {
        if (shares_.size() >= kTenantsMax) forget_idle();
        at = shares_.emplace(tenant, std::make_unique<Share>()).first;
    }
    Share& share = *at->second;
    if (share.jobs++ == 0) active_.push_back(&share);
    return share;
}

void TurnOrder::leave(Share& share) {
    MIMIR_ASSERT(share.jobs > 0, "who leaves has come");
    if (--share.jobs == 0) std::erase(active_, &share);
}

void TurnOrder::add(Share& share, Waiter& waiter, Kind kind) {
    waiter.next_ = nullptr;
    auto& queue = share.of(kind);
    (queue.last != nullptr ? queue.last->next_ : queue.first) = &waiter;
    queue.last = &waiter;
    ++waiting_[static_cast<std::size_t>(kind)];
}

void TurnOrder::remove(Share& share, Waiter& waiter) {
    auto& queue = share.of(Kind::begun);
    Waiter* before = nullptr;
    for (Waiter* each = queue.first; each != nullptr; before = each, each = each->next_) {
        if (each != &waiter) continue;
        (before != nullptr ? before->next_ : queue.first) = waiter.next_;
        if (queue.last == &waiter) queue.last = before;
        --waiting_[static_cast<std::size_t>(Kind::begun)];
        return;
    }
}

TurnOrder::Next TurnOrder::take(bool threads) {
    Share* share = first(threads);
    if (share == nullptr) return {};
    // By turns, so that neither those who have begun nor those who have not wait for all of the others.
    const bool new_one = threads && share->of(Kind::not_begun).first != nullptr &&
                         (share->begun_was_last || share->of(Kind::begun).first == nullptr);
    const Kind kind = new_one ? Kind::not_begun : Kind::begun;
    share->begun_was_last = !new_one;
    share->last_turn = ++turns_;
    auto& queue = share->of(kind);
    Waiter* waiter = queue.first;
    queue.first = waiter->next_;
    if (queue.first == nullptr) queue.last = nullptr;
    --waiting_[static_cast<std::size_t>(kind)];
    return {waiter, kind};
}

void TurnOrder::charge(Share& share, Time time) {
    const auto weight = std::clamp<std::size_t>(share.jobs, 1, kWeightMax);
    share.used = used(share) + time * static_cast<int>(weight);
    most_ = std::max(most_, share.used);
}

bool TurnOrder::gives_way(const Share& share, Time had, bool threads) const {
    const Share* next = first(threads);
    if (next == nullptr) return false;
    if (next == &share) return had >= kSlice;
    return used(*next) + kMargin <= used(share);
}

TurnOrder::Share* TurnOrder::first(bool threads) const {
    Share* best = nullptr;
    for (Share* share : active_) {
        if (!share->waits(threads)) continue;
        const bool better = best == nullptr || used(*share) < used(*best) ||
                            (used(*share) == used(*best) && share->last_turn < best->last_turn);
        if (better) best = share;
    }
    return best;
}

TurnOrder::Time TurnOrder::used(const Share& share) const {
    return std::max(share.used, most_ - kCredit);
}

void TurnOrder::forget_idle() {
    std::erase_if(shares_, [](const auto& entry) { return entry.second->jobs == 0; });
}

}  // namespace mimir::runtime
