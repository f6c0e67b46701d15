#pragma once

// A ring as it was at one moment: immutable, shared by all who look things up. Only how fresh each
// member's heartbeat is goes on changing in it, so that a heartbeat makes no new view.
//
// Owner of a token is the member with the smallest token greater than it, wrapping around.
// Rules of replication and quorum: docs/adr/0012-hash-rings.md, after Mimir's documentation.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "ring/instance.hpp"

namespace mimir::ring {

using SteadyTime = std::chrono::steady_clock::time_point;
/// Position in RingView::members().
using MemberIndex = std::uint32_t;

inline constexpr std::size_t kReplicationFactorMax = 15;

struct Member {
    std::shared_ptr<const Instance> instance;
    /// When this process last saw the instance's heartbeat change, by its own clock: clocks of
    /// hosts may differ. Shared with the views before and after.
    std::shared_ptr<const std::atomic<SteadyTime>> seen;
};

/// What a lookup is for: which states may serve it.
///   write: ACTIVE and not read-only.   read: ACTIVE, PENDING, LEAVING.
enum class Operation : std::uint8_t { write, read };

/// Who holds, or is to hold, one token's data. A value of fixed size: look-ups never allocate.
struct ReplicationSet {
    std::array<MemberIndex, kReplicationFactorMax> members;
    std::uint8_t count = 0;         ///< Healthy members, to be asked.
    std::uint8_t failures_max = 0;  ///< So many of them may fail.
    std::uint8_t needed = 0;        ///< Successes that make a quorum.
    /// False when fewer than `needed` are there.
    [[nodiscard]] bool has_quorum() const { return count >= needed; }
};

/// All that a query of one tenant must ask.
struct ReadSet {
    std::vector<MemberIndex> members;  ///< Healthy ones.
    std::size_t failures_max = 0;      ///< Without zones: so many members may fail.
    /// With zones: all failures must be within so many zones; 0 and `by_zone` for none.
    std::size_t failed_zones_max = 0;
    bool by_zone = false;
};

struct RingOptions {
    /// Copies of each series.
    std::size_t replication_factor = 3;
    bool zone_awareness_enabled = false;
    std::vector<std::string> excluded_zones;
    /// A member whose heartbeat was not seen for so long is taken for dead.
    std::chrono::milliseconds heartbeat_timeout = std::chrono::minutes(1);
    /// Which member this process is; empty when it is none.
    std::string own_instance_id = {};
    /// The configuration speaks of other members: being alone is then a problem that status() names.
    bool expects_peers = false;
};

class RingView {
  public:
    virtual ~RingView() = default;

    /// Sorted by id.
    [[nodiscard]] virtual std::span<const Member> members() const = 0;
    [[nodiscard]] virtual const RingOptions& options() const = 0;
    /// Grows with each change of members, their state or tokens.
    [[nodiscard]] virtual std::uint64_t revision() const = 0;

    [[nodiscard]] virtual bool is_healthy(MemberIndex member, Operation operation, SteadyTime now)
        const = 0;

    /// Who is to store, or stores, what has this token. Writes are not extended past an owner that
    /// is not healthy: it counts as failed. Members that are read-only are not there for writes. Reads
    /// ask one more beside each that is PENDING or JOINING.
    /// Cost: no allocation; a binary search in a bucket, and a step for each token passed.
    [[nodiscard]] virtual ReplicationSet replicas(Token token, Operation operation, SteadyTime now)
        const = 0;

    /// Whom a query has to ask so that it sees every series. Members without tokens were never written
    /// to, and do not count.
    /// Errors: unavailable, when too many are not healthy, naming them.
    [[nodiscard]] virtual Result<ReadSet> read_set(SteadyTime now) const = 0;
};

}  // namespace mimir::ring
