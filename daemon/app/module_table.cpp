#include "app/module_table.hpp"

#include <unistd.h>

#include <array>

#include "admin/module.hpp"
#include "app/api_module.hpp"
#include "app/runtime_config_module.hpp"
#include "app/server_module.hpp"
#include "app/wiring.hpp"
#include "components/distributor/module.hpp"
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
    return distributor::create_service({
        .options = w.settings()->distributor,
        .tenancy = w.tenancy,
        .limits = w.limits,
        .ingester = w.ingester,
        .slot = w.distributor,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
    });
}

Built create_ingester(Wiring& w) {
    return ingester::create_service({
        .options = w.settings()->ingester,
        .limits = w.limits,
        .slot = w.ingester,
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
    // Components find one another through slots, not through dependencies: each can run in a process of its own. But
    // those that pass requests on come later in the table: they start after those that they pass them to, and stop before.
    const auto by = [wiring](auto create) { return [=]() -> Built { return create(*wiring); }; };
    return modules::ModuleTable({
        {.name = "admin", .always = true, .factory = by(create_admin)},
        {.name = "server", .factory = by(create_server_service)},
        {.name = "api", .dependencies = {"server"}, .factory = by(create_api_service)},
        {.name = "runtime-config",
         .dependencies = {"api"},
         .factory = by(create_runtime_config_service)},
        {
            .name = "ingester",
            .targetable = true,
            .in_all = true,
            .dependencies = {"api", "runtime-config"},
            .factory = by(create_ingester),
        },
        {
            .name = "querier",
            .targetable = true,
            .in_all = true,
            .dependencies = {"api", "runtime-config"},
            .factory = by(create_querier),
        },
        {
            .name = "distributor",
            .targetable = true,
            .in_all = true,
            .dependencies = {"api", "runtime-config"},
            .factory = by(create_distributor),
        },
        {
            .name = "query-frontend",
            .targetable = true,
            .in_all = true,
            .dependencies = {"api", "runtime-config"},
            .factory = by(create_query_frontend),
        },
        {
            .name = "self-monitoring",
            .in_all = settings.self_monitoring.enabled,
            .dependencies = {"distributor"},
            .factory = by(create_self_monitoring),
        },
    });
}

void reserve_routes(Wiring& wiring) {
    wiring.router.reserve("/api/v1/push", "distributor");
    wiring.router.reserve("/ingester/flush", "ingester");
    for (const std::string_view path : query_frontend::kPaths) {
        const std::string prefix = wiring.settings()->query_frontend.prometheus_http_prefix;
        wiring.router.reserve(fmt::format("{}/api/v1/{}", prefix, path), "query-frontend");
    }
}

}  // namespace mimir::app
