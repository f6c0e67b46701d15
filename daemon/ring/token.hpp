#pragma once

#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/types.hpp"
#include "model/labels.hpp"
#include "model/tenant.hpp"

namespace mimir::ring {

/// Where a series belongs: FNV-1 over the tenant's name, then each label's name and value.
/// Source: Mimir's sharding token; reference values in the tests.
/// Cost: hot path; about a nanosecond a byte.
Token token_of(const model::TenantId& tenant, model::LabelsView series);
/// Where a metric's metadata belong.
Token token_of(const model::TenantId& tenant, std::string_view metric);

}  // namespace mimir::ring
