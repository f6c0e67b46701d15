#include "app/module_table.hpp"

#include <unistd.h>

#include <array>

#include "admin/module.hpp"
#include "app/api_module.hpp"
#include "app/cluster_modules.hpp"
#include "app/discovery.hpp"
#include "app/rings.hpp"
#include "app/runtime_config_module.hpp"
#include "app/server_module.hpp"
#include "app/wiring.hpp"
#include "components/continuous_test/module.hpp"
#include "components/distributor/module.hpp"
#include "components/flusher/module.hpp"
#include "components/gateway/module.hpp"
#include "components/ingester/module.hpp"
#include "components/querier/module.hpp"
#include "components/query_frontend/module.hpp"
#include "components/query_scheduler/module.hpp"
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

/// Where the component's own entry goes.
Result<ring::Place> ring_place(Wiring& w, std::string_view component) {
    const kv::Options options = app::ring_store(*w.settings(), ring_row(component));
    MIMIR_TRY(kv::KvStore* const store, w.stores->at(options));
    return ring::Place{*store, options.prefix, w.identity_in(component)};
}

Built create_distributor(Wiring& w) {
    const auto settings = w.settings();
    MIMIR_TRY(auto place, ring_place(w, "distributor"));
    const kv::Options ha_tracker =
        merge(settings->common.kvstore, settings->distributor.ha_tracker_store);
    MIMIR_TRY(kv::KvStore* const ha_tracker_store, w.stores->at(ha_tracker));
    return distributor::create_service({
        .options = settings->distributor,
        .tenancy = w.tenancy,
        .limits = w.limits,
        .ingester_ring = w.ring("ingester"),
        .ingesters = *w.ingesters,
        .distributor_ring = w.ring("distributor"),
        .place = std::move(place),
        .ha_tracker_store = *ha_tracker_store,
        .ha_tracker_prefix = ha_tracker.prefix,
        .slot = w.distributor,
        .files = w.files,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
        .log = w.log.component("distributor"),
    });
}

Built create_ingester(Wiring& w) {
    MIMIR_TRY(auto place, ring_place(w, "ingester"));
    return ingester::create_service({
        .options = w.settings()->ingester,
        .limits = w.limits,
        .ring = w.ring("ingester"),
        .place = std::move(place),
        .slot = w.ingester,
        .internal = w.internal_routes(),
        .stop_module = [&w] { w.stop_module("ingester"); },
        .progress =
            [&w](std::string text) {
                w.start_progress.with([&](std::string& shown) { shown = std::move(text); });
                w.changed();
            },
        .files = w.files,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
        .log = w.log.component("ingester"),
    });
}

Built create_querier(Wiring& w) {
    MIMIR_TRY(auto place, ring_place(w, "querier"));
    return querier::create_service({
        .options = w.settings()->querier,
        .limits = w.limits,
        .ring = w.ring("ingester"),
        .ingesters = *w.ingesters,
        .slot = w.querier,
        .internal = w.internal_routes(),
        .place = std::move(place),
        .schedulers = *w.query_schedulers,
        .files = w.files,
        .executors = w.executors,
        .registry = w.registry,
        .log = w.log,
    });
}

Built create_query_scheduler(Wiring& w) {
    MIMIR_TRY(auto place, ring_place(w, "query-scheduler"));
    return query_scheduler::create_service({
        .options = w.settings()->query_scheduler,
        .limits = w.limits,
        .place = std::move(place),
        .slot = w.query_scheduler,
        .internal = w.internal_routes(),
        .files = w.files,
        .executors = w.executors,
        .registry = w.registry,
        .log = w.log.component("query-scheduler"),
    });
}

Built create_query_frontend(Wiring& w) {
    MIMIR_TRY(auto place, ring_place(w, "query-frontend"));
    return query_frontend::create_service({
        .options = w.settings()->query_frontend,
        .tenancy = w.tenancy,
        .limits = w.limits,
        .dispatch = *w.dispatch,
        .place = std::move(place),
        .files = w.files,
        .executors = w.executors,
        .router = w.router,
        .registry = w.registry,
        .log = w.log.component("query-frontend"),
    });
}

Built create_flusher(Wiring& w) {
    const auto settings = w.settings();
    MIMIR_TRY(auto storage, ingester::storage_options(settings->ingester));
    return flusher::create_service({
        .dir = settings->ingester.dir,
        .storage = std::move(storage),
        .files = w.files,
        .registry = w.registry,
        .log = w.log.component("flusher"),
        .clock = w.clock,
    });
}

Built create_continuous_test(Wiring& w) {
    const std::string own = fmt::format("http://127.0.0.1:{}", w.http_port.load());
    const std::string prefix = w.settings()->query_frontend.prometheus_http_prefix;
    return continuous_test::create_service({
        .options = w.settings()->continuous_test,
        .own_write_endpoint = own,
        .own_read_endpoint = own + prefix,
        .registry = w.registry,
        .log = w.log.component("continuous-test"),
        .clock = w.clock,
    });
}

/// The modules whose public paths a gateway finds wherever they run: those that have a ring.
std::vector<std::string> routed_modules() {
    std::vector<std::string> modules;
    for (const RingRow& row : ring_rows()) modules.emplace_back(row.component);
    return modules;
}

Built create_gateway(Wiring& w) {
    return gateway::create_service({
        .options = w.settings()->gateway,
        .instance = w.identity->identity.id,
        .modules = routed_modules(),
        .discover = [&w](std::string_view module) { return discover(w, module); },
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
    const auto prove = [wiring](auto ask) {
        return [=](const std::string& address, const CancellationToken& cancel) {
            return (wiring->canary.*ask)(*wiring, address, cancel);
        };
    };
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
    rows.push_back({
        .name = "query-dispatch",
        .dependencies = {"peers", "query-scheduler-ring"},
        .factory = by(create_query_dispatch_service),
    });
    modules::Names gateway_needs = all_rings;
    gateway_needs.insert(gateway_needs.begin(), {"api", "runtime-config", "peers"});
    const std::initializer_list<modules::Module> components{
        {
            .name = "ingester",
            .targetable = true,
            .in_all = true,
            .moves = modules::Moves::stays,
            .dependencies = {"api", "runtime-config", "peers", "ingester-ring"},
            .factory = by(create_ingester),
        },
        {
            .name = "query-scheduler",
            .targetable = true,
            .in_all = true,
            .moves = modules::Moves::beside,
            .dependencies = {"api", "runtime-config", "peers", "query-scheduler-ring"},
            .factory = by(create_query_scheduler),
        },
        {
            .name = "querier",
            .targetable = true,
            .in_all = true,
            .moves = modules::Moves::beside,
            .dependencies =
                {"api", "runtime-config", "peers", "ingester-ring", "querier-ring", "query-dispatch"
                },
            .factory = by(create_querier),
        },
        {
            .name = "distributor",
            .targetable = true,
            .in_all = true,
            .moves = modules::Moves::beside,
            .prove = prove(&Canary::write),
            .dependencies = {"api", "runtime-config", "peers", "ingester-ring", "distributor-ring"},
            .factory = by(create_distributor),
        },
        {
            .name = "query-frontend",
            .targetable = true,
            .in_all = true,
            .moves = modules::Moves::beside,
            .prove = prove(&Canary::read),
            .dependencies = {"api", "runtime-config", "query-dispatch", "query-frontend-ring"},
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
        {.name = "flusher", .targetable = true, .factory = by(create_flusher)},
        {
            .name = "continuous-test",
            .targetable = true,
            .dependencies = {"api"},
            .factory = by(create_continuous_test),
        },
        {.name = "read", .targetable = true, .dependencies = {"query-frontend", "querier"}},
        {.name = "write", .targetable = true, .dependencies = {"distributor", "ingester"}},
        {.name = "backend", .targetable = true, .dependencies = {"query-scheduler"}},
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
        wiring.router.reserve(fmt::format("/{}/ring", row.component), ring_module(row.component));
    }
    for (const std::string_view path : query_frontend::kPaths) {
        const std::string prefix = wiring.settings()->query_frontend.prometheus_http_prefix;
        wiring.router.reserve(fmt::format("{}/api/v1/{}", prefix, path), "query-frontend");
    }
}

}  // namespace mimir::app
