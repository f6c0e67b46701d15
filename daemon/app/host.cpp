#include "app/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "app/build_info.hpp"
#include "app/module_table.hpp"
#include "app/ok_to_stop.hpp"
#include "app/recomposition.hpp"
#include "app/runtime_config_module.hpp"
#include "base/nearest.hpp"
#include "config/print.hpp"
#include "http/client.hpp"
#include "modules/manager.hpp"

namespace mimir::app {
namespace {

constexpr std::string_view kMask = "********";

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (end > 0) lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// Flags and file, or the text in place of the file, as a start would read them; the findings are lines.
Result<std::shared_ptr<Loaded>> load_as_at_start(
    const std::vector<std::string>& arguments, const std::optional<config::NamedText>& text
) {
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    auto loaded = std::make_shared<Loaded>();
    const auto done = text ? load(views, *text, *loaded) : load(views, *loaded);
    std::string findings = done ? "" : done.error().text;
    if (done) {
        const auto table = module_table(loaded->settings, nullptr);
        if (const auto checked = table.check_targets(loaded->settings.target); !checked) {
            findings = "target: " + checked.error().message;
        }
    }
    if (findings.empty()) return loaded;
    return tl::unexpected(Error{ErrorKind::invalid, "config-invalid", std::move(findings)});
}

std::string text_of(const config::Option& option) {
    return option.secret ? std::string(kMask) : config::format_value(option.load());
}

/// As it is when the folder of the process is gone.
std::string absolute_path(const std::filesystem::path& path) {
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    return error ? path : absolute.lexically_normal();
}

api::Ring to_api(const ring::RingStatus& status, const ring::Identity& self) {
    api::Ring ring{
        .name = status.name,
        .store = status.store,
        .replication_factor = status.replication_factor,
        .problem = status.problem,
        .self = self.id,
        .self_address = self.address,
    };
    constexpr double kPermille = 1000;
    for (const ring::MemberStatus& member : status.members) {
        ring.members.push_back({
            .id = member.instance.id,
            .state = std::string(to_string(member.instance.state)),
            .healthy = member.healthy,
            .address = member.instance.address,
            .zone = member.instance.zone,
            .here = member.instance.id == self.id,
            .read_only = member.instance.read_only,
            .seen_ms_ago = static_cast<std::uint64_t>(member.since_seen.count()),
            .tokens = member.instance.tokens.size(),
            .ownership_permille =
                static_cast<std::uint64_t>(std::lround(member.ownership * kPermille)),
        });
    }
    return ring;
}

/// Settings of a reload beside those in force.
class ReadSettings final : public admin::NewSettings {
  public:
    ReadSettings(Wiring& wiring, std::shared_ptr<Loaded> read)
        : wiring_(wiring),
          log_(wiring.log.component("reload")),
          former_(wiring.loaded.load()),
          read_(std::move(read)) {
        each([this](const config::Option& before, const config::Option& after) {
            if (before.key.empty() || before.load() == after.load()) return;
            differences_.push_back({
                .key = std::string(before.key),
                .running = text_of(before),
                .file = text_of(after),
                .module = std::string(before.restarts),
            });
        });
    }

    [[nodiscard]] std::vector<api::ConfigDifference> differences() const override {
        return differences_;
    }

    void apply() override {
        // What only a restart brings stays as it is in force, and so it is shown.
        each([](const config::Option& before, const config::Option& after) {
            if (before.restarts == config::kProcess) after.store(before.load());
        });
        read_->target_from = former_->target_from;
        put_in_force(read_);
    }
    void revert() override { put_in_force(former_); }

  private:
    void each(const std::function<void(const config::Option&, const config::Option&)>& visit) {
        const auto& before = former_->declared.options();
        const auto& after = read_->declared.options();
        for (std::size_t i = 0; i < before.size(); ++i) visit(before[i], after[i]);
    }

    void put_in_force(const std::shared_ptr<const Loaded>& settings) {
        wiring_.loaded.store(settings);
        wiring_.log.set_level(settings->settings.server.log_level);
        wiring_.limits.replace_defaults(settings->settings.limits);
        if (wiring_.manager->state("runtime-config") != modules::State::running) return;
        if (const auto read = load_overrides(wiring_); !read) {
            log_.error(
                "runtime config not reloaded, the last good one stays", {{"err", read.error()}}
            );
        }
    }

    Wiring& wiring_;
    const telemetry::Logger log_;
    const std::shared_ptr<const Loaded> former_;
    const std::shared_ptr<Loaded> read_;
    std::vector<api::ConfigDifference> differences_;
};

}  // namespace

Host::Host(Wiring& wiring, std::vector<std::string> arguments, std::function<void()> end)
    : wiring_(wiring), arguments_(std::move(arguments)), end_(std::move(end)) {}

void Host::describe(api::Status& status) const {
    const auto loaded = wiring_.loaded.load();
    const Settings& settings = loaded->settings;
    status.version = build_info().version;
    status.build_revision = build_info().revision;
    status.scaled_out = ring_store(settings, ring_row("ingester")).store == kv::StoreKind::etcd;
    status.ready = status.not_ready.empty() && !wiring_.stopping;
    if (wiring_.stopping) status.not_ready.emplace_back("mimird is stopping");
    if (const std::uint16_t port = wiring_.http_port; port != 0) {
        const std::string& host = settings.server.http_listen_address;
        status.http_address =
            http::Endpoint{.host = host.empty() ? "localhost" : host, .port = port}.authority();
    }
    status.prometheus_prefix = settings.query_frontend.prometheus_http_prefix;
    status.admin_socket = wiring_.admin_socket.with([](const auto& path) { return path; });
    status.state_dir = absolute_path(settings.node.state_dir);
    const std::string& file = loaded->command_line.config_file;
    if (!file.empty()) status.config_file = absolute_path(file);
}

std::string Host::data_dir() const { return wiring_.settings()->ingester.dir; }

Host::ConfiguredTarget Host::configured_target() const {
    const auto loaded = wiring_.loaded.load();
    using From = Loaded::TargetFrom;
    const auto source = loaded->target_from == From::command_line ? api::TargetSource::command_line
                        : loaded->target_from == From::file       ? api::TargetSource::file
                                                                  : api::TargetSource::built_in;
    return {loaded->settings.target, source};
}

std::string Host::settings(admin::Shown shown) const {
    const auto printed = shown == admin::Shown::diff       ? config::Printed::diff
                         : shown == admin::Shown::defaults ? config::Printed::defaults
                                                           : config::Printed::effective;
    return print_yaml(wiring_.loaded.load()->declared, printed);
}

Result<std::shared_ptr<admin::NewSettings>> Host::read_settings() const {
    if (wiring_.loaded.load()->command_line.config_file.empty()) {
        return fail_with_id(
            ErrorKind::conflict, "config-no-file", "mimird was started without -config.file"
        );
    }
    MIMIR_TRY(auto loaded, load_as_at_start(arguments_, std::nullopt));
    return std::make_shared<ReadSettings>(wiring_, std::move(loaded));
}

std::vector<std::string> Host::check_settings(const std::string& yaml, const std::string& name)
    const {
    const auto loaded = load_as_at_start(arguments_, config::NamedText{name, yaml});
    return loaded ? std::vector<std::string>() : lines_of(loaded.error().message);
}

std::vector<api::Ring> Host::rings() const {
    const auto settings = wiring_.settings();
    std::vector<api::Ring> rings;
    for (const RingRow& row : ring_rows()) {
        const auto read = wiring_.ring_slot(row.component).get();
        if (!read) continue;
        const RingIdentity self = ring_identity(*settings, row, *wiring_.identity);
        rings.push_back(to_api(read->status(), self.identity));
        rings.back().self_address_from = self.address_from;
    }
    std::ranges::sort(rings, {}, &api::Ring::name);
    return rings;
}

Result<void> Host::forget(const std::string& ring, const std::string& member) {
    const auto read = wiring_.ring_slot(ring).get();
    if (!read) return fail(ErrorKind::unavailable, "the ring {} is not read any more", ring);
    return read->forget(member);
}

std::vector<api::Process> Host::processes() const { return wiring_.recomposition->processes(); }

std::vector<std::string> Host::reload_processes() const {
    return wiring_.recomposition->reload_all();
}

Result<api::StopAdvice> Host::ok_to_stop(bool release) {
    return release ? release_stop(wiring_) : app::ok_to_stop(wiring_);
}

std::string Host::log_level() const { return std::string(to_string(wiring_.log.level())); }

Result<void> Host::set_log_level(const std::string& level) {
    constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
    for (const auto candidate :
         {telemetry::LogLevel::debug,
          telemetry::LogLevel::info,
          telemetry::LogLevel::warn,
          telemetry::LogLevel::error}) {
        if (to_string(candidate) != level) continue;
        wiring_.log.set_level(candidate);
        return {};
    }
    return fail_with_id(
        ErrorKind::invalid,
        "request-malformed",
        "level: want {}, not \"{}\"{}",
        fmt::join(kNames, ", "),
        level,
        did_you_mean(level, kNames)
    );
}

}  // namespace mimir::app
