#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/guarded.hpp"
#include "ring/ring.hpp"

namespace mimir::ingester {

/// How a tenant's series are spread over the ingesters that take new ones.
struct RingShape {
    std::size_t replication_factor = 1;
    /// 1 without zone awareness.
    std::size_t zones = 1;
    /// Of this ingester's zone, itself among them.
    std::size_t ingesters_in_zone = 1;

    bool operator==(const RingShape&) const = default;
};

/// What of a limit that holds for the whole cluster is this ingester's: it is compared with what this
/// ingester has. 0 stays no limit. `shard_size` is the tenant's ingestion_tenant_shard_size.
/// Source: Mimir's rule, global * replication factor / zones / ingesters of the zone; never more than
/// the global limit.
std::uint64_t local_share(std::uint64_t global, const RingShape& shape, std::size_t shard_size);

/// The shape of the ring as it is now.
/// Threads: any. Cost: a walk over the members when the ring has changed.
class RingShapes {
  public:
    /// The ring outlives it.
    RingShapes(const ring::Ring& ring, std::string zone) : ring_(ring), zone_(std::move(zone)) {}

    [[nodiscard]] RingShape now() const;

  private:
    struct Known {
        std::shared_ptr<const ring::RingView> view;
        RingShape shape;
    };

    const ring::Ring& ring_;
    const std::string zone_;
    mutable Guarded<Known> known_;
};

/// The same for a view. Members that are not ACTIVE, or read-only, do not count.
RingShape shape_of(const ring::RingView& view, std::string_view zone);

}  // namespace mimir::ingester
