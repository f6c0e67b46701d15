#pragma once

// The querier's slots, as those see them who hold tickets. What always holds:
//   - a ticket lets in one call, once: from open() on, until it is taken, revoked, or waited for in vain;
//   - its slot is busy from the moment that the ticket is taken until its runner is destroyed.

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/random.hpp"
#include "rpc/query_scheduler.hpp"

namespace mimir::querier {

/// Threads: any.
class Slots final : public rpc::TicketedQuerier {
  public:
    struct Ticket;
    using TicketPtr = std::shared_ptr<Ticket>;

    /// Runners are this one, which outlives them: see wait_until_quiet().
    explicit Slots(rpc::QueryRunner& querier, std::uint64_t seed = random_seed());
    ~Slots() override;

    Result<std::shared_ptr<rpc::QueryRunner>> runner(std::uint64_t ticket) override;

    /// A ticket for a slot that is about to be offered.
    [[nodiscard]] TicketPtr open();
    /// False when the ticket was taken.
    bool revoke(const TicketPtr& ticket);
    /// Resumes when the ticket's call has ended, or when it has not come within the time: then it may not come any
    /// more. True when it came. Threads: a coroutine on a strand.
    boost::asio::awaitable<bool> until_ended(
        TicketPtr ticket, std::chrono::milliseconds comes_within
    );

    /// Revokes all tickets that were not taken, also those that are still opened.
    void stop();
    /// Blocks until no runner is held. Threads: any but the event loop's.
    void wait_until_quiet();

    static std::uint64_t number_of(const Ticket& ticket);

  private:
    struct State;
    struct Release;

    rpc::QueryRunner& querier_;
    const std::shared_ptr<State> state_;  // shared with those who hold runners
};

}  // namespace mimir::querier
