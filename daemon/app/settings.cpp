#include "app/settings.hpp"

#include <fmt/format.h>

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

}  // namespace

void declare(config::Declarer& d, CommandLine& c) {
    d.option(c.config_file, {.flag = "config.file", .help = "YAML file with settings."});
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
        }
    );
    declare(d, s.server);
    distributor::declare(d, s.distributor);
    ingester::declare(d, s.ingester);
    querier::declare(d, s.querier);
    query_frontend::declare(d, s.query_frontend);
    config::declare(d, s.limits);
    declare(d, s.runtime_config);
    self_monitoring::declare(d, s.self_monitoring);
}

void validate(const Settings& settings, config::Findings& findings) {
    const auto check_tenant = [&](std::string_view key, std::string_view name) {
        const auto tenant = model::TenantId::parse(name);
        if (!tenant) findings.add(std::string(key), tenant.error().message);
    };
    check_tenant("no_auth_tenant", settings.no_auth_tenant);
    check_tenant("self_monitoring.tenant", settings.self_monitoring.tenant);
    ingester::validate(settings.ingester, findings);
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
