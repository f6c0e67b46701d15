#pragma once

#include <string>
#include <vector>

#include "components/distributor/ha_tracker.hpp"

namespace mimir::distributor {

/// GET /distributor/ha_tracker, for people. `enabled` says whether there is a tracker at all.
std::string ha_tracker_page(
    const std::vector<HaTracker::Status>& elected, bool enabled, TimestampMs now
);
/// The same with Accept: application/json: {"elected": [{"userID", "cluster", "replica", "electedAt", "electedChanges",
/// "updateTime", "failoverTime"}], "now"}.
std::string ha_tracker_json(const std::vector<HaTracker::Status>& elected, TimestampMs now);

}  // namespace mimir::distributor
