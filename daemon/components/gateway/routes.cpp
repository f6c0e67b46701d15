#include "components/gateway/routes.hpp"

#include <limits>
#include <nlohmann/json.hpp>

namespace mimir::gateway {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Target& target) {
    return {
        {"module", target.module},
        {"instance", target.instance},
        {"reach", to_string(target.reach)},
        {"address", target.address},
        {"in_flight", target.in_flight()},
    };
}

Json to_json(const RouteEntry& entry) {
    Json instances = Json::array();
    for (const auto& target : entry.targets) instances.push_back(target->instance);
    return {
        {"module", entry.module},
        {"tenant", entry.tenant},
        {"revision", entry.revision},
        {"pinned", entry.pinned},
        {"instances", std::move(instances)},
    };
}

asio::awaitable<http::Response> show(const RouteTable& routes) {
    const auto snapshot = routes.load();
    Json entries = Json::array();
    for (const auto& [key, entry] : snapshot->entries) entries.push_back(to_json(entry));
    Json targets = Json::array();
    for (const auto& target : routes.targets()) targets.push_back(to_json(*target));
    const Json all = {
        {"revision", snapshot->revision},
        {"routes", std::move(entries)},
        {"targets", std::move(targets)},
    };
    co_return http::Response::json(200, all.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::vector<http::RouteRegistration> register_routes(
    http::Router& router, Gateway& gateway, std::size_t body_bytes_limit
) {
    constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
    const std::size_t limit = body_bytes_limit == 0 ? kNoLimit : body_bytes_limit;
    std::vector<http::RouteRegistration> registrations;
    registrations.push_back(router.set_front(gateway, "gateway", limit));
    registrations.push_back(router.add({
        .methods = {http::Method::get},
        .pattern = "/internal/v1/gateway/routes",
        .module = "gateway",
        .handler = [&gateway](http::Request&) { return show(gateway.routes()); },
        .internal = true,
    }));
    return registrations;
}

}  // namespace mimir::gateway
