#pragma once

// Queries that wait for a slot, and slots that wait for a query. What always holds after each call:
//   - no query waits while a slot is open that it may have;
//   - a query and a slot are given to one another once; both are told by their outcome and bell;
//   - of those who wait, the tenant with the fewest slots is first; of equals, the one whose turn was longest ago;
//   - while another tenant was here within the last minute, a tenant leaves the last quarter of the slots to those that
//     hold less than their share: so a short query does not wait for a long one of somebody else;
//   - a slot is its tenant's from the assignment until its querier offers it again, ends it, or kBusyMax is over.

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/cancellation.hpp"
#include "components/query_scheduler/metrics.hpp"
#include "rpc/query_scheduler.hpp"
#include "runtime/bell.hpp"

namespace mimir::query_scheduler {

using TimePoint = std::chrono::steady_clock::time_point;

/// What a tenant may have.
struct TenantLimits {
    std::size_t outstanding_max = 100;
    /// Its queries go to so many queriers, always the same ones; 0: to all.
    std::size_t queriers_max = 0;
};

/// Threads: none of its own; to be guarded.
class Queue {
  public:
    /// One tenant's part. Lives while anything of it is here, and for a minute more.
    struct Tenant;
    struct Querier;
    struct Request;
    struct Offer;
    using RequestPtr = std::shared_ptr<Request>;
    using OfferPtr = std::shared_ptr<Offer>;
    using Requests = std::list<RequestPtr>;
    using Offers = std::list<OfferPtr>;

    /// A query that waits, or waited.
    struct Request {
        CancellationToken token;
        TimePoint since;
        /// Set once, then rung.
        std::optional<Result<rpc::Assignment>> outcome;
        runtime::Bell bell;
        Tenant* tenant = nullptr;
        Requests::iterator place;
    };
    /// A slot that waits, or waited.
    struct Offer {
        rpc::SlotOffer slot;
        CancellationToken token;
        std::optional<Result<void>> outcome;
        runtime::Bell bell;
        Querier* querier = nullptr;
        Offers::iterator place;
    };
    struct Options {
        /// How long a querier without slots is remembered for the tenants that have queriers of their own.
        std::chrono::milliseconds forget_delay{0};
        /// A query fails when no querier was here for so long.
        std::chrono::milliseconds no_querier_timeout = std::chrono::seconds(2);
    };

    /// How long an assignment counts whose end nobody told: a query's default time-out, and a minute.
    static constexpr std::chrono::seconds kBusyMax{180};
    /// How long a tenant counts as present after its last query.
    static constexpr std::chrono::seconds kPresentFor{60};

    Queue(Options options, Metrics& metrics, TimePoint now);
    ~Queue();

    /// A slot at once, if one is open that the tenant may have. Errors: as acquire(); the place in the queue else.
    using Acquired = std::variant<rpc::Assignment, RequestPtr>;
    Result<Acquired> acquire(
        std::string_view tenant,
        const CancellationToken& token,
        const TenantLimits& limits,
        TimePoint now
    );
    /// Its outcome may be there already. Errors: unavailable, after stop().
    Result<OfferPtr> offer(rpc::SlotOffer slot, const CancellationToken& token, TimePoint now);
    /// Of one that does not wait any more: nothing.
    void withdraw(Request& request, TimePoint now);
    void withdraw(Offer& offer, TimePoint now);
    /// The ticket's query has ended, or its offer.
    void end(std::uint64_t ticket, TimePoint now);

    /// Sees who was canceled, what has gone stale, and who waits in vain.
    void tick(TimePoint now);
    /// All who wait fail, and all who come.
    void stop(TimePoint now);

    [[nodiscard]] std::size_t waiting() const { return waiting_; }
    [[nodiscard]] std::size_t open_slots() const { return offers_.size(); }
    [[nodiscard]] std::size_t busy_slots() const { return busy_.size(); }
    [[nodiscard]] std::size_t queriers() const { return queriers_.size(); }

  private:
    struct Busy {
        Tenant* tenant;
        Querier* querier;
        TimePoint since;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    Tenant& tenant_of(std::string_view name);
    Querier& querier_of(const std::string& id);
    [[nodiscard]] bool may_take_another(const Tenant& tenant) const;
    bool is_allowed(Tenant& tenant, const Querier& querier);
    Offers::iterator open_slot_for(Tenant& tenant);
    rpc::Assignment assign(Tenant& tenant, Offers::iterator offer, TimePoint now);
    void match(TimePoint now);
    void finish(Request& request, Result<rpc::Assignment> outcome, TimePoint now);
    void finish(Offer& offer, Result<void> outcome, TimePoint now);
    void set_waiting(Tenant& tenant);
    void void_ticket(std::uint64_t ticket, TimePoint now);
    bool forget(std::uint64_t ticket, TimePoint now);
    void purge(TimePoint now);
    void expose() const;

    const Options options_;
    Metrics& metrics_;
    bool stopped_ = false;
    std::unordered_map<std::string, std::unique_ptr<Tenant>, Hash, std::equal_to<>> tenants_;
    std::list<Tenant*> turns_;  // those who wait; whose turn was longest ago is first
    std::map<std::string, std::unique_ptr<Querier>, std::less<>> queriers_;
    std::uint64_t queriers_revision_ = 1;
    Offers offers_;  // the longest open one first
    std::unordered_map<std::uint64_t, Busy> busy_;
    std::size_t waiting_ = 0;
    TimePoint queriers_seen_;
    TimePoint purged_;
};

}  // namespace mimir::query_scheduler
