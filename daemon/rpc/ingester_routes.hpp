#pragma once

#include <vector>

#include "rpc/ingester_client.hpp"
#include "rpc/peer.hpp"
#include "runtime/pool.hpp"

namespace mimir::rpc {

/// Where an ingester does what other processes ask of it.
struct IngesterPools {
    runtime::Pool& ingest;  ///< Pushes.
    runtime::Pool& query;   ///< Everything else. No thread is held while a slow reader is awaited.
};

/// Of one push: what a distributor takes from one request, and what is added to it for a stranger's framing.
inline constexpr std::size_t kPushBytesLimit = 256 << 20;

/// Serves an ingester to the RemoteIngesters of other processes, whose bytes are not trusted: series that
/// are not canonical, and histograms that are not in order, are refused as invalid.
/// The ingester and the pools outlive the registrations.
[[nodiscard]] std::vector<http::RouteRegistration> register_ingester_routes(
    const InternalRoutes& routes, IngesterClient& ingester, IngesterPools pools
);

}  // namespace mimir::rpc
