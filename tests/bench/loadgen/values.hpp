#pragma once

#include <cstdint>

#include "loadgen/catalogue.hpp"

namespace mimir::loadgen {

/// Where a series stands; 0 before its first scrape.
struct SeriesState {
    double units = 0;  // in the motion's own unit, an integer for most
};

/// Moves the series to its value at the next scrape, and returns it. Depends on nothing but the arguments.
double next_value(
    const SeriesTemplate& series, std::uint64_t index, std::uint64_t round, SeriesState& state
);

}  // namespace mimir::loadgen
