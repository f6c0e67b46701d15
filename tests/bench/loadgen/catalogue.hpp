#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/labels.hpp"

namespace mimir::loadgen {

/// How a series' values move from one scrape to the next.
enum class Motion : std::uint8_t {
    counter,          ///< Grows by a small integer, now and then by nothing.
    seconds_counter,  ///< Grows by hundredths.
    sum,              ///< Grows by floating-point amounts with all their digits.
    bucket,           ///< Of a classic histogram; its buckets stay cumulative.
    percentage,       ///< Walks between 0 and 100 in tenths.
    bytes,            ///< Walks in pages, often standing still.
    small_gauge,      ///< Walks over small integers, often standing still.
    constant,
};

/// One of the kSeriesPerTarget series that every target exposes.
struct SeriesTemplate {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;  // its own, beside the target's
    Motion motion = Motion::constant;
    std::uint32_t group =
        0;             // series of a target with one group see the same events (one histogram)
    double share = 1;  // of the group's events that a bucket counts
};

inline constexpr std::uint32_t kSeriesPerTarget = 100;

/// The series of a made-up Kubernetes fleet: targets (pods) with 100 series each, nine to twelve labels and some 290
/// bytes of them a series. Everything follows from the index: two runs send the same series.
class Catalogue {
  public:
    Catalogue();

    /// The labels of series `index` in its `generation`: a pod is replaced by one of another name and address.
    [[nodiscard]] model::Labels labels(std::uint64_t index, std::uint64_t generation) const;
    [[nodiscard]] const SeriesTemplate& series_template(std::uint64_t index) const {
        return templates_[index % kSeriesPerTarget];
    }

  private:
    std::vector<SeriesTemplate> templates_;
};

/// Uniform bits that depend on nothing but the arguments.
std::uint64_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t c = 0);

}  // namespace mimir::loadgen
