#include <algorithm>
#include <ostream>

#include "api/endpoints.hpp"
#include "ctl/build_info.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/commands/read_input.hpp"
#include "ctl/context.hpp"
#include "ctl/output/structured.hpp"

namespace mimir::ctl {
namespace {

using api::CheckState;
using api::DoctorCheck;

/// What can be seen from here, before the daemon is asked for what it sees.
class OwnChecks {
  public:
    explicit OwnChecks(Context& context) : context_(context) {}

    /// Whether there is a daemon to ask for more.
    Outcome<bool> run() {
        MIMIR_TRY(Connection * connection, context_.connection());
        const auto json = connection->send({.endpoint = api::kGetStatus});
        if (!json) {
            const Failure& failure = json.error();
            exit_code_ = failure.exit_code;
            add("connection",
                CheckState::failure,
                failure.what + ": " + failure.why,
                failure.next_steps.empty() ? "" : failure.next_steps.front());
            return false;
        }
        MIMIR_TRY(const auto status, context_.decode<api::Status>(*json));
        add("connection",
            CheckState::ok,
            fmt::format("mimird (pid {}) answers at {}", status.pid, connection->daemon().name));
        check_version(status);
        check_config_file(status);
        return true;
    }

    [[nodiscard]] const std::vector<DoctorCheck>& checks() const { return checks_; }
    [[nodiscard]] ExitCode exit_code() const { return exit_code_; }

  private:
    void add(std::string name, CheckState state, std::string what, std::string fix = {}) {
        checks_.push_back({std::move(name), state, std::move(what), std::move(fix)});
    }

    void check_version(const api::Status& status) {
        const bool is_same = status.version == kVersion;
        add("versions",
            is_same ? CheckState::ok : CheckState::warning,
            fmt::format("mimird {}, mimirctl {}", status.version, kVersion),
            is_same ? "" : "install both from the same release");
    }

    /// The daemon holds what it read when it started; a file that has gone is noticed at the next reload or restart.
    void check_config_file(const api::Status& status) {
        if (status.config_file.empty()) return;
        if (!context_.connection().value()->daemon().endpoint.unix_path.empty()) {
            const auto text = read_file(status.config_file);
            add("config file",
                text ? CheckState::ok : CheckState::warning,
                text ? status.config_file + " can be read"
                     : text.error().what + ": " + text.error().why,
                text
                    ? ""
                    : "give it back before mimird restarts, or run this as a user who may read it");
        }
    }

    Context& context_;
    std::vector<DoctorCheck> checks_;
    ExitCode exit_code_ = ExitCode::done;
};

Tone tone_of(CheckState state) {
    switch (state) {
        case CheckState::ok: return Tone::good;
        case CheckState::warning: return Tone::busy;
        case CheckState::failure: return Tone::bad;
    }
    return Tone::plain;
}

Table checks_table(const std::vector<DoctorCheck>& checks) {
    Table table{.columns = {{"CHECK"}, {"STATE"}, {"SEEN"}}, .rows = {}};
    for (const DoctorCheck& check : checks) {
        table.rows.push_back(
            {Cell(check.name),
             Cell(api::to_string(check.state), tone_of(check.state)),
             Cell(check.what)}
        );
        if (!check.fix.empty())
            table.rows.push_back({Cell(" "), Cell(" "), Cell("fix: " + check.fix)});
    }
    return table;
}

ExitCode exit_code_of(const std::vector<DoctorCheck>& checks) {
    const auto worst = std::ranges::max_element(checks, {}, &DoctorCheck::state);
    if (worst == checks.end() || worst->state == CheckState::ok) return ExitCode::done;
    return worst->state == CheckState::warning ? ExitCode::degraded : ExitCode::failed;
}

}  // namespace

Outcome<ExitCode> run_doctor(Context& context) {
    OwnChecks own(context);
    MIMIR_TRY(const bool is_there, own.run());
    std::string json = api::to_json(own.checks());
    if (is_there) {
        const Call call{.endpoint = api::kDoctor, .patience = std::chrono::seconds(60)};
        MIMIR_TRY(const std::string theirs, context.send(call));
        MIMIR_TRY(json, or_exit(joined(json, theirs), ExitCode::failed));
    }
    MIMIR_TRY(context.show<std::vector<DoctorCheck>>(json, "name", checks_table));
    if (own.exit_code() != ExitCode::done) return own.exit_code();
    MIMIR_TRY(const auto checks, context.decode<std::vector<DoctorCheck>>(json));
    return exit_code_of(checks);
}

}  // namespace mimir::ctl
