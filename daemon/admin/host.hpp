#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/types.hpp"
#include "base/result.hpp"
#include "modules/module_table.hpp"

namespace mimir::admin {

/// Settings that were read and found good, and are not in force yet.
/// Threads: one at a time.
class NewSettings {
  public:
    virtual ~NewSettings() = default;
    /// What differs from those in force when they were read.
    [[nodiscard]] virtual std::vector<api::ConfigDifference> differences() const = 0;
    /// Puts them in force: modules that start from now on have them, and what needs no start has them at once.
    virtual void apply() = 0;
    /// Puts those of before back in force.
    virtual void revert() = 0;
};

/// Which settings to show.
enum class Shown : std::uint8_t { effective, diff, defaults };

/// What the process offers the admin API beyond its modules.
/// Threads: any.
class Host {
  public:
    virtual ~Host() = default;

    /// Fills in what only the process knows: version, addresses, folders, ready, whether it is scaled out.
    virtual void describe(api::Status& status) const = 0;
    /// Where the TSDB's data are; for checks of the disk.
    [[nodiscard]] virtual std::string data_dir() const = 0;

    /// What command line, file or default name as the target, and which of them does.
    struct ConfiguredTarget {
        modules::Names names;
        api::TargetSource source;
    };
    [[nodiscard]] virtual ConfiguredTarget configured_target() const = 0;

    /// YAML, without secrets.
    [[nodiscard]] virtual std::string settings(Shown shown) const = 0;
    /// Reads the configuration file again.
    /// Errors: config-no-file, config-invalid (each finding a line).
    [[nodiscard]] virtual Result<std::shared_ptr<NewSettings>> read_settings() const = 0;
    /// Every finding, a line each; empty when a start would succeed with that text as the file.
    [[nodiscard]] virtual std::vector<std::string> check_settings(
        const std::string& yaml, const std::string& name
    ) const = 0;

    /// The rings that this process reads, by name.
    [[nodiscard]] virtual std::vector<api::Ring> rings() const = 0;
    /// Removes a member's entry from one of these.
    /// Errors: not_found; unavailable.
    virtual Result<void> forget(const std::string& ring, const std::string& member) = 0;

    /// Those that are kept beside this one.
    [[nodiscard]] virtual std::vector<api::Process> processes() const = 0;
    /// Has these read the configuration file again; which did not take that, and why, a line each.
    [[nodiscard]] virtual std::vector<std::string> reload_processes() const = 0;

    /// Whether the cluster can do without this process, which a yes is reserved for; or gives the yes back.
    /// Errors: unavailable.
    virtual Result<api::StopAdvice> ok_to_stop(bool release) = 0;

    [[nodiscard]] virtual std::string log_level() const = 0;
    /// Errors: request-malformed.
    virtual Result<void> set_log_level(const std::string& level) = 0;

    /// Begins the end of the process, and returns.
    virtual void shut_down() = 0;
};

}  // namespace mimir::admin
