#pragma once

#include <vector>

#include "base/types.hpp"
#include "model/labels.hpp"

namespace mimir::model {

/// A value that stands for many, with labels that lead to its origin (a trace id).
struct Exemplar {
    Labels labels;
    double value = 0;
    TimestampMs time;

    bool operator==(const Exemplar&) const = default;
};

/// A series' exemplars, by time.
struct SeriesExemplars {
    Labels series;
    std::vector<Exemplar> exemplars;
};

}  // namespace mimir::model
