#pragma once

// What a tenant may send. Each function checks one thing in Mimir's order and says the first thing that is wrong, with
// Mimir's error id; the message is complete but for what finish() adds.

#include <span>
#include <string>

#include "base/result.hpp"
#include "config/limits.hpp"
#include "model/write_request.hpp"

namespace mimir::distributor {

/// The labels are sorted by name and have no empty values; there may be duplicates.
Result<void> validate_labels(std::span<const model::Label> labels, const config::Limits& limits);

/// What a sample's time may be.
struct TimeWindow {
    TimestampMs oldest = TimestampMs::min();
    TimestampMs newest;

    static TimeWindow of(const config::Limits& limits, TimestampMs now);
};
Result<void> validate_time(TimestampMs time, const TimeWindow& window, model::LabelsView series);

Result<void> validate_exemplar(const model::Exemplar& exemplar, model::LabelsView series);

/// Cuts a help text that is too long.
Result<void> validate_metadata(model::MetricMetadata& metadata, const config::Limits& limits);

/// The label value under which refused items are counted: the error's id with '_' for '-'.
std::string discard_reason(std::string_view error_id);

/// The error as users get it: "<message> (err-mimir-<id>)", and which setting to change.
[[nodiscard]] Error finish(const Error& error);

}  // namespace mimir::distributor
