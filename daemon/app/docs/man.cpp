#include <fmt/format.h>

#include "app/build_info.hpp"
#include "app/docs/pages.hpp"
#include "app/load_settings.hpp"
#include "app/module_table.hpp"
#include "base/troff.hpp"
#include "config/print.hpp"

namespace mimir::app {
namespace {

std::string see_also() {
    return ".SH SEE ALSO\n.BR mimird (8),\n.BR mimird.yaml (5),\n.BR mimirctl (1)\n";
}

std::string targets() {
    const Settings settings;
    std::string out = ".nf\n";
    out += troff::escaped(module_table(settings, nullptr).describe_targets());
    return out + ".fi\n";
}

}  // namespace

std::string daemon_man_page() {
    using troff::escaped;
    using troff::prose;
    using troff::tagged;
    const Loaded loaded;
    std::string out = troff::heading({
        .name = "mimird",
        .section = 8,
        .summary = "a store for Prometheus metrics, of one process or many",
        .version = build_info().version,
    });
    out += ".SH SYNOPSIS\n.nf\n";
    out += escaped("mimird [-config.file=FILE] [-target=NAME[,NAME]...] [FLAG]...\n");
    out += escaped("systemctl start|stop|reload|status mimird.service\n") + ".fi\n";
    out += ".SH DESCRIPTION\n";
    out += prose(
        "A multi-tenant store that takes Prometheus remote write and answers PromQL over Prometheus' HTTP "
        "API, built from components that run in one process or in many. Which of them run can be changed "
        "while the process serves: see `mimirctl`.\n"
    );
    out += ".SH TARGETS\n" + targets();
    out += ".SH OPTIONS\n";
    out += prose(
        "Flags may be written `-flag=value`, `--flag=value`, `-flag value` or `--flag value`, and win over "
        "the file of `-config.file`. `-help-all` shows more; mimird.yaml(5) describes each.\n"
    );
    out += print_man_flags(loaded.declared);
    out += ".SH UNITS\n";
    out += tagged("mimird.service", "The node's primary process, on /etc/mimird/mimird.yaml.");
    out += tagged(
        "mimird@NAME.service",
        "One component beside it, on the same settings and state folder. `mimirctl migrate` starts and "
        "stops them; user mimird may do so, and nothing else, by a rule of polkit."
    );
    out += tagged("mimird.target", "All of them.");
    out += tagged(
        "mimird-http.socket",
        "Keeps the public port open while mimird restarts. Not enabled by default."
    );
    out += ".SH SIGNALS\n";
    out += tagged("SIGTERM, SIGINT", "Drains and ends; a second one ends at once.");
    out += tagged("SIGHUP", "Reads the settings again, as `mimirctl config reload` does.");
    out += ".SH ENVIRONMENT\n";
    out += tagged("MIMIRD_FLAGS", "Of the units: further flags, set in /etc/default/mimird.");
    out += tagged(
        "MIMIRD_COMPONENT_FLAGS",
        "Of one component's unit: flags that win over the others, set in /etc/default/mimird-NAME."
    );
    out += tagged(
        "NOTIFY_SOCKET, WATCHDOG_USEC", "Set by systemd, which is told of the process' state."
    );
    out += tagged("JOURNAL_STREAM", "Set by systemd: the log goes to the journal with its fields.");
    out += ".SH FILES\n";
    out += tagged("/etc/mimird/mimird.yaml", "Settings.");
    out +=
        tagged("/etc/default/mimird, /etc/default/mimird-NAME", "Flags; whether upgrades restart.");
    out += tagged("/run/mimird/admin.sock, /run/mimird/NAME.sock", "The admin API, for mimirctl.");
    out += tagged("/var/lib/mimird", "Data and state.");
    out += ".SH EXIT STATUS\n";
    out += tagged("0", "A clean end.");
    out += tagged("1", "The configuration is wrong, or a module failed.");
    out += tagged("2", "Wrong usage.");
    return out + see_also();
}

std::string settings_man_page() {
    const Loaded loaded;
    std::string out = troff::heading({
        .name = "mimird.yaml",
        .section = 5,
        .summary = "settings of mimird",
        .version = build_info().version,
    });
    out += ".SH DESCRIPTION\n";
    out += troff::prose(
        "A YAML file with Mimir's keys, named by `-config.file`; the packaged units read "
        "/etc/mimird/mimird.yaml. `a.b.c` below means key c in section b in section a. Durations are "
        "written as 30s, 1h30m or 7d; sizes as a number of bytes or as 64KiB. `mimirctl config check` "
        "names every mistake in a file.\n"
    );
    return out + print_man_settings(loaded.declared) + see_also();
}

}  // namespace mimir::app
