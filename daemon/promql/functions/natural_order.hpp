#pragma once

#include <compare>
#include <string_view>

namespace mimir::promql {

/// Compares texts with runs of digits taken as numbers: a2 before a10.
std::strong_ordering natural_order(std::string_view a, std::string_view b);

}  // namespace mimir::promql
