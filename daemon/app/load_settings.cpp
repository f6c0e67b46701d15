#include "app/load_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "config/load.hpp"
#include "fs/file_system.hpp"

namespace mimir::app {
namespace {

constexpr int kUsageStatus = 2;
constexpr int kConfigStatus = 1;
constexpr std::string_view kFlagsFile = "config.flags-file";

tl::unexpected<LoadFailure> failure(int exit_status, const config::Findings& findings) {
    return tl::unexpected(LoadFailure{exit_status, findings.result().error().message});
}

std::optional<std::string> environment(std::string_view name) {
    const char* value = std::getenv(std::string(name).c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

void apply_file(config::NamedText file, Loaded& loaded, config::Findings& findings) {
    if (loaded.command_line.expand_env) file.text = config::expand_env(file.text, environment);
    const auto root = config::parse_yaml(file.text, file.name, findings);
    if (!root) return;
    const auto built_in = loaded.settings.target;
    config::apply_yaml(*root, {.file = file.name}, loaded.declared, findings);
    if (loaded.settings.target != built_in) loaded.target_from = Loaded::TargetFrom::file;
}

void load_file(Loaded& loaded, config::Findings& findings) {
    const std::string& path = loaded.command_line.config_file;
    auto text = fs::real_file_system().read_file(path);
    if (!text) return findings.add("-config.file", text.error().message);
    apply_file({path, *std::move(text)}, loaded, findings);
}

std::vector<std::string> split_at_nul(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\0'), text.size());
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

/// Replaces -config.flags-file by the flags of that file.
void insert_flags_of_files(
    std::vector<config::FlagValue>& flags,
    const config::Declarer& declared,
    config::Findings& findings
) {
    std::vector<config::FlagValue> all;
    for (config::FlagValue& flag : flags) {
        if (flag.option->flag != kFlagsFile) {
            all.push_back(std::move(flag));
            continue;
        }
        const auto text = fs::real_file_system().read_file(flag.value);
        if (!text && text.error().kind == ErrorKind::not_found) continue;
        if (!text) {
            findings.add(fmt::format("-{}", kFlagsFile), text.error().message);
            continue;
        }
        const auto written = split_at_nul(*text);
        const std::vector<std::string_view> views(written.begin(), written.end());
        auto more = config::parse_flags(views, declared, findings);
        std::ranges::move(more, std::back_inserter(all));
    }
    flags = std::move(all);
}

/// Without `file` the one that the flags name is read, if they do.
tl::expected<void, LoadFailure> load_from(
    std::span<const std::string_view> arguments,
    const std::optional<config::NamedText>& file,
    Loaded& loaded
) {
    config::Findings findings;
    std::vector<std::string_view> flags_written(arguments.begin(), arguments.end());
    for (std::string_view& flag : flags_written) {
        if (flag == "-h" || flag == "--h") flag = "-help";
    }
    auto flags = config::parse_flags(flags_written, loaded.declared, findings);
    insert_flags_of_files(flags, loaded.declared, findings);
    config::apply_flags(flags, findings);
    if (!findings.empty()) {
        auto failed = failure(kUsageStatus, findings);
        failed.value().text += "\n`mimird -help` shows the flags";
        return failed;
    }
    const CommandLine& asked = loaded.command_line;
    if (asked.help || asked.help_all || asked.version) return {};

    if (file) {
        apply_file(*file, loaded, findings);
    } else if (!asked.config_file.empty()) {
        load_file(loaded, findings);
    }
    config::apply_flags(flags, findings);  // again: they win over the file
    for (const config::FlagValue& flag : flags) {
        if (flag.option->key == "target") loaded.target_from = Loaded::TargetFrom::command_line;
    }
    if (findings.empty()) validate(loaded.settings, findings);
    if (!findings.empty()) return failure(kConfigStatus, findings);
    return {};
}

}  // namespace

Loaded::Loaded() {
    declare(declared, command_line);
    declare(declared, settings);
}

tl::expected<void, LoadFailure> load(std::span<const std::string_view> arguments, Loaded& loaded) {
    return load_from(arguments, std::nullopt, loaded);
}

tl::expected<void, LoadFailure> load(
    std::span<const std::string_view> arguments, const config::NamedText& file, Loaded& loaded
) {
    return load_from(arguments, file, loaded);
}

}  // namespace mimir::app
