#include "app/recomposition.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "api/endpoints.hpp"
#include "app/discovery.hpp"
#include "http/client.hpp"

namespace mimir::app {
namespace {

using modules::Change;
using modules::Names;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kLookInterval = 20ms;
/// Until a process that was begun is ready.
constexpr std::chrono::milliseconds kReadyTimeout = 2min;
/// A process that ends more often while it should get ready is not waited for.
constexpr std::uint32_t kRestartsMax = 2;
constexpr std::chrono::milliseconds kStopGrace = 1min;
constexpr std::chrono::milliseconds kReloadTimeout = 10s;

/// Looks until `done` is true. Errors: timeout, with what is waited for; canceled.
Result<void> wait_until(
    const CancellationToken& cancel,
    std::chrono::milliseconds limit,
    std::string_view what,
    const std::function<Result<bool>()>& done
) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        MIMIR_TRY(const bool is_done, done());
        if (is_done) return {};
        MIMIR_TRY(cancel.check());
        if (std::chrono::steady_clock::now() >= end) {
            return fail(ErrorKind::timeout, "{} not within {} s", what, limit.count() / 1000);
        }
        std::this_thread::sleep_for(kLookInterval);
    }
}

std::filesystem::path program() {
    std::error_code error;
    std::string path = std::filesystem::read_symlink("/proc/self/exe", error);
    constexpr std::string_view kGone = " (deleted)";  // an upgrade replaced it
    if (path.ends_with(kGone)) path.resize(path.size() - kGone.size());
    return path;
}

/// Whether systemd started this process as mimird.service. sd_pid_get_unit(3) would look at process 1 as well, which a
/// unit's sandbox hides.
bool is_unit_of_systemd() {
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        if (line.ends_with("/mimird.service")) return true;
    }
    return false;
}

std::unique_ptr<launch::Launcher> create_launcher(const Wiring& wiring) {
    const LauncherKind kind = wiring.settings()->node.launcher;
    const telemetry::Logger log = wiring.log.component("launcher");
    const bool is_systemd =
        kind == LauncherKind::systemd || (kind == LauncherKind::automatic && is_unit_of_systemd());
    if (is_systemd) return launch::create_systemd({}, log, wiring.clock);
    return launch::create_supervisor({.program = program()}, log, wiring.clock);
}

/// Whoever answers reloads, as its operations tell.
Result<void> ask_to_reload(const std::filesystem::path& admin_socket) {
    MIMIR_TRY(auto endpoint, http::Endpoint::at_path(admin_socket));
    http::BlockingClient client(std::move(endpoint));
    http::ClientRequest request{
        .method = http::Method::post,
        .target = std::string(api::kReloadConfig.path),
        .headers = {{"Content-Type", "application/json"}},
        .body = "{}",
    };
    const auto deadline = std::chrono::steady_clock::now() + kReloadTimeout;
    MIMIR_TRY(
        const auto answer, client.send(std::move(request), CancellationToken::create(deadline))
    );
    if (answer.status / 100 == 2) return {};
    return fail(ErrorKind::unavailable, "its admin API answers {}: {}", answer.status, answer.body);
}

api::ProcessState to_api(launch::ProcessState state) {
    switch (state) {
        case launch::ProcessState::starting: return api::ProcessState::starting;
        case launch::ProcessState::running: return api::ProcessState::running;
        case launch::ProcessState::waiting: return api::ProcessState::waiting;
        case launch::ProcessState::failed: return api::ProcessState::failed;
        case launch::ProcessState::stopping: return api::ProcessState::stopping;
    }
    return api::ProcessState::failed;
}

/// A port that nobody listens at now; 0 when there is none.
std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    const bool found = ::bind(socket, any, size) == 0 && ::getsockname(socket, any, &size) == 0;
    ::close(socket);
    return found ? ntohs(address.sin_port) : 0;
}

const RingRow* ring_of(std::string_view module) {
    const auto rows = ring_rows();
    const auto row = std::ranges::find(rows, module, &RingRow::component);
    return row == rows.end() ? nullptr : &*row;
}

}  // namespace

Recomposition::Recomposition(Environment environment)
    : environment_(std::move(environment)),
      wiring_(environment_.wiring),
      log_(wiring_.log.component("migration")),
      launcher_(create_launcher(wiring_)) {}

void Recomposition::keep(const Names& processes) {
    for (const std::string& module : processes) launcher_->start(spec(module));
}

Names Recomposition::left_over(const Names& kept) const {
    Names names;
    for (const modules::Module& module : environment_.table.modules()) {
        const bool is_there = module.moves == modules::Moves::beside &&
                              !modules::contains(kept, module.name) &&
                              wiring_.files.exists(mark(module.name));
        if (is_there) names.push_back(module.name);
    }
    std::ranges::reverse(names);
    return names;
}

void Recomposition::stop_all() {
    const auto table = environment_.table.modules();
    const auto kept = launcher_->list();
    // What it would pass on, and nobody will answer, it refuses.
    const bool has_gateway = environment_.manager.state("gateway") == modules::State::running;
    if (!kept.empty() && has_gateway) (void)stop_module("gateway");
    for (auto module = table.rbegin(); module != table.rend(); ++module) {
        if (std::ranges::find(kept, module->name, &launch::ProcessStatus::name) == kept.end()) {
            continue;
        }
        if (const auto ended = stop_process(module->name); !ended) {
            log_.warn("stopping a process", {{"process", module->name}, {"err", ended.error()}});
        }
    }
}

std::vector<api::Process> Recomposition::processes() const {
    std::vector<api::Process> all;
    for (launch::ProcessStatus& process : launcher_->list()) {
        all.push_back({
            .name = process.name,
            .state = to_api(process.state),
            .pid = process.pid,
            .since = process.since,
            .restarts = process.restarts,
            .admin_socket = admin_socket(process.name),
            .error = std::move(process.error),
        });
    }
    return all;
}

Names Recomposition::reload_all() const {
    Names failures;
    for (const launch::ProcessStatus& process : launcher_->list()) {
        const auto asked = ask_to_reload(admin_socket(process.name));
        if (asked) continue;
        failures.push_back(
            fmt::format("the process {} was not reloaded: {}", process.name, asked.error().message)
        );
    }
    return failures;
}

std::filesystem::path Recomposition::admin_socket(const std::string& module) const {
    std::filesystem::path own = wiring_.settings()->admin.socket;
    if (own.empty()) own = admin::default_socket("");
    if (own.empty()) return std::filesystem::absolute(mark(module).parent_path() / "admin.sock");
    return std::filesystem::absolute(own).parent_path() / (module + ".sock");
}

std::filesystem::path Recomposition::mark(const std::string& module) const {
    return std::filesystem::path(wiring_.settings()->node.state_dir) / "processes" / module /
           "begun";
}

launch::ProcessSpec Recomposition::spec(const std::string& module) const {
    const auto settings = wiring_.settings();
    launch::ProcessSpec spec{
        .name = module, .arguments = environment_.arguments, .admin_socket = admin_socket(module)
    };
    // Of several values for a flag the last one wins.
    const auto set = [&](std::string_view flag, std::string_view value) {
        spec.arguments.push_back(fmt::format("-{}={}", flag, value));
    };
    const std::string id = id_beside(module);
    set("target", module);
    set("node.name", module);
    set("admin.socket", spec.admin_socket.native());
    set("admin.listen-address", "");
    set("server.http-listen-address", "127.0.0.1");
    set("server.http-listen-port", "0");
    set("common.instance-id", id);
    const std::string port = fmt::to_string(free_port());
    if (wiring_.identity->listens_on_tcp) {
        set("server.internal-listen-port", port);
        const std::string& address = settings->common.instance_addr;
        const auto endpoint = http::Endpoint::parse(address);
        if (!address.empty() && endpoint) set("common.instance-addr", endpoint->host);
    }
    if (const RingRow* row = ring_of(module)) {
        const ring::RingSettings& own = row->settings(*settings);
        if (!own.instance_id.empty()) set(module + ".ring.instance-id", id);
        if (own.instance_port != 0) set(module + ".ring.instance-port", port);
    }
    return spec;
}

std::string Recomposition::id_beside(const std::string& module) const {
    return fmt::format("{}-{}", wiring_.identity->identity.id, module);
}

migration::Situation Recomposition::observe() {
    migration::Situation situation;
    for (const modules::ModuleStatus& status : environment_.manager.list()) {
        if (status.state == modules::State::running) situation.here.push_back(status.name);
    }
    for (const launch::ProcessStatus& process : launcher_->list()) {
        if (process.state == launch::ProcessState::running)
            situation.beside.push_back(process.name);
    }
    return situation;
}

void Recomposition::begin() { witness_.emplace(wiring_); }

api::MigrationReport Recomposition::end() {
    api::MigrationReport report = witness_->finish();
    witness_.reset();
    return report;
}

Result<void> Recomposition::start_module(
    const std::string& module, const CancellationToken& cancel
) {
    MIMIR_TRY(environment_.manager.apply(
        {.kind = Change::Kind::start, .modules = {module}, .cancel = cancel}
    ));
    return {};
}

Result<void> Recomposition::stop_module(const std::string& module) {
    MIMIR_TRY(environment_.manager.apply({.kind = Change::Kind::stop, .modules = {module}}));
    return {};
}

Result<void> Recomposition::start_process(
    const std::string& module, const CancellationToken& cancel
) {
    MIMIR_TRY(wiring_.files.create_directories(mark(module).parent_path()));
    MIMIR_TRY(fs::write_file_atomically(wiring_.files, mark(module), ""));
    launcher_->start(spec(module));
    const auto is_ready = [&]() -> Result<bool> {
        const auto all = launcher_->list();
        const auto process = std::ranges::find(all, module, &launch::ProcessStatus::name);
        if (process == all.end()) return fail(ErrorKind::unavailable, "{} was stopped", module);
        const bool is_hopeless =
            process->state == launch::ProcessState::failed || process->restarts > kRestartsMax;
        if (is_hopeless) {
            return fail(
                ErrorKind::unavailable,
                "the process {} does not run: {}; its log says more",
                module,
                process->error
            );
        }
        return process->state == launch::ProcessState::running && instance(module, false);
    };
    return wait_until(
        cancel, kReadyTimeout, module + " is ready and healthy in its ring:", is_ready
    );
}

Result<void> Recomposition::stop_process(const std::string& module) {
    auto ended = launcher_->stop(
        {.name = module, .arguments = {}, .admin_socket = admin_socket(module)}, kStopGrace
    );
    const bool is_gone = ended || ended.error().kind == ErrorKind::timeout;
    if (is_gone && wiring_.files.exists(mark(module))) {
        MIMIR_TRY(wiring_.files.remove_file(mark(module)));
    }
    return ended;
}

std::optional<gateway::Upstream> Recomposition::instance(const std::string& module, bool here)
    const {
    if (ring_of(module) == nullptr) return gateway::Upstream{.instance = module, .local = here};
    const std::string id = here ? wiring_.identity_in(module).id : id_beside(module);
    for (gateway::Upstream& upstream : discover(wiring_, module)) {
        if (upstream.instance == id && upstream.healthy) return std::move(upstream);
    }
    return {};
}

Result<void> Recomposition::prove(
    const std::string& module, bool here, const CancellationToken& cancel
) {
    std::optional<gateway::Upstream> found;
    MIMIR_TRY(wait_until(
        cancel,
        kReadyTimeout,
        module + " is healthy in its ring:",
        [&]() -> Result<bool> {
            found = instance(module, here);
            return found.has_value();
        }
    ));
    return environment_.table.find(module)->prove(found->address, cancel);
}

Result<void> Recomposition::route(
    const std::string& module, bool here, const CancellationToken& cancel
) {
    const auto routes = wiring_.routes.get();
    if (!routes) return fail(ErrorKind::unavailable, "the gateway does not run");
    std::optional<gateway::Upstream> to;
    std::optional<gateway::RouteTable::Flip> flip;
    MIMIR_TRY(wait_until(cancel, kReadyTimeout, "the route of " + module, [&]() -> Result<bool> {
        to = instance(module, here);
        const auto snapshot = routes->load();
        const gateway::RouteEntry* entry = snapshot->find(module, "");
        if (!to || entry == nullptr) return false;
        auto pinned = routes->pin({.module = module, .to = *to}, entry->revision);
        if (pinned) flip = *std::move(pinned);
        if (!pinned && pinned.error().kind != ErrorKind::conflict)
            return tl::unexpected(pinned.error());
        return pinned.has_value();
    }));
    // The longest query may take its time.
    const auto limit = wiring_.settings()->querier.timeout + kReadyTimeout;
    return wait_until(cancel, limit, "requests at the old instance ended", [&]() -> Result<bool> {
        return std::ranges::all_of(flip->before, [&](const auto& target) {
            return target->instance == to->instance || target->in_flight() == 0;
        });
    });
}

void Recomposition::unroute(const std::string& module) {
    const auto routes = wiring_.routes.get();
    if (!routes) return;
    // As it is now: the gateway last looked a while ago.
    routes->update(module, discover(wiring_, module));
    for (bool again = true; again;) {
        const auto snapshot = routes->load();
        const gateway::RouteEntry* entry = snapshot->find(module, "");
        if (entry == nullptr || !entry->pinned) return;
        const auto freed = routes->unpin(module, "", entry->revision);
        again = !freed && freed.error().kind == ErrorKind::conflict;
    }
}

void Recomposition::stored(const Names& target, const Names&) { environment_.stored(target); }

Result<void> Recomposition::set_target(const Names& target) {
    if (witness_) witness_->count_requests();
    MIMIR_TRY(environment_.manager.apply({.kind = Change::Kind::set_target, .modules = target}));
    return {};
}

}  // namespace mimir::app
