#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/types.hpp"

namespace mimir::distributor {

/// What the store says of a pair (or more) of Prometheus servers that scrape the same: whose samples
/// are taken. Mimir's ReplicaDesc. Times are of the wall clock of whoever wrote them.
struct ElectedReplica {
    std::string replica;
    TimestampMs received_at;  ///< About when its last samples came.
    TimestampMs deleted_at;   ///< 0, or when it was found idle: its key goes a while later.
    TimestampMs elected_at;
    std::uint64_t elected_changes = 0;

    bool operator==(const ElectedReplica&) const = default;
};

std::string encode(const ElectedReplica& elected);
/// Errors: corrupt.
Result<ElectedReplica> decode_elected_replica(std::string_view bytes);

}  // namespace mimir::distributor
