#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "modules/service.hpp"

namespace mimir::modules {

/// What becomes of a module when its node changes its form.
enum class Moves : std::uint8_t {
    no,  ///< it is no component, or runs only where it was asked for
    beside,  ///< to a process of its own: starts there, is proven, gets the requests, and then ends here
    stays,  ///< where its data are: the process around it changes
};

/// One row of the module table.
struct Module {
    std::string name;
    /// Whether -target may name it; the others are internal and run when something needs them.
    bool targetable = false;
    /// Whether the target `all` names it.
    bool in_all = false;
    /// Whether every process runs it, whatever its target: it is never wanted by name, and no
    /// change stops it. Starts before the others, as far as its dependencies allow.
    bool always = false;
    Moves moves = Moves::no;
    /// Has the instance at this internal address do the module's work once, and tells whether it did;
    /// null where being ready says as much.
    std::function<Result<void>(const std::string& address, const CancellationToken&)> prove = {};
    /// Run before it starts and until it has stopped.
    std::vector<std::string> dependencies;
    /// Builds a fresh service; called on the module's thread at each start. Null for a name that
    /// only groups others.
    std::function<Result<std::unique_ptr<Service>>()> factory;
};

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name);

/// The names of a list with commas between, as people write one: without blanks round them, and each once.
Names parse_names(std::string_view list);

/// The module graph. The target `all` is made from what is in it.
/// Threads: immutable.
class ModuleTable {
  public:
    /// Names are unique, dependencies exist and have no cycle: mistakes here are our own and end
    /// the process.
    explicit ModuleTable(std::vector<Module> modules);

    /// Null when there is none of this name.
    [[nodiscard]] const Module* find(std::string_view name) const;

    /// Dependencies before dependents.
    [[nodiscard]] std::span<const Module> modules() const { return modules_; }

    /// The modules with all that they need, in the order in which they start.
    [[nodiscard]] Names with_dependencies(const Names& names) const;
    /// What runs when these are wanted: they, the modules that always run, and all that any of them
    /// needs, in the order in which they start.
    [[nodiscard]] Names needed(const Names& wanted) const;
    /// Whether `name` needs `dependency`, directly or through others. A module does not need
    /// itself.
    [[nodiscard]] bool depends_on(std::string_view name, std::string_view dependency) const;

    /// Checks a target list as users give it.
    /// Errors: invalid, naming every unknown, internal or missing name, and the nearest target.
    [[nodiscard]] Result<void> check_targets(const Names& targets) const;
    /// Ascending.
    [[nodiscard]] std::vector<std::string_view> targets() const;

    /// What `mimird -modules` prints: a target a line, those in `all` with a star, and what the
    /// star means.
    [[nodiscard]] std::string describe_targets() const;

  private:
    std::vector<Module> modules_;
};

}  // namespace mimir::modules
