#include "app/rings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "http/client.hpp"

namespace mimir::app {
namespace {

using ring::RingKind;

constexpr std::array<RingRow, kRingCount> kRows{{
    {"ingester", RingKind::tokens, [](const Settings& s) -> auto& { return s.ingester.ring; }},
    {"distributor",
     RingKind::membership,
     [](const Settings& s) -> auto& { return s.distributor.ring; }},
    {"querier", RingKind::membership, [](const Settings& s) -> auto& { return s.querier.ring; }},
    {"query-frontend",
     RingKind::membership,
     [](const Settings& s) -> auto& { return s.query_frontend.ring; }},
    {"query-scheduler",
     RingKind::membership,
     [](const Settings& s) -> auto& { return s.query_scheduler.ring; }},
}};

}  // namespace

std::span<const RingRow, kRingCount> ring_rows() { return kRows; }

const RingRow& ring_row(std::string_view component) {
    const auto row = std::ranges::find(kRows, component, &RingRow::component);
    MIMIR_ASSERT(row != kRows.end(), "the component has a ring");
    return *row;
}

std::string ring_module(std::string_view component) { return fmt::format("{}-ring", component); }

std::string ring_section(const RingRow& row) {
    // The query-frontend's section is "frontend", as in Mimir.
    if (row.component == "query-frontend") return "frontend.ring";
    std::string section(row.component);
    std::ranges::replace(section, '-', '_');
    return section + ".ring";
}

kv::Options ring_store(const Settings& settings, const RingRow& row) {
    return merge(settings.common.kvstore, row.settings(settings).kvstore);
}

RingIdentity ring_identity(
    const Settings& settings, const RingRow& row, const ProcessIdentity& process
) {
    const ring::RingSettings& own = row.settings(settings);
    RingIdentity found{process.identity, process.address_from};
    if (!own.instance_id.empty()) found.identity.id = own.instance_id;
    if (!own.instance_availability_zone.empty()) {
        found.identity.zone = own.instance_availability_zone;
    }
    const std::string setting = ring_section(row) + ".instance_addr";
    const std::uint16_t port =
        own.instance_port != 0 ? own.instance_port : settings.server.internal_listen_port;
    const auto reached_at = [&](const std::string& host) {
        found.identity.address = http::Endpoint{.host = host, .port = port}.authority();
    };
    if (!own.instance_addr.empty()) {
        reached_at(own.instance_addr);
        found.address_from = setting;
    } else if (const auto picked = process.ring_interfaces.find(row.component);
               picked != process.ring_interfaces.end()) {
        reached_at(picked->second.address);
        found.address_from = describe(picked->second, setting);
    } else if (own.instance_port != 0) {
        const auto address = http::Endpoint::parse(process.identity.address);
        if (address && address->unix_path.empty()) reached_at(address->host);
    }
    return found;
}

std::size_t replication_factor(const Settings& settings) {
    const RingRow& row = ring_row("ingester");
    return ring::replication_factor(row.settings(settings), ring_store(settings, row).store);
}

}  // namespace mimir::app
