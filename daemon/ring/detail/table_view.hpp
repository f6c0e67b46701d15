#pragma once

#include <memory>
#include <vector>

#include "ring/detail/token_table.hpp"
#include "ring/ring_view.hpp"

namespace mimir::ring::detail {

/// The RingView that there is: members, and a table of their tokens that views share as far as they
/// are equal.
class TableView final : public RingView {
  public:
    struct Parts {
        std::shared_ptr<const RingOptions> options;
        std::uint64_t revision = 0;
        /// Of the whole ring, for a view of a part of it.
        std::size_t zones_of_ring = 0;
        /// Sorted by id.
        std::vector<Member> members;
        /// Of each member.
        std::vector<Slot> slots;
        std::shared_ptr<const TokenTable> table;
    };
    explicit TableView(Parts parts);

    [[nodiscard]] std::span<const Member> members() const override { return parts_.members; }
    [[nodiscard]] const RingOptions& options() const override { return *parts_.options; }
    [[nodiscard]] std::uint64_t revision() const override { return parts_.revision; }
    [[nodiscard]] bool is_healthy(MemberIndex member, Operation operation, SteadyTime now)
        const override;
    [[nodiscard]] ReplicationSet replicas(Token token, Operation operation, SteadyTime now)
        const override;
    [[nodiscard]] Result<ReadSet> read_set(SteadyTime now) const override;

    /// A heartbeat was seen within the time-out.
    [[nodiscard]] bool is_fresh(MemberIndex member, SteadyTime now) const;
    /// The share of the ring of each member's tokens; with zone awareness, of its zone's ring.
    /// Cost: a walk over all tokens.
    [[nodiscard]] std::vector<double> ownership() const;
    /// A view of these members alone, sorted.
    [[nodiscard]] std::shared_ptr<const TableView> subset(const std::vector<MemberIndex>& members
    ) const;

    [[nodiscard]] const TokenTable& table() const { return *parts_.table; }
    /// Of members with tokens; one zone where the ring does not know of zones.
    [[nodiscard]] std::size_t zone_count() const { return zone_count_; }
    [[nodiscard]] std::size_t zone_of(MemberIndex member) const;
    /// Its zone is excluded, or it has no tokens.
    [[nodiscard]] bool excluded(MemberIndex member) const;
    /// Calls visit(member) for the owners of tokens clockwise from `token` until it returns false.
    template <class Visit>
    void walk(Token token, Visit visit) const {
        parts_.table->walk(token, [&](Slot slot) { return visit(by_slot_[slot].index); });
    }

  private:
    /// What a look-up needs of a member, side by side.
    struct Seat {
        const std::atomic<SteadyTime>* seen = nullptr;
        MemberIndex index = 0;
        std::uint32_t zone = 0;
        bool writes = false;         ///< Its state serves writes.
        bool reads = false;          ///< Its state serves reads.
        bool on_writes = false;      ///< Walks for writes see it.
        bool on_reads = false;       ///< Walks for reads see it.
        bool extends_reads = false;  ///< A read looks for one more member beside it.
    };
    [[nodiscard]] std::size_t findable(const std::vector<std::size_t>& members_of_zones) const;
    [[nodiscard]] bool is_fresh(const Seat& seat, SteadyTime now) const {
        return now - seat.seen->load(std::memory_order_relaxed) <=
               parts_.options->heartbeat_timeout;
    }
    [[nodiscard]] Error too_many_unhealthy(SteadyTime now, std::size_t failures_max) const;
    [[nodiscard]] Result<ReadSet> read_set_by_zone(SteadyTime now) const;

    Parts parts_;
    std::size_t zone_count_ = 0;
    std::vector<Seat> by_slot_;
    std::size_t per_zone_ = 1;
    std::size_t findable_writers_ = 0;
    std::size_t findable_readers_ = 0;
};

}  // namespace mimir::ring::detail
