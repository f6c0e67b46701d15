#include "modules/status_board.hpp"

#include <algorithm>
#include <utility>

namespace mimir::modules {

StatusBoard::StatusBoard(const ModuleTable& table, TimestampMs now, std::uint64_t first_revision)
    : table_(table) {
    board_.with([&](Board& board) {
        board.revision = first_revision;
        for (const Module& module : table.modules()) {
            if (!module.factory) continue;
            board.rows[module.name].status = {.name = module.name, .since = now};
        }
    });
}

std::optional<ModuleStatus> StatusBoard::enter(
    std::string_view name, State state, TimestampMs since, std::string error
) {
    return board_.with([&](Board& board) -> std::optional<ModuleStatus> {
        Row& row = board.rows.find(name)->second;
        if (row.status.state == state) return std::nullopt;
        row.status.state = state;
        row.status.since = since;
        row.status.error = std::move(error);
        ++board.revision;
        return shown(board, row);
    });
}

void StatusBoard::set_wanted(const Names& wanted) {
    board_.with([&](Board& board) {
        if (board.wanted != wanted) ++board.revision;
        board.wanted = wanted;
    });
}

void StatusBoard::explain(std::string_view name, std::string why) {
    board_.with([&](Board& board) {
        auto& error = board.rows.find(name)->second.status.error;
        if (error.empty()) error = std::move(why);
    });
}

void StatusBoard::complain(std::string_view name, std::string complaint) {
    board_.with([&](Board& board) {
        board.rows.find(name)->second.complaint = std::move(complaint);
    });
}

void StatusBoard::set_restarts(
    std::string_view name, unsigned restarts, std::optional<TimestampMs> next_restart
) {
    board_.with([&](Board& board) {
        ModuleStatus& status = board.rows.find(name)->second.status;
        status.restarts = restarts;
        status.next_restart = next_restart;
    });
}

std::vector<ModuleStatus> StatusBoard::statuses() const {
    return board_.with([&](const Board& board) {
        std::vector<ModuleStatus> statuses;
        for (const Module& module : table_.modules()) {
            const auto row = board.rows.find(module.name);
            if (row != board.rows.end()) statuses.push_back(shown(board, row->second));
        }
        return statuses;
    });
}

ModuleStatus StatusBoard::status(std::string_view name) const {
    return board_.with([&](const Board& board) {
        const auto row = board.rows.find(name);
        return row == board.rows.end() ? ModuleStatus{} : shown(board, row->second);
    });
}

Names StatusBoard::wanted() const {
    return board_.with([](const Board& board) { return board.wanted; });
}

std::uint64_t StatusBoard::revision() const {
    return board_.with([](const Board& board) { return board.revision; });
}

Situation StatusBoard::situation() const {
    return board_.with([](const Board& board) {
        Situation now{.wanted = board.wanted};
        for (const auto& [name, row] : board.rows) {
            if (row.status.state == State::running) now.running.push_back(name);
        }
        return now;
    });
}

ModuleStatus StatusBoard::shown(const Board& board, const Row& row) {
    ModuleStatus status = row.status;
    status.wanted = std::ranges::find(board.wanted, status.name) != board.wanted.end();
    if (!row.complaint.empty()) status.error = row.complaint;
    return status;
}

}  // namespace mimir::modules
