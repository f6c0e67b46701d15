#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "loadgen/catalogue.hpp"
#include "loadgen/values.hpp"

namespace mimir::loadgen {

/// Which series are sent when.
struct Plan {
    std::uint64_t series = 20'000;
    /// Series that are replaced by new ones at each round.
    std::uint64_t churn = 0;
    TimestampMs start;
    std::chrono::milliseconds interval{15'000};

    /// How often the series has been replaced before the round.
    [[nodiscard]] std::uint64_t generation(std::uint64_t index, std::uint64_t round) const;
    /// Each target has its own moment within the interval.
    [[nodiscard]] TimestampMs time(std::uint64_t index, std::uint64_t round) const;
};

/// A remote-write request of one sample for each of a run of series. Its labels are encoded once; from round to round
/// only times and values are written into it.
class PreparedRequest {
  public:
    PreparedRequest(
        const Catalogue& catalogue, const Plan& plan, std::uint64_t first, std::uint64_t count
    );

    /// The WriteRequest message of the round, uncompressed. Rounds go up by one, from 0.
    const std::string& encode(std::uint64_t round);
    [[nodiscard]] std::uint64_t samples() const { return count_; }

  private:
    void encode_labels(std::uint64_t round);

    const Catalogue& catalogue_;
    const Plan& plan_;
    const std::uint64_t first_;
    const std::uint64_t count_;
    std::string body_;
    std::vector<std::uint32_t> sample_offsets_;
    std::vector<SeriesState> states_;
    std::vector<std::uint32_t> generations_;
};

}  // namespace mimir::loadgen
