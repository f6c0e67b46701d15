// How Control changes the node's form.

#include "admin/detail/wish.hpp"
#include "admin/doctor.hpp"

namespace mimir::admin {
namespace {

using modules::Names;

constexpr std::string_view kMigrate = "migrate";

}  // namespace

Result<std::vector<api::Operation>> Control::migrations(std::size_t limit) const {
    constexpr std::size_t kLookedAt = 1000;
    MIMIR_TRY(auto operations, environment_.runner.list(kLookedAt));
    std::erase_if(operations, [](const api::Operation& one) { return one.kind != kMigrate; });
    if (operations.size() > limit) operations.resize(limit);
    return operations;
}

void Control::took_target(const Names& target) {
    std::lock_guard lock(mutex_);
    target_ = {target, api::TargetSource::changed};
}

/// Every finding at once.
Result<void> Control::check_for_migration() const {
    std::vector<std::string> findings;
    for (const api::DoctorCheck& check : run_checks(*this)) {
        if (check.state != api::CheckState::failure) continue;
        findings.push_back(fmt::format("{}: {}", check.name, check.what));
    }
    if (findings.empty()) return {};
    return fail_with_id(ErrorKind::conflict, "preflight-failed", "{}", fmt::join(findings, "; "));
}

Result<api::ChangeResult> Control::migrate(
    const Caller& caller, const api::MigrationRequest& request, const ChangeOptions& options
) {
    if (!request.to) {
        return fail_with_id(
            ErrorKind::invalid, "request-malformed", "to: want monolithic or microservices"
        );
    }
    std::lock_guard asking(asking_);
    Wish wish{.kind = std::string(kMigrate), .subject = std::string(to_string(*request.to))};
    if (request.rehearse) wish.subject += " (rehearsal)";
    if (auto first = repeated(wish, options); !first || first->operation) return first;
    if (environment_.node == nullptr) {
        return fail_with_id(
            ErrorKind::conflict,
            "migration-not-a-node",
            "this process is one beside a node's primary"
        );
    }
    MIMIR_TRY(check_revision(*this, options));
    MIMIR_TRY(const auto newest, migrations(1));
    if (!newest.empty() && !has_ended(newest.front().state)) {
        return fail_with_id(
            ErrorKind::conflict,
            "migration-under-way",
            "{} ({}) is {}",
            newest.front().id,
            newest.front().summary,
            to_string(newest.front().state)
        );
    }
    const bool is_idle = environment_.runner.is_idle();
    const auto plan_now = [this, to = *request.to] {
        return migration::plan(environment_.table, environment_.node->observe(), to);
    };
    MIMIR_TRY(const migration::Plan plan, plan_now());
    for (const migration::Step& step : plan.steps) wish.steps.push_back(migration::to_api(step));
    wish.is_nothing = is_idle && plan.steps.empty();
    wish.nothing_message = fmt::format("the node is {} already", to_string(*request.to));
    if (!wish.is_nothing) MIMIR_TRY(check_for_migration());
    warn_of_command_line(wish, plan.target);
    wish.can_pause = true;
    wish.run = [this, plan_now, rehearse = request.rehearse, hold = request.hold](
                   operations::Progress& progress
               ) -> Result<void> {
        MIMIR_TRY(const migration::Plan now, plan_now());
        return migration::carry_out(
            *environment_.node, now, {.rehearse = rehearse, .hold = hold}, progress
        );
    };
    return ask(caller, std::move(wish), options);
}

}  // namespace mimir::admin
