#include "ctl/change.hpp"

#include "api/endpoints.hpp"
#include "ctl/commands/commands.hpp"

namespace mimir::ctl {
namespace {

std::string change_request(const Invocation& invocation) {
    return api::to_json(api::ChangeRequest{
        .cascade = invocation.has("--cascade"), .dry_run = invocation.has("--dry-run")
    });
}

Outcome<ExitCode> change_modules(Context& context, const api::Endpoint& endpoint) {
    const Invocation& invocation = context.invocation();
    return make_change(
        context,
        {
            .endpoint = endpoint,
            .subject = join(invocation.arguments),
            .body = change_request(invocation),
        }
    );
}

}  // namespace

Outcome<ExitCode> run_start(Context& context) {
    return change_modules(context, api::kStartModules);
}
Outcome<ExitCode> run_stop(Context& context) { return change_modules(context, api::kStopModules); }
Outcome<ExitCode> run_restart(Context& context) {
    return change_modules(context, api::kRestartModules);
}

Outcome<ExitCode> run_set_target(Context& context) {
    const Invocation& invocation = context.invocation();
    const bool resets = invocation.has("--reset");
    if (resets && !invocation.arguments.empty()) {
        return usage("--reset goes back to the configured target: a target besides it says nothing"
        );
    }
    if (resets) {
        return make_change(
            context, {.endpoint = api::kResetTarget, .body = change_request(invocation)}
        );
    }
    if (invocation.arguments.empty()) {
        return usage(
            "TARGET is missing",
            "`mimirctl targets` lists them; --reset goes back to the configured one"
        );
    }
    const api::TargetRequest request{
        .target = join(invocation.arguments), .dry_run = invocation.has("--dry-run")
    };
    return make_change(context, {.endpoint = api::kSetTarget, .body = api::to_json(request)});
}

}  // namespace mimir::ctl
