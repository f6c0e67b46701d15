#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mimir::model {

/// Numbered as in the WAL's metadata records and in remote write 1.0.
enum class MetricType : std::uint8_t {
    unknown = 0, counter = 1, gauge = 2, histogram = 3, gauge_histogram = 4, summary = 5, info = 6, stateset = 7
};

/// "counter", "gauge", ..., as the HTTP API shows it.
constexpr std::string_view to_string(MetricType type) {
    switch (type) {
        case MetricType::unknown: return "unknown";
        case MetricType::counter: return "counter";
        case MetricType::gauge: return "gauge";
        case MetricType::histogram: return "histogram";
        case MetricType::gauge_histogram: return "gaugehistogram";
        case MetricType::summary: return "summary";
        case MetricType::info: return "info";
        case MetricType::stateset: return "stateset";
    }
    return "unknown";
}

struct Metadata {
    MetricType type = MetricType::unknown;
    std::string help;
    std::string unit;

    bool operator==(const Metadata&) const = default;
};

}  // namespace mimir::model
