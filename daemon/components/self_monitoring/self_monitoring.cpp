#include "components/self_monitoring/self_monitoring.hpp"

#include <utility>

namespace mimir::self_monitoring {
namespace {

model::MetricType model_type(telemetry::MetricType type) {
    switch (type) {
        case telemetry::MetricType::counter: return model::MetricType::counter;
        case telemetry::MetricType::gauge: return model::MetricType::gauge;
        case telemetry::MetricType::histogram: return model::MetricType::histogram;
    }
    return model::MetricType::unknown;
}

}  // namespace

model::WriteRequest Scraper::scrape(
    const std::vector<telemetry::MetricFamily>& families, TimestampMs now
) {
    model::WriteRequest request;
    Seen seen;
    const auto add = [&](model::Labels labels, double value) {
        seen_.erase(labels);
        seen.insert(labels);
        request.add(std::move(labels), {now, value});
    };
    add(labels_of("up", {}), 1);
    for (const telemetry::MetricFamily& family : families) {
        request.metadata.push_back({family.name, {model_type(family.type), family.help, ""}});
        for (const telemetry::MetricSample& sample : family.samples) {
            add(labels_of(family.name + std::string(sample.suffix), sample.labels), sample.value);
        }
    }
    for (const model::Labels& gone : seen_) request.add(gone, {now, model::kStaleNan});
    seen_ = std::move(seen);
    return request;
}

model::Labels Scraper::labels_of(
    const std::string& name, const std::vector<telemetry::Label>& labels
) const {
    model::LabelsBuilder builder;
    builder.set(model::kMetricName, name).set("job", "mimird").set("instance", instance_);
    for (const telemetry::Label& label : labels) builder.set(label.name, label.value);
    return builder.build();
}

}  // namespace mimir::self_monitoring
