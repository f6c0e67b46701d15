#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.hpp"
#include "base/types.hpp"
#include "modules/module_table.hpp"
#include "modules/plan.hpp"
#include "modules/service.hpp"

namespace mimir::modules {

struct ModuleStatus {
    std::string name;
    State state = State::new_;
    /// When it came into this state; for a new module, when the process began.
    TimestampMs since;
    /// Why it failed, was stopped without being asked, or does not stop; empty otherwise.
    std::string error;
    /// Named by a target or a start, rather than needed by another.
    bool wanted = false;
    /// How often in a row it was started again after it had failed.
    unsigned restarts = 0;
    /// When it will be started again; empty when it will not, or starts with what it needs.
    std::optional<TimestampMs> next_restart = {};
};

/// What is known of a process' modules, for whoever asks: of each that has a factory.
/// Threads: any.
class StatusBoard {
  public:
    StatusBoard(const ModuleTable& table, TimestampMs now, std::uint64_t first_revision);

    /// Empty when the module was in this state already: Failed is noted when it happens, and again
    /// when the module is gone.
    std::optional<ModuleStatus> enter(
        std::string_view name, State state, TimestampMs since, std::string error
    );
    void set_wanted(const Names& wanted);
    /// Why it is down; an error of its own is kept.
    void explain(std::string_view name, std::string why);
    /// Shown as its error until it is set to nothing.
    void complain(std::string_view name, std::string complaint);
    void set_restarts(
        std::string_view name, unsigned restarts, std::optional<TimestampMs> next_restart
    );

    /// In the order of the table.
    [[nodiscard]] std::vector<ModuleStatus> statuses() const;
    /// New for an unknown name.
    [[nodiscard]] ModuleStatus status(std::string_view name) const;
    [[nodiscard]] State state(std::string_view name) const { return status(name).state; }
    [[nodiscard]] Names wanted() const;
    /// Grows with every change of what is wanted and of any module's state.
    [[nodiscard]] std::uint64_t revision() const;
    [[nodiscard]] Situation situation() const;

  private:
    struct Row {
        ModuleStatus status;
        std::string complaint;
    };
    struct Board {
        std::map<std::string, Row, std::less<>> rows;
        Names wanted;
        std::uint64_t revision = 0;
    };
    static ModuleStatus shown(const Board& board, const Row& row);

    const ModuleTable& table_;
    Guarded<Board> board_;
};

}  // namespace mimir::modules
