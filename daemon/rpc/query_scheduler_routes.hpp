#pragma once

#include <chrono>
#include <vector>

#include "rpc/peer.hpp"
#include "rpc/query_scheduler.hpp"

namespace mimir::rpc {

/// An offer that no query came for is answered after this time, and made anew: so the connection of a querier whose
/// host vanished is not kept for ever.
inline constexpr std::chrono::seconds kOfferHeldFor{30};

/// Serves a scheduler to the RemoteQuerySchedulers of other processes. It outlives the registrations; to
/// be stopped before they are closed.
[[nodiscard]] std::vector<http::RouteRegistration> register_query_scheduler_routes(
    const InternalRoutes& routes,
    QueryScheduler& scheduler,
    std::chrono::milliseconds offer_held_for = kOfferHeldFor
);

}  // namespace mimir::rpc
