#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ring/detail/table_view.hpp"

namespace mimir::ring::detail {

struct ShardRequest {
    std::string_view tenant;
    std::size_t size = 0;
    /// For reads: who joined, or became or ceased to be read-only, since then belongs to the shard
    /// beside those that are picked. Unset for writes: without read-only members.
    std::optional<TimestampMs> since = {};
};

struct Shard {
    /// Sorted.
    std::vector<MemberIndex> members;
    /// Because of `since`, it is right for no later one than this.
    TimestampMs since_max = TimestampMs::max();
};

/// The tenant's members: about size / zones (rounded up) of each zone, picked by the tenant's name.
/// Every process picks the same. One more in size adds at most one a zone; one more member in the
/// ring takes the place of at most one.
/// Cost: for each pick, a walk past those picked before.
/// Source: docs/adr/0012-hash-rings.md.
Shard shuffle_shard(const TableView& view, const ShardRequest& request);

}  // namespace mimir::ring::detail
