#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"

namespace mimir::ring {

/// Numbered as in Mimir's InstanceState.
enum class InstanceState : std::uint8_t { active = 0, leaving = 1, pending = 2, joining = 3 };

/// "ACTIVE", "LEAVING", "PENDING", "JOINING".
std::string_view to_string(InstanceState state);

/// What an instance says of itself in its ring.
struct Instance {
    /// Unique in its ring.
    std::string id;
    /// Where other processes reach it: "10.0.0.1:9095" or "unix:///var/lib/mimird/rpc/ingester.sock".
    std::string address;
    std::string zone;
    InstanceState state = InstanceState::pending;
    /// It gets no new series, but is read from.
    bool read_only = false;
    /// Wall clock of the instance; of the last heartbeat in seconds, as Mimir's.
    TimestampMs heartbeat;
    TimestampMs registered;
    TimestampMs read_only_updated;
    /// Sorted, unique. Empty in rings that only say who is there.
    std::vector<Token> tokens;
    /// Of the process that wrote this: tells two processes of one id apart.
    std::uint64_t incarnation = 0;

    bool operator==(const Instance&) const = default;
};

/// The value under an instance's key: Mimir's InstanceDesc, and in fields from 100 on what is ours.
std::string encode(const Instance& instance);
/// Errors: corrupt.
Result<Instance> decode_instance(std::string_view bytes);

}  // namespace mimir::ring
