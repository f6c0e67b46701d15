#include "modules/supervisor.hpp"

#include <algorithm>

namespace mimir::modules {
namespace {

/// min, 2 min, 4 min, ... max.
std::chrono::milliseconds backoff(const RestartPolicy& policy, unsigned restarts) {
    auto delay = std::min(policy.backoff_min, policy.backoff_max);
    for (unsigned i = 0; i < restarts && delay < policy.backoff_max; ++i) {
        delay = delay > policy.backoff_max / 2 ? policy.backoff_max : 2 * delay;
    }
    return delay;
}

}  // namespace

Supervisor::Supervisor(
    const RestartPolicy& policy,
    StatusBoard& board,
    const telemetry::Logger& log,
    telemetry::Registry& registry,
    const Clock& clock
)
    : policy_(policy),
      board_(board),
      log_(log),
      clock_(clock),
      scope_(registry),
      restarts_(scope_.counters(
          "mimird_module_restarts_total",
          "How often each module was started again after it, or one that it needs, had failed.",
          {"module"}
      )) {}

void Supervisor::failed(const std::string& name, std::chrono::nanoseconds lived) {
    Row& row = rows_[name];
    if (lived > policy_.stable_after) row.restarts = 0;
    row.failed = true;
    row.due = std::nullopt;
    if (row.restarts >= policy_.attempts_max) {
        board_.set_restarts(name, row.restarts, {});
        log_.error("module has failed for good", {{"module", name}, {"restarts", row.restarts}});
        return;
    }
    const auto delay = backoff(policy_, row.restarts);
    row.due = clock_.steady_now() + delay;
    board_.set_restarts(name, row.restarts, clock_.now() + delay);
    log_.warn(
        "module will be restarted",
        {{"module", name},
         {"attempt", row.restarts + 1},
         {"attempts_max", policy_.attempts_max},
         {"delay", delay}}
    );
}

void Supervisor::await(const std::string& name) {
    if (policy_.attempts_max == 0) return;
    Row& row = rows_[name];
    row.failed = false;
    row.due = clock_.steady_now();
}

void Supervisor::restarting(const std::string& name) {
    Row& row = rows_[name];
    if (row.failed) ++row.restarts;
    row.due = std::nullopt;
    board_.set_restarts(name, row.restarts, {});
    restarts_.with({name})->inc();
}

void Supervisor::forget(const std::string& name) {
    if (rows_.erase(name) > 0) board_.set_restarts(name, 0, {});
}

void Supervisor::keep_only(const Names& needed) {
    std::erase_if(rows_, [&](const auto& row) {
        const bool kept = std::ranges::find(needed, row.first) != needed.end();
        if (!kept) board_.set_restarts(row.first, 0, {});
        return !kept;
    });
}

bool Supervisor::is_pending(const std::string& name) const {
    const auto row = rows_.find(name);
    return row != rows_.end() && row->second.due.has_value();
}

Names Supervisor::due() const {
    const auto now = clock_.steady_now();
    Names names;
    for (const auto& [name, row] : rows_) {
        if (row.due && *row.due <= now) names.push_back(name);
    }
    return names;
}

std::optional<std::chrono::nanoseconds> Supervisor::until_next() const {
    const auto now = clock_.steady_now();
    std::optional<std::chrono::nanoseconds> next;
    for (const auto& [name, row] : rows_) {
        if (!row.due || *row.due <= now) continue;
        next = next ? std::min(*next, *row.due - now) : *row.due - now;
    }
    return next;
}

}  // namespace mimir::modules
