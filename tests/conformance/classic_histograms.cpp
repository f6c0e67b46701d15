#include "conformance/classic_histograms.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace mimir::conformance {
namespace {

constexpr std::string_view kBound = "le";

/// What is known of one histogram at one time.
struct Classic {
    std::map<double, double> cumulative;  // by upper bound
    std::optional<double> count;
    double sum = 0;
};

enum class Part { bucket, sum, count };

std::optional<Part> part_of(std::string_view& metric) {
    const auto strip = [&](std::string_view suffix) {
        if (!metric.ends_with(suffix)) return false;
        metric.remove_suffix(suffix.size());
        return true;
    };
    if (strip("_bucket")) return Part::bucket;
    if (strip("_sum")) return Part::sum;
    if (strip("_count")) return Part::count;
    return std::nullopt;
}

Result<Histogram> convert(const Classic& classic, const model::Labels& labels) {
    auto made = std::make_shared<model::FloatHistogram>();
    made->schema = model::kCustomBucketsSchema;
    made->sum = classic.sum;
    double before = 0;
    const auto add_bucket = [&](double cumulative) {
        made->positive_buckets.push_back(cumulative - before);
        before = cumulative;
    };
    for (const auto& [bound, cumulative] : classic.cumulative) {
        if (cumulative < before)
            return fail(ErrorKind::invalid, "buckets of {} go down", labels.to_string());
        if (std::isfinite(bound)) made->custom_bounds.push_back(bound);
        add_bucket(cumulative);
    }
    made->count = classic.count.value_or(before);
    const bool open_ended =
        !classic.cumulative.empty() && std::isinf(classic.cumulative.rbegin()->first);
    if (!open_ended) add_bucket(made->count);
    made->positive_spans = {{0, static_cast<std::uint32_t>(made->positive_buckets.size())}};
    return Histogram{std::move(made)};
}

}  // namespace

Result<std::vector<SeriesLine>> to_native_histograms(const std::vector<SeriesLine>& series) {
    std::map<model::Labels, std::map<std::size_t, Classic>>
        histograms;  // by position in the values
    for (const SeriesLine& line : series) {
        std::string_view metric = line.labels.metric_name();
        const auto part = part_of(metric);
        if (!part) continue;
        double bound = 0;
        if (*part == Part::bucket) {
            const auto parsed = parse_value(line.labels.get(kBound));
            if (!parsed || std::isnan(*parsed)) continue;
            bound = *parsed;
        }
        const model::Labels base = model::LabelsBuilder(line.labels)
                                       .set(model::kMetricName, metric)
                                       .remove(kBound)
                                       .build();
        for (std::size_t i = 0; i < line.values.size(); ++i) {
            const auto* value = std::get_if<double>(&line.values[i]);
            if (value == nullptr) continue;
            Classic& classic = histograms[base][i];
            if (*part == Part::bucket) classic.cumulative[bound] = *value;
            if (*part == Part::sum) classic.sum = *value;
            if (*part == Part::count) classic.count = *value;
        }
    }
    std::vector<SeriesLine> native;
    for (const auto& [labels, by_position] : histograms) {
        SeriesLine line{labels, std::vector<Value>(by_position.rbegin()->first + 1)};
        for (const auto& [position, classic] : by_position) {
            MIMIR_TRY(line.values[position], convert(classic, labels));
        }
        native.push_back(std::move(line));
    }
    return native;
}

}  // namespace mimir::conformance
