#pragma once

#include <atomic>
#include <cstdint>

#include "app/load_settings.hpp"
#include "base/clock.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"
#include "modules/slot.hpp"
#include "rpc/distributor_client.hpp"
#include "rpc/ingester_client.hpp"
#include "rpc/query_runner.hpp"
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
    modules::Slot<rpc::QueryRunner> querier = {};

    /// Where the server listens; 0 while it does not.
    std::atomic<std::uint16_t> http_port = 0;
    /// Where the admin API's socket is; empty while it does not listen.
    Guarded<std::string> admin_socket{};
    /// Rung when an event was added or an operation changed.
    runtime::Bell bell = {};
    /// Both are set before the first module starts. Without control there is no admin API.
    const modules::Manager* manager = nullptr;
    admin::Control* control = nullptr;
    /// A signal to stop came; modules may still run.
    std::atomic<bool> stopping = false;

    [[nodiscard]] std::shared_ptr<const Settings> settings() const {
        auto held = loaded.load();
        const Settings* settings = &held->settings;
        return {std::move(held), settings};
    }
};

}  // namespace mimir::app
