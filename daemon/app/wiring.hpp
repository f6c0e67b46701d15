#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "app/build_info.hpp"
#include "app/canary.hpp"
#include "app/identity.hpp"
#include "app/load_settings.hpp"
#include "app/rings.hpp"
#include "app/stores.hpp"
#include "base/clock.hpp"
#include "components/gateway/route_table.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"
#include "modules/slot.hpp"
#include "ring/ring.hpp"
#include "rpc/distributor_client.hpp"
#include "rpc/ingester_pool.hpp"
#include "rpc/peer.hpp"
#include "rpc/query_dispatch.hpp"
#include "rpc/query_scheduler_directory.hpp"
#include "runtime/bell.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::modules {
class Manager;
}
namespace mimir::admin {
class Control;
}

namespace mimir::app {

class Recomposition;

/// Threads for this machine, but as many for queries as may be evaluated at once.
inline runtime::ExecutorOptions executor_options(const Settings& settings) {
    auto options = runtime::ExecutorOptions::for_this_machine();
    options.query.threads = settings.querier.max_concurrent;
    return options;
}

/// What the modules of a process share: it is there before the first and after the last. And the slots through which
/// components find one another while they run.
struct Wiring {
    /// The settings in force, and their declarations. A reload replaces them whole: who needs them for longer than a
    /// moment holds what it loaded, or copies.
    Snapshot<Loaded> loaded;
    telemetry::Logger log;

    telemetry::Registry registry = {};
    runtime::Executors executors{executor_options(*settings())};
    http::Router router = {};
    http::Tenancy tenancy{settings()->multitenancy_enabled, settings()->no_auth_tenant};
    config::LimitsProvider limits{settings()->limits};
    fs::FileSystem& files = fs::real_file_system();
    Clock& clock = system_clock();

    modules::Slot<rpc::DistributorClient> distributor = {};
    modules::Slot<rpc::IngesterClient> ingester = {};
    modules::Slot<rpc::TicketedQuerier> querier = {};
    modules::Slot<rpc::QueryScheduler> query_scheduler = {};

    modules::Slot<gateway::RouteTable> routes = {};

    /// Who this process is to others.
    std::optional<ProcessIdentity> identity = {};
    // Of modules that others depend on: set while they run, for those others.
    Stores* stores = nullptr;
    rpc::PeerPool* peers = nullptr;
    rpc::IngesterPool* ingesters = nullptr;
    rpc::QuerySchedulerPool* query_schedulers = nullptr;
    rpc::QueryDispatch* dispatch = nullptr;
    std::shared_ptr<const http::TlsClientContext> peers_tls = {};
    /// By position in ring_rows().
    std::array<modules::Slot<ring::Ring>, kRingCount> rings = {};

    /// How far a long start is, for people; empty when nothing is to be said.
    Guarded<std::string> start_progress{};
    /// Where the server listens; 0 while it does not.
    std::atomic<std::uint16_t> http_port = 0;
    /// Where the admin API's socket is; empty while it does not listen.
    Guarded<std::string> admin_socket{};
    /// Rung when an event was added or an operation changed.
    runtime::Bell bell = {};
    /// Both are set before the first module starts. Without control there is no admin API.
    modules::Manager* manager = nullptr;
    admin::Control* control = nullptr;
    Recomposition* recomposition = nullptr;
    Canary canary = {};
    /// Asks that a module be stopped, and returns; of the node.
    std::function<void(std::string)> stop_module = {};
    /// Tells the process that what it says of itself changed: a module's state, progress. Quick, on any thread.
    std::function<void()> changed = [] {};
    /// A signal to stop came; modules may still run.
    std::atomic<bool> stopping = false;

    [[nodiscard]] std::shared_ptr<const Settings> settings() const {
        auto held = loaded.load();
        const Settings* settings = &held->settings;
        return {std::move(held), settings};
    }
    modules::Slot<ring::Ring>& ring_slot(std::string_view component) {
        return rings[static_cast<std::size_t>(&ring_row(component) - ring_rows().data())];
    }
    /// For modules that depend on the ring's.
    ring::Ring& ring(std::string_view component) { return *ring_slot(component).get(); }
    /// Who this process is in the component's ring.
    [[nodiscard]] ring::Identity identity_in(std::string_view component) const {
        return ring_identity(*settings(), ring_row(component), *identity).identity;
    }
    /// What routes for other processes are registered with.
    rpc::InternalRoutes internal_routes() {
        return {
            .router = router,
            .cluster = settings()->common.cluster_name,
            .instance = identity->identity.id,
            .version = std::string(build_info().version),
        };
    }
};

}  // namespace mimir::app
