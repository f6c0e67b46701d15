#include "app/module_table.hpp"

#include <unistd.h>

#include <array>

#include "admin/module.hpp"
#include "app/api_module.hpp"
#include "app/cluster_modules.hpp"
#include "app/rings.hpp"
#include "app/runtime_config_module.hpp"
#include "app/server_module.hpp"
#include "app/wiring.hpp"
#include "components/distributor/module.hpp"
#include "components/gateway/module.hpp"
#include "components/ingester/module.hpp"
#include "components/querier/module.hpp"
#include "components/query_frontend/module.hpp"
#include "components/self_monitoring/module.hpp"

namespace mimir::app {
namespace {

using Built = Result<std::unique_ptr<modules::Service>>;

Built create_admin(Wiring& w) {
    return admin::create_service({
        .options = w.settings()->admin,
        .process = w.settings()->node.name,
        .control = *w.control,
        .bell = w.bell,
        .public_router = w.router,
        .registry = w.registry,
        .log = w.log,
        .listening =
            [&w](std::string path) {
                w.admin_socket.with([&](std::string& current) { current = std::move(path); });
            },
    });
}

Built create_distributor(Wiring& w) {
    const auto settings = w.settings();
    const kv::Options ring_options = app::ring_store(*settings, ring_row("distributor"));
    const kv::Options ha_tracker_options =
        merge(settings->common.kvstore, settings->distributor.ha_tracker_store);
    MIMIR_TRY(kv::KvStore* const ring_store, w.stores->at(ring_options));
    MIMIR_TRY(kv::KvStore* const ha_tracker_store, w.stores->at(ha_tracker_options));
    return distributor::create_service({
        .options = settings->distributor,
        .tenancy = w.tenancy,
        .limits = w.limits,
        .identity = ring_identity(*settings, ring_row("distributor"), w.identity->identity),
        .ingester_ring = w.ring("ingester"),
        .ingesters = *w.ingesters,
        .distributor_ring = w.ring("distributor"),
        .ring_store = *ring_store,
        .ring_prefix = ring_options.prefix,
        .ha_tracker_store = *ha_tracker_store,
        .ha_tracker_prefix = ha_tracker_options.prefix,
        .slot = w.distributor,
        .files = w.files,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
        .log = w.log.component("distributor"),
    });
}

Built create_ingester(Wiring& w) {
    const auto settings = w.settings();
    const kv::Options ring_options = app::ring_store(*settings, ring_row("ingester"));
    MIMIR_TRY(kv::KvStore* const ring_store, w.stores->at(ring_options));
    return ingester::create_service({
        .options = settings->ingester,
        .limits = w.limits,
        .identity = ring_identity(*settings, ring_row("ingester"), w.identity->identity),
        .ring = w.ring("ingester"),
        .ring_store = *ring_store,
        .ring_prefix = ring_options.prefix,
        .slot = w.ingester,
        .internal = w.internal_routes(),
        .stop_module = [&w] { w.stop_module("ingester"); },
        .files = w.files,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
        .log = w.log.component("ingester"),
    });
}

Built create_querier(Wiring& w) {
    return querier::create_service({
        .options = w.settings()->querier,
        .limits = w.limits,
        .ingester = w.ingester,
        .slot = w.querier,
        .executors = w.executors,
        .registry = w.registry,
    });
}

Built create_query_frontend(Wiring& w) {
    return query_frontend::create_service({
        .options = w.settings()->query_frontend,
        .tenancy = w.tenancy,
        .limits = w.limits,
        .querier = w.querier,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
    });
}

/// The modules whose public paths a gateway finds wherever they run: those that have a ring.
std::vector<std::string> routed_modules() {
    std::vector<std::string> modules;
    for (const RingRow& row : ring_rows()) modules.emplace_back(row.component);
    return modules;
}

Built create_gateway(Wiring& w) {
    auto discover = [&w](std::string_view module) {
        std::vector<gateway::Upstream> upstreams;
        const auto read = w.ring_slot(module).get();
        if (!read) return upstreams;
        const auto self = ring_identity(*w.settings(), ring_row(module), w.identity->identity);
        for (const ring::MemberStatus& member : read->status().members) {
            upstreams.push_back({
                .instance = member.instance.id,
                .address = member.instance.address,
                .local = member.instance.id == self.id,
                .healthy =
                    member.healthy && member.instance.state == ring::InstanceState::active,
            });
        }
        return upstreams;
    };
    return gateway::create_service({
        .options = w.settings()->gateway,
        .instance = w.identity->identity.id,
        .modules = routed_modules(),
        .discover = std::move(discover),
        .tls = w.peers_tls,
        .slot = w.routes,
        .files = w.files,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
        .log = w.log.component("gateway"),
    });
}

/// "host:8080"
std::string instance_name(std::uint16_t port) {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    return fmt::format("{}:{}", host.data(), port);
}

Built create_self_monitoring(Wiring& w) {
    return self_monitoring::create_service({
        .options = w.settings()->self_monitoring,
        .instance = instance_name(w.http_port),
        .distributor = w.distributor,
        .registry = w.registry,
        .log = w.log,
        .clock = w.clock,
    });
}

}  // namespace

modules::ModuleTable module_table(const Settings& settings, Wiring* wiring) {
    // Components find one another through slots and rings, not through dependencies: each can run in a process of its
    // own. But those that pass requests on come later in the table: they start after those that they pass them to, and
    // stop before.
    const auto by = [wiring](auto create) { return [=]() -> Built { return create(*wiring); }; };
    std::vector<modules::Module> rows{
        {.name = "admin", .always = true, .factory = by(create_admin)},
        {.name = "kv-store", .factory = by(create_kv_store_service)},
        {.name = "server", .factory = by(create_server_service)},
        {.name = "api", .dependencies = {"server"}, .factory = by(create_api_service)},
        {.name = "runtime-config",
         .dependencies = {"api"},
         .factory = by(create_runtime_config_service)},
        {.name = "peers", .dependencies = {"api"}, .factory = by(create_peers_service)},
    };
    modules::Names all_rings;
    for (const RingRow& row : ring_rows()) {
        const std::string_view component = row.component;
        all_rings.push_back(ring_module(component));
        rows.push_back({
            .name = ring_module(component),
            .dependencies = {"api", "kv-store"},
            .factory = [=]() -> Built { return create_ring_service(*wiring, component); },
        });
    }
    modules::Names gateway_needs = all_rings;
    gateway_needs.insert(gateway_needs.begin(), {"api", "peers"});
    const std::initializer_list<modules::Module> components{
        {
            .name = "ingester",
            .targetable = true,
            .in_all = true,
            .dependencies = {"api", "runtime-config", "peers", "ingester-ring"},
            .factory = by(create_ingester),
        },
        {
            .name = "querier",
            .targetable = true,
            .in_all = true,
            .dependencies =
                {"api",
                 "runtime-config",
                 "peers",
                 "ingester-ring"},
            .factory = by(create_querier),
        },
        {
            .name = "distributor",
            .targetable = true,
            .in_all = true,
            .dependencies =
                {"api", "runtime-config", "peers", "ingester-ring", "distributor-ring"},
            .factory = by(create_distributor),
        },
        {
            .name = "query-frontend",
            .targetable = true,
            .in_all = true,
            .dependencies =
                {"api", "runtime-config"},
            .factory = by(create_query_frontend),
        },
        {
            .name = "gateway",
            .targetable = true,
            .dependencies = std::move(gateway_needs),
            .factory = by(create_gateway),
        },
        {
            .name = "self-monitoring",
            .in_all = settings.self_monitoring.enabled,
            .dependencies = {"distributor"},
            .factory = by(create_self_monitoring),
        },
        {.name = "read", .targetable = true, .dependencies = {"query-frontend", "querier"}},
        {.name = "write", .targetable = true, .dependencies = {"distributor", "ingester"}},
        
    };
    rows.insert(rows.end(), components.begin(), components.end());
    return modules::ModuleTable(std::move(rows));
}

void reserve_routes(Wiring& wiring) {
    wiring.router.reserve("/api/v1/push", "distributor");
    constexpr std::string_view kIngesterPaths[] = {
        "flush",
        "shutdown",
        "prepare-shutdown",
        "unregister-on-shutdown",
        "prepare-instance-ring-downscale"
    };
    for (const std::string_view path : kIngesterPaths) {
        wiring.router.reserve(fmt::format("/ingester/{}", path), "ingester");
    }
    wiring.router.reserve("/distributor/ha_tracker", "distributor");
    for (const RingRow& row : ring_rows()) {
        wiring.router.reserve(
            fmt::format("/{}/ring", row.component), ring_module(row.component)
        );
    }
    for (const std::string_view path : query_frontend::kPaths) {
        const std::string prefix = wiring.settings()->query_frontend.prometheus_http_prefix;
        wiring.router.reserve(fmt::format("{}/api/v1/{}", prefix, path), "query-frontend");
    }
}

}  // namespace mimir::app
