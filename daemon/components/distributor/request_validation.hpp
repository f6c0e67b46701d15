#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "components/distributor/known_series.hpp"
#include "config/limits.hpp"
#include "model/write_request.hpp"

namespace mimir::distributor {

/// How many items were taken out of a request for one reason: the id of the error, or what would be one.
struct Discarded {
    std::string_view id;
    std::uint64_t samples = 0;  ///< and histograms
    std::uint64_t exemplars = 0;
    std::uint64_t metadata = 0;
};

struct ValidationOutcome {
    /// The first thing that was wrong and that the sender is told of.
    std::optional<Error> error;
    std::vector<Discarded> discarded;

    // What is left in the request.
    std::uint64_t samples = 0;
    std::uint64_t histograms = 0;
    std::uint64_t exemplars = 0;
    std::uint64_t metadata = 0;
    TimestampMs newest_sample = TimestampMs::min();

    [[nodiscard]] std::uint64_t items() const {
        return samples + histograms + exemplars + metadata;
    }
};

/// Takes out of a decoded request what the tenant may not send, and brings the labels of the rest to canonical form.
/// `known` holds the label sets that were found in order under these very limits, and is added to.
/// Errors: invalid, for malformed labels: then the whole request is refused.
/// Cost: hot path; for known series a cache line and a few comparisons each.
Result<ValidationOutcome> validate_request(
    model::WriteRequest& request, const config::Limits& limits, TimestampMs now, KnownSeries& known
);

}  // namespace mimir::distributor
