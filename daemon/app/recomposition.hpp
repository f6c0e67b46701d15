#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/types.hpp"
#include "app/wiring.hpp"
#include "app/witness.hpp"
#include "launch/launcher.hpp"
#include "migration/migration.hpp"
#include "modules/manager.hpp"

namespace mimir::app {

/// The node that this process is the primary of: what a migration changes, and the processes that are kept beside it.
/// Threads: those of migration::Node for the operations; any for the rest.
class Recomposition final : public migration::Node {
  public:
    struct Environment {
        Wiring& wiring;
        const modules::ModuleTable& table;
        modules::Manager& manager;
        /// The command line of this process, which those beside it get as well.
        std::vector<std::string> arguments;
        /// Told of the target that was stored.
        std::function<void(const modules::Names&)> stored;
    };
    explicit Recomposition(Environment environment);

    /// Keeps these modules in processes from now on; some may run already.
    void keep(const modules::Names& processes);
    /// Modules whose processes an interrupted migration may have left, though they are not to be kept.
    [[nodiscard]] modules::Names left_over(const modules::Names& kept) const;
    /// Those that come later in the table first: what passes requests on ends before what it passes them to.
    void stop_all();
    [[nodiscard]] std::vector<api::Process> processes() const;
    /// Has all of them read the configuration file again; which did not take that, and why, a line each.
    [[nodiscard]] modules::Names reload_all() const;

    migration::Situation observe() override;
    void begin() override;
    api::MigrationReport end() override;
    Result<void> start_module(const std::string& module, const CancellationToken& cancel) override;
    Result<void> stop_module(const std::string& module) override;
    Result<void> start_process(const std::string& module, const CancellationToken& cancel) override;
    Result<void> stop_process(const std::string& module) override;
    Result<void> prove(const std::string& module, bool here, const CancellationToken& cancel)
        override;
    Result<void> route(const std::string& module, bool here, const CancellationToken& cancel)
        override;
    void unroute(const std::string& module) override;
    void stored(const modules::Names& target, const modules::Names& processes) override;
    Result<void> set_target(const modules::Names& target) override;

  private:
    /// Nothing while the module's ring does not show a healthy one.
    [[nodiscard]] std::optional<gateway::Upstream> instance(const std::string& module, bool here)
        const;
    [[nodiscard]] launch::ProcessSpec spec(const std::string& module) const;
    /// Its name in the rings.
    [[nodiscard]] std::string id_beside(const std::string& module) const;
    /// Of the process, which mimirctl may use too.
    [[nodiscard]] std::filesystem::path admin_socket(const std::string& module) const;
    /// A file that is there from before a process is begun until after it has ended.
    [[nodiscard]] std::filesystem::path mark(const std::string& module) const;

    const Environment environment_;
    Wiring& wiring_;
    const telemetry::Logger log_;
    const std::unique_ptr<launch::Launcher> launcher_;
    /// Of the migration under way.
    std::optional<Witness> witness_;
};

}  // namespace mimir::app
