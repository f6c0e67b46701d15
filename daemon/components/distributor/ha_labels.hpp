#pragma once

#include <string_view>

#include "base/result.hpp"
#include "config/limits.hpp"
#include "model/write_request.hpp"

namespace mimir::distributor {

/// Of which cluster and replica a request says it is; both empty when it does not say both.
struct HaLabels {
    std::string_view cluster;
    std::string_view replica;

    [[nodiscard]] bool present() const { return !cluster.empty(); }
};

/// What the request's first series says; points into the request. Labels that validation would refuse
/// are not looked at.
/// Errors: invalid, for malformed labels.
Result<HaLabels> find_ha_labels(const model::WriteRequest& request, const config::Limits& limits);

/// Takes the label out of all series. Errors: invalid, for malformed labels.
Result<void> remove_label(model::WriteRequest& request, std::string_view name);

}  // namespace mimir::distributor
