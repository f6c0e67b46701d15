#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "http/request_context.hpp"
#include "rpc/query_runner.hpp"

namespace mimir::rpc {

/// A querier's free slot, given to one query: the query goes straight to that querier, which lets it
/// in for the ticket.
struct Assignment {
    std::string querier_id;
    std::string address;
    std::uint64_t ticket = 0;
};

/// A querier's free slot. The querier names the ticket, so that it knows it before anybody comes with it.
struct SlotOffer {
    std::string querier_id;
    std::string address;
    /// Random, not 0; of this offer alone.
    std::uint64_t ticket = 0;
    /// Of the slot's offer before this one, whose query has ended, or did not come: what the tenant holds is counted by
    /// it. 0: none.
    std::uint64_t ended_ticket = 0;
};

/// Brings queries and free slots of queriers together, fairly between tenants. It never sees queries or
/// results. Local or remote.
/// Threads: awaited on the event loop, by coroutines on a strand.
class QueryScheduler {
  public:
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;

    virtual ~QueryScheduler() = default;

    /// Waits for a slot for a query of the context's tenant. A caller that goes away (its token) or hangs
    /// up takes its place in the queue with it; an assignment that it does not use expires.
    /// Errors: limit (kTooManyOutstanding), when the tenant's queue is full; unavailable, when no querier
    ///         is there, the scheduler stops or can't be reached; canceled and timeout, as the token says.
    virtual Answer<Assignment> acquire(RequestContext context) = 0;

    /// Offers one free slot, and waits until a query is assigned to it, which will come with the offer's
    /// ticket, perhaps before this returns. Ends early when the token is canceled, which takes the offer back.
    /// Errors: unavailable, when the scheduler stops or can't be reached: a query may come all the
    ///         same; canceled.
    virtual Answer<void> offer(SlotOffer offer, CancellationToken token) = 0;

    /// The query of this ticket has ended, or did not come, and its slot is not offered again. Not awaited; may be lost.
    virtual void end(std::uint64_t ticket) = 0;

    static constexpr std::string_view kTooManyOutstanding = "too-many-outstanding-requests";
};

/// A querier as those see it who hold a ticket of it. Local or remote.
/// Threads: any.
class TicketedQuerier {
  public:
    virtual ~TicketedQuerier() = default;

    /// For the one call that the ticket was given for: the slot is busy as long as the runner is held.
    /// Errors: not_found (kUnknownTicket), when the querier does not know the ticket (any more): acquire another.
    virtual Result<std::shared_ptr<QueryRunner>> runner(std::uint64_t ticket) = 0;

    static constexpr std::string_view kUnknownTicket = "unknown-ticket";
};

/// Finds the querier of an assignment: the object of this process when it is this process', else a
/// remote one.
/// Threads: any.
class QuerierDirectory {
  public:
    virtual ~QuerierDirectory() = default;
    /// Errors: as TicketedQuerier::runner(); unavailable.
    virtual Result<std::shared_ptr<QueryRunner>> runner(const Assignment& assignment) = 0;
    /// Whether it is this process'. A remote one tells that it does not know a ticket only when it is called.
    [[nodiscard]] virtual bool is_local(const Assignment& assignment) const = 0;
};

}  // namespace mimir::rpc
