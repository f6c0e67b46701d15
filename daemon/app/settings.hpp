#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "admin/options.hpp"
#include "app/common_options.hpp"
#include "app/server_options.hpp"
#include "components/continuous_test/options.hpp"
#include "components/distributor/options.hpp"
#include "components/gateway/options.hpp"
#include "components/ingester/options.hpp"
#include "components/querier/options.hpp"
#include "components/query_frontend/options.hpp"
#include "components/query_scheduler/options.hpp"
#include "components/self_monitoring/options.hpp"
#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "config/limits.hpp"

namespace mimir::app {

/// What only the command line says.
struct CommandLine {
    std::string config_file;
    std::string flags_file;
    bool expand_env = false;
    bool help = false;
    bool help_all = false;
    bool version = false;
    bool modules = false;
    bool print_config = false;
};

void declare(config::Declarer& d, CommandLine& command_line);

struct RuntimeConfigOptions {
    std::vector<std::string> files;
    std::chrono::milliseconds period = std::chrono::seconds(10);
};

/// Who starts the processes beside a node's primary one.
enum class LauncherKind : std::uint8_t {
    /// systemd where it started this process as mimird.service, else this process itself.
    automatic,
    process,
    systemd,
};

/// What belongs to this host rather than to a component.
struct NodeOptions {
    std::string state_dir = "./data-node/";
    /// Of a component process beside the primary; empty for the primary.
    std::string name;
    LauncherKind launcher = LauncherKind::automatic;
    std::chrono::milliseconds module_restart_backoff_min = std::chrono::seconds(1);
    std::chrono::milliseconds module_restart_backoff_max = std::chrono::minutes(1);
    std::uint32_t module_restarts_max = 10;
    std::chrono::milliseconds shutdown_timeout = std::chrono::minutes(15);
};

/// Everything that can be set, by section.
struct Settings {
    std::vector<std::string> target = {"all"};
    bool multitenancy_enabled = true;
    std::string no_auth_tenant = "anonymous";
    std::chrono::milliseconds shutdown_delay{0};

    NodeOptions node;
    CommonOptions common;
    admin::Options admin;
    ServerOptions server;
    distributor::Options distributor;
    ingester::Options ingester;
    querier::Options querier;
    query_frontend::Options query_frontend;
    query_scheduler::Options query_scheduler;
    gateway::Options gateway;
    continuous_test::Options continuous_test;
    config::Limits limits;
    RuntimeConfigOptions runtime_config;
    self_monitoring::Options self_monitoring;

    /// Whether a ring is shared with other hosts.
    [[nodiscard]] bool uses_etcd() const;
};

void declare(config::Declarer& d, Settings& settings);

/// What must hold between settings; each alone was checked when it was read.
void validate(const Settings& settings, config::Findings& findings);

}  // namespace mimir::app
