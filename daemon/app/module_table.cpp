#include "app/module_table.hpp"

#include <unistd.h>

#include <array>

#include "app/api_module.hpp"
#include "app/runtime_config_module.hpp"
#include "app/server_module.hpp"
#include "app/wiring.hpp"
#include "components/distributor/module.hpp"
#include "components/self_monitoring/module.hpp"

namespace mimir::app {
namespace {

using Built = Result<std::unique_ptr<modules::Service>>;

Built create_distributor(Wiring& w) {
    return distributor::create_service({
        .options = w.settings.distributor,
        .tenancy = w.tenancy,
        .limits = w.limits,
        .ingester = w.ingester,
        .slot = w.distributor,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
    });
}

/// "host:8080"
std::string instance_name(const Settings& settings) {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    return fmt::format("{}:{}", host.data(), settings.server.http_listen_port);
}

Built create_self_monitoring(Wiring& w) {
    return self_monitoring::create_service({
        .options = w.settings.self_monitoring,
        .instance = instance_name(w.settings),
        .distributor = w.distributor,
        .registry = w.registry,
        .log = w.log,
        .clock = w.clock,
    });
}

}  // namespace

modules::ModuleTable module_table(const Settings& settings, Wiring* wiring) {
    // Components find one another through slots, not through dependencies: each can run in a process of its own.
    const auto by = [wiring](auto create) { return [=]() -> Built { return create(*wiring); }; };
    return modules::ModuleTable({
        {.name = "server", .factory = by(create_server_service)},
        {.name = "api", .dependencies = {"server"}, .factory = by(create_api_service)},
        {.name = "runtime-config",
         .dependencies = {"api"},
         .factory = by(create_runtime_config_service)},
        {
            .name = "distributor",
            .targetable = true,
            .in_all = true,
            .dependencies = {"api", "runtime-config"},
            .factory = by(create_distributor),
        },
        {
            .name = "self-monitoring",
            .in_all = settings.self_monitoring.enabled,
            .dependencies = {"distributor"},
            .factory = by(create_self_monitoring),
        },
    });
}

void reserve_routes(Wiring& wiring) { wiring.router.reserve("/api/v1/push", "distributor"); }

}  // namespace mimir::app
