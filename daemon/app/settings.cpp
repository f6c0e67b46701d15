#include "app/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "app/rings.hpp"
#include "base/units.hpp"
#include "model/tenant.hpp"

namespace mimir::app {
namespace {

using config::Category;
using namespace std::chrono_literals;

void declare(config::Declarer& d, RuntimeConfigOptions& o) {
    d.option(
        o.files,
        {
            .key = "runtime_config.file",
            .help = "Files with what may change while running: the overrides of single tenants' "
                    "limits. Of several, the "
                    "later wins.",
        }
    );
    d.option(
        o.period,
        {
            .key = "runtime_config.period",
            .flag = "runtime-config.reload-period",
            .help = "How often these files are read again.",
            .category = Category::advanced,
            .min = 100ms,
        }
    );
}

void declare(config::Declarer& d, NodeOptions& o) {
    d.option(
        o.state_dir,
        {
            .key = "node.state_dir",
            .help = "Folder of what this node must remember: the target that set-target stored, "
                    "the journal of operations, the audit log. One daemon at a time uses it.",
        }
    );
    d.option(
        o.name,
        {
            .key = "node.name",
            .help = "Name of a process that runs components beside the node's primary one, on the "
                    "same state folder. Empty for the primary.",
            .needs_process = true,
        }
    );
    d.option(
        o.launcher,
        {
            .key = "node.launcher",
            .help = "Who starts and restarts component processes beside the primary: this process "
                    "itself, or systemd, as units mimird@NAME.service. `auto` is systemd where "
                    "that runs this process as mimird.service.",
            .names =
                {{"auto", LauncherKind::automatic},
                 {"process", LauncherKind::process},
                 {"systemd", LauncherKind::systemd}},
            .needs_process = true,
        }
    );
    d.option(
        o.module_restart_backoff_min,
        {
            .key = "node.module_restart_backoff_min",
            .help = "How long after its failure a module is started again; doubles with each "
                    "failure in a row.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.module_restart_backoff_max,
        {
            .key = "node.module_restart_backoff_max",
            .help = "Longest time between two such starts.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.module_restarts_max,
        {
            .key = "node.module_restarts_max",
            .help = "After so many failures in a row a module stays failed until an operator "
                    "starts it. 0 restarts none.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.shutdown_timeout,
        {
            .key = "node.shutdown_timeout",
            .help = "A process that has not stopped all modules this long after it was told to "
                    "ends all the same. What was acknowledged is in the write-ahead log.",
            .category = Category::advanced,
            .reloadable = true,
        }
    );
}

}  // namespace

void declare(config::Declarer& d, CommandLine& c) {
    d.option(c.config_file, {.flag = "config.file", .help = "YAML file with settings."});
    d.option(
        c.flags_file,
        {
            .flag = "config.flags-file",
            .help = "File with more flags, each ended by a NUL byte, which count as if they stood "
                    "here. Without such a file there are none. mimird writes one for each of its "
                    "component processes that systemd runs.",
        }
    );
    d.option(
        c.expand_env,
        {
            .flag = "config.expand-env",
            .help =
                "Replace ${NAME} and ${NAME:default} in the YAML file by environment variables.",
        }
    );
    d.option(c.help, {.flag = "help", .help = "Show the flags to know, and exit. Also -h."});
    d.option(c.help_all, {.flag = "help-all", .help = "Show every flag, and exit."});
    d.option(c.version, {.flag = "version", .help = "Show the version, and exit."});
    d.option(c.modules, {.flag = "modules", .help = "Show what -target can name, and exit."});
    d.option(
        c.print_config,
        {
            .flag = "print.config",
            .help = "Show the settings that the file and the flags come to, as YAML, and exit.",
        }
    );
}

void declare(config::Declarer& d, Settings& s) {
    d.option(
        s.target,
        {
            .key = "target",
            .help = "Components to run, separated by commas; all runs those that `mimird -modules` "
                    "marks with a star.",
        }
    );
    d.option(
        s.multitenancy_enabled,
        {
            .key = "multitenancy_enabled",
            .flag = "auth.multitenancy-enabled",
            .help = "Take each request's tenant from its X-Scope-OrgID header. When false, all "
                    "data are of one tenant.",
        }
    );
    d.option(
        s.no_auth_tenant,
        {
            .key = "no_auth_tenant",
            .flag = "auth.no-auth-tenant",
            .help = "The one tenant when multitenancy is disabled.",
            .category = Category::advanced,
        }
    );
    d.option(
        s.shutdown_delay,
        {
            .key = "shutdown_delay",
            .help = "How long to go on serving, with /ready answering 503, between a SIGTERM and "
                    "the stop.",
            .category = Category::advanced,
            .reloadable = true,
        }
    );
    declare(d, s.node);
    declare(d, s.common);
    admin::declare(d, s.admin);
    d.set_module("server");
    declare(d, s.server);
    d.set_module("distributor");
    distributor::declare(d, s.distributor);
    d.set_module("ingester");
    ingester::declare(d, s.ingester);
    d.set_module("querier");
    querier::declare(d, s.querier);
    d.set_module("query-frontend");
    query_frontend::declare(d, s.query_frontend);
    d.set_module("query-scheduler");
    query_scheduler::declare(d, s.query_scheduler);
    d.set_module("continuous-test");
    continuous_test::declare(d, s.continuous_test);
    d.set_module("gateway");
    gateway::declare(d, s.gateway);
    config::declare(d, s.limits);  // in force at once,
    declare(d, s.runtime_config);  // and so are these
    d.set_module("self-monitoring");
    self_monitoring::declare(d, s.self_monitoring);
}

bool Settings::uses_etcd() const {
    return std::ranges::any_of(ring_rows(), [this](const RingRow& row) {
        return ring_store(*this, row).store == kv::StoreKind::etcd;
    });
}

void validate(const Settings& settings, config::Findings& findings) {
    const auto check_tenant = [&](std::string_view key, std::string_view name) {
        const auto tenant = model::TenantId::parse(name);
        if (!tenant) findings.add(std::string(key), tenant.error().message);
    };
    check_tenant("no_auth_tenant", settings.no_auth_tenant);
    check_tenant("self_monitoring.tenant", settings.self_monitoring.tenant);
    const auto is_plain = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    };
    if (!std::ranges::all_of(settings.node.name, is_plain)) {
        findings.add("node.name", "expected letters, digits, '-' and '_' only");
    }
    validate(settings.common, findings);
    distributor::validate(settings.distributor, settings.common.kvstore, findings);
    for (const RingRow& row : ring_rows()) {
        const std::string section = ring_section(row);
        kv::validate(settings.common.kvstore, row.settings(settings).kvstore, section, findings);
    }
    distributor::validate(settings.distributor, settings.common.kvstore, findings);
    ingester::validate(settings.ingester, findings);
    querier::validate(settings.querier, findings);
    query_scheduler::validate(settings.query_scheduler, findings);
    query_frontend::validate(settings.query_frontend, findings);
    continuous_test::validate(settings.continuous_test, findings);
    admin::validate(settings.admin, findings);
    if (settings.querier.timeout > settings.server.http_server_write_timeout) {
        findings.add(
            "querier.timeout",
            fmt::format(
                "must be at most server.http_server_write_timeout, which is {}; it is {}",
                format_duration(settings.server.http_server_write_timeout),
                format_duration(settings.querier.timeout)
            )
        );
    }
}

}  // namespace mimir::app
