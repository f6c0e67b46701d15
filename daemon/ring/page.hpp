#pragma once

// What people and programs see of a ring over HTTP: GET /<component>/ring is a page, or JSON in
// Mimir's shape with Accept: application/json; POST with the form forget=ID removes a member.

#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "http/router.hpp"
#include "ring/ring.hpp"
#include "runtime/pool.hpp"

namespace mimir::ring {

/// A page on its own: no script, nothing from elsewhere.
std::string ring_page(const RingStatus& status, TimestampMs now, bool with_tokens);
/// {"shards":[{"id","state","address","timestamp","registered_timestamp","read_only",
/// "read_only_updated_timestamp","zone","tokens","versions"}],"now"}, and what is ours: in each shard
/// "ownership", and beside them "problem", "store" and "replication_factor".
std::string ring_json(const RingStatus& status, TimestampMs now);

struct RingRouteOptions {
    /// "/ingester/ring".
    std::string pattern;
    std::string module;
};

/// The routes of a ring's page. Ring, pool and clock outlive their registrations. What may block runs
/// on the pool.
std::vector<http::Route> ring_routes(
    RingRouteOptions options,
    Ring& ring,
    runtime::Pool& background,
    const Clock& clock = system_clock()
);

}  // namespace mimir::ring
