#pragma once

// Which ingesters get which series of a request. Series that have the same replicas form a group:
// they share one quorum. An ingester gets all the groups that it is a replica of in one batch, and
// ingesters that have the same groups get the same batch.

#include <cstdint>
#include <vector>

#include "model/tenant.hpp"
#include "model/write_request.hpp"
#include "ring/ring_view.hpp"
#include "wire/remote_write.hpp"

namespace mimir::distributor {

/// What one or several ingesters get.
struct Share {
    std::vector<ring::MemberIndex> members;
    std::vector<std::uint32_t> groups;  ///< Indices in Spread::groups, ascending.
    /// Everything; then `part` is empty.
    bool whole = false;
    wire::RequestPart part;
};

struct Spread {
    /// Each group's replicas, sorted. Those without a quorum are in no share.
    std::vector<ring::ReplicationSet> groups;
    std::vector<Share> shares;
};

/// Cost: hot path; a token and a look-up for each series.
Spread spread(
    const model::TenantId& tenant,
    const model::WriteRequest& request,
    const ring::RingView& view,
    ring::SteadyTime now
);

}  // namespace mimir::distributor
