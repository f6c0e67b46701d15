// What Control shows without changing anything.

#include <unistd.h>

#include <algorithm>

#include "admin/control.hpp"
#include "base/nearest.hpp"
#include "telemetry/process_metrics.hpp"

namespace mimir::admin {
namespace {

using modules::contains;
using modules::Names;

api::ModuleState to_api(modules::State state) {
    switch (state) {
        case modules::State::starting: return api::ModuleState::starting;
        case modules::State::running: return api::ModuleState::running;
        case modules::State::stopping: return api::ModuleState::stopping;
        case modules::State::failed: return api::ModuleState::failed;
        case modules::State::new_:
        case modules::State::terminated: break;
    }
    return api::ModuleState::stopped;
}

std::string join(const Names& names) { return fmt::format("{}", fmt::join(names, ",")); }

}  // namespace

api::Status Control::status() const {
    const modules::Manager& manager = environment_.manager;
    api::Status status{
        .not_ready = manager.not_running(),
        .revision = manager.revision(),
        .operation = environment_.runner.current(),
        .journal = "ok",
        .pid = ::getpid(),
        .started = started_,
    };
    {
        std::lock_guard lock(mutex_);
        status.target = join(target_.names);
        status.target_source = target_.source;
    }
    for (const modules::ModuleStatus& module : manager.statuses()) {
        status.modules_running += module.state == modules::State::running ? 1 : 0;
        status.modules_failed += module.state == modules::State::failed ? 1 : 0;
    }
    status.mode = mode();
    if (const auto health = environment_.journal.health(); !health) {
        status.journal = health.error().message;
    }
    const telemetry::ProcessUsage usage = telemetry::process_usage();
    status.resident_bytes = usage.resident_bytes;
    status.open_fds = usage.open_fds;
    status.threads = usage.threads;
    environment_.host.describe(status);
    return status;
}

/// The components that someone asked for tell it.
api::Mode Control::mode() const {
    const Names all = environment_.table.with_dependencies({"all"});
    std::size_t components = 0;
    std::size_t of_all = 0;
    std::size_t wanted_of_all = 0;
    std::size_t moving_here = 0;
    const Names wanted = environment_.table.with_dependencies(environment_.manager.wanted());
    for (const modules::Module& module : environment_.table.modules()) {
        if (!module.targetable || !module.factory) continue;
        const bool is_wanted = contains(wanted, module.name);
        components += is_wanted ? 1 : 0;
        of_all += contains(all, module.name) ? 1 : 0;
        wanted_of_all += is_wanted && contains(all, module.name) ? 1 : 0;
        moving_here += is_wanted && module.moves == modules::Moves::beside ? 1 : 0;
    }
    if (wanted_of_all == of_all) return api::Mode::monolithic;
    const bool is_peeled = !environment_.journal.processes().empty() && moving_here == 0;
    return components == 1 || is_peeled ? api::Mode::microservices : api::Mode::custom;
}

std::vector<api::Module> Control::modules() const {
    const modules::ModuleTable& table = environment_.table;
    const Names all = table.with_dependencies({"all"});
    const auto routes = environment_.router.list();
    std::vector<api::Module> modules;
    for (const modules::ModuleStatus& status : environment_.manager.statuses()) {
        const modules::Module& row = *table.find(status.name);
        api::Module module{
            .name = status.name,
            .state = to_api(status.state),
            .since = status.state == modules::State::new_ ? started_ : status.since,
            .in_all = contains(all, status.name),
            .dependencies = row.dependencies,
            .error = status.error,
            .targetable = row.targetable,
            .wanted = status.wanted,
            .always = row.always,
            .restarts = status.restarts,
            .next_restart = status.next_restart,
        };
        for (const modules::Module& other : table.modules()) {
            if (other.factory && contains(other.dependencies, status.name)) {
                module.needed_by.push_back(other.name);
            }
        }
        for (const auto& route : routes) {
            if (route.module == status.name) module.routes.push_back(route.pattern);
        }
        modules.push_back(std::move(module));
    }
    return modules;
}

Result<api::Module> Control::module(std::string_view name) const {
    auto all = modules();
    std::vector<std::string_view> names;
    for (api::Module& module : all) {
        if (module.name == name) return std::move(module);
        names.push_back(module.name);
    }
    return fail_with_id(
        ErrorKind::not_found,
        "module-unknown",
        "there is no module \"{}\"{}",
        name,
        did_you_mean(name, names)
    );
}

Result<api::Ring> Control::ring(std::string_view name) const {
    std::vector<api::Ring> rings = environment_.host.rings();
    std::vector<std::string_view> names;
    for (api::Ring& ring : rings) {
        if (ring.name == name) return std::move(ring);
        names.push_back(ring.name);
    }
    return fail_with_id(
        ErrorKind::not_found,
        "ring-unknown",
        "this daemon reads no ring \"{}\"{}",
        name,
        did_you_mean(name, names)
    );
}

std::vector<api::Target> Control::targets() const {
    const modules::ModuleTable& table = environment_.table;
    const Names all = table.with_dependencies({"all"});
    std::vector<api::Target> targets;
    std::lock_guard lock(mutex_);
    for (const std::string_view name : table.targets()) {
        api::Target target{
            .name = std::string(name),
            .in_all = name != "all" && contains(all, name),
            .current = contains(target_.names, name),
        };
        for (std::string& module : table.with_dependencies({target.name})) {
            if (table.find(module)->factory) target.modules.push_back(std::move(module));
        }
        targets.push_back(std::move(target));
    }
    return targets;
}

api::TargetView Control::target() const {
    const auto configured = environment_.host.configured_target();
    const auto stored = environment_.journal.stored_target();
    const bool stored_counts = stored && configured.source != api::TargetSource::command_line;
    std::lock_guard lock(mutex_);
    return {
        .target = join(target_.names),
        .source = target_.source,
        .stored = stored,
        .configured = join(configured.names),
        .after_restart = stored_counts ? *stored : join(configured.names),
        .revision = revision(),
    };
}

}  // namespace mimir::admin
