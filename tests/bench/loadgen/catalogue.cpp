#include "loadgen/catalogue.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/assert.hpp"
#include "base/random.hpp"

namespace mimir::loadgen {
namespace {

using namespace std::string_view_literals;

constexpr std::array kServices = {
    "checkout"sv,  "payments"sv, "inventory"sv, "search"sv,  "catalog"sv,
    "shipping"sv,  "accounts"sv, "sessions"sv,  "pricing"sv, "reviews"sv,
    "messaging"sv, "billing"sv,  "gateway"sv,   "images"sv,  "orders"sv,
    "recommend"sv, "fraud"sv,    "email"sv,     "audit"sv,   "reports"sv,
};
constexpr std::array kClusters = {"prod-eu-west-1"sv, "prod-us-east-1"sv, "prod-ap-south-1"sv};
constexpr std::array kRegions = {"eu-west-1"sv, "us-east-1"sv, "ap-south-1"sv};
constexpr std::array kHandlers = {
    "/api/v1/items"sv, "/api/v1/items/:id"sv, "/api/v1/users"sv, "/healthz"sv
};
constexpr std::array kMethods = {"GET"sv, "POST"sv};
constexpr std::array kStatuses = {"200"sv, "404"sv, "500"sv};

struct Bound {
    std::string_view le;
    double share;  // of the requests that are as quick
};
constexpr std::array kBounds = {
    Bound{"0.005", 0.20},
    Bound{"0.01", 0.35},
    Bound{"0.025", 0.55},
    Bound{"0.05", 0.70},
    Bound{"0.1", 0.82},
    Bound{"0.25", 0.92},
    Bound{"0.5", 0.96},
    Bound{"1", 0.98},
    Bound{"2.5", 0.99},
    Bound{"5", 0.995},
    Bound{"10", 0.999},
    Bound{"+Inf", 1},
};

struct Plain {
    std::string_view name;
    Motion motion;
};
constexpr std::array kPlain = {
    Plain{"process_cpu_seconds_total", Motion::seconds_counter},
    Plain{"process_resident_memory_bytes", Motion::bytes},
    Plain{"process_virtual_memory_bytes", Motion::bytes},
    Plain{"process_open_fds", Motion::small_gauge},
    Plain{"process_max_fds", Motion::constant},
    Plain{"process_start_time_seconds", Motion::constant},
    Plain{"go_goroutines", Motion::small_gauge},
    Plain{"go_threads", Motion::small_gauge},
    Plain{"go_memstats_heap_inuse_bytes", Motion::bytes},
    Plain{"go_memstats_mallocs_total", Motion::counter},
    Plain{"container_cpu_usage_seconds_total", Motion::seconds_counter},
    Plain{"container_memory_working_set_bytes", Motion::bytes},
    Plain{"container_network_receive_bytes_total", Motion::counter},
    Plain{"container_network_transmit_bytes_total", Motion::counter},
    Plain{"container_cpu_usage_percent", Motion::percentage},
    Plain{"container_disk_usage_percent", Motion::percentage},
    Plain{"queue_length", Motion::small_gauge},
    Plain{"connections_active", Motion::small_gauge},
    Plain{"build_info", Motion::constant},
    Plain{"up", Motion::constant},
};

std::vector<SeriesTemplate> make_templates() {
    std::vector<SeriesTemplate> templates;
    std::uint32_t group = 0;
    for (const std::string_view handler : kHandlers) {
        ++group;
        const std::pair<std::string, std::string> label("handler", handler);
        for (const Bound& bound : kBounds) {
            templates.push_back(
                {.name = "http_request_duration_seconds_bucket",
                 .labels = {label, {"le", std::string(bound.le)}},
                 .motion = Motion::bucket,
                 .group = group,
                 .share = bound.share}
            );
        }
        templates.push_back(
            {.name = "http_request_duration_seconds_count",
             .labels = {label},
             .motion = Motion::bucket,
             .group = group}
        );
        templates.push_back(
            {.name = "http_request_duration_seconds_sum", .labels = {label}, .motion = Motion::sum}
        );
        for (const std::string_view method : kMethods) {
            for (const std::string_view status : kStatuses) {
                templates.push_back(
                    {.name = "http_requests_total",
                     .labels =
                         {label,
                          {"method", std::string(method)},
                          {"status_code", std::string(status)}},
                     .motion = Motion::counter}
                );
            }
        }
    }
    for (const Plain& plain : kPlain) {
        templates.push_back({.name = std::string(plain.name), .labels = {}, .motion = plain.motion}
        );
    }
    MIMIR_ASSERT(templates.size() == kSeriesPerTarget, "indexes count by it");
    return templates;
}

/// Five characters as Kubernetes puts them at the end of a pod's name.
std::string suffix(std::uint64_t bits) {
    constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
    std::string text;
    for (int i = 0; i < 5; ++i, bits /= kLetters.size()) text += kLetters[bits % kLetters.size()];
    return text;
}

}  // namespace

std::uint64_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    SeededRandom random(a * 0x9E3779B97F4A7C15 ^ b * 0xC2B2AE3D27D4EB4F ^ c * 0x165667B19E3779F9);
    return random.next();
}

Catalogue::Catalogue() : templates_(make_templates()) {}

model::Labels Catalogue::labels(std::uint64_t index, std::uint64_t generation) const {
    const SeriesTemplate& series = series_template(index);
    const std::uint64_t target = index / kSeriesPerTarget;
    const std::string_view service = kServices[target % kServices.size()];
    const std::size_t region = target / kServices.size() % kRegions.size();
    const std::uint64_t bits = mix(target, generation);

    const std::string pod = fmt::format(
        "{}-api-{:08x}-{}", service, mix(target % kServices.size(), 7) >> 32, suffix(bits)
    );
    const std::string address =
        fmt::format("10.{}.{}.{}", target >> 16 & 255, target >> 8 & 255, target & 255);
    const std::string instance = fmt::format("{}:{}", address, 8000 + bits % 1000);
    const std::string job = fmt::format("default/{}", service);
    const std::string node = fmt::format(
        "ip-10-20-{}-{}.{}.internal", target / 30 >> 8 & 255, target / 30 & 255, kRegions[region]
    );
    model::LabelsBuilder builder;
    builder.set(model::kMetricName, series.name)
        .set("cluster", kClusters[region])
        .set("container", service)
        .set("env", "prod")
        .set("instance", instance)
        .set("job", job)
        .set("namespace", service)
        .set("node", node)
        .set("pod", pod);
    for (const auto& [name, value] : series.labels) builder.set(name, value);
    return builder.build();
}

}  // namespace mimir::loadgen
