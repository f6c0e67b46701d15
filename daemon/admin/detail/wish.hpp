#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/control.hpp"

namespace mimir::admin {

/// Something to be done, and all that is known of it before it is.
struct Control::Wish {
    std::string kind;
    std::string subject;
    /// The steps as far as they can be told now; empty when there is nothing to do.
    std::vector<api::Step> steps;
    /// Whether there is nothing to do, and no other operation under way that may change that.
    bool is_nothing = false;
    std::string nothing_message;
    std::vector<std::string> warnings = {};
    std::function<Result<void>(operations::Progress&)> run;
    bool can_pause = false;

    /// What an idempotency key stands for.
    [[nodiscard]] std::string fingerprint(const ChangeOptions& options) const {
        return fmt::format("{} {}{}", kind, subject, options.cascade ? " cascade" : "");
    }
};

/// Errors: revision-stale, when the request was bound to another revision than the one now.
inline Result<void> check_revision(const Control& control, const ChangeOptions& options) {
    const std::uint64_t now = control.revision();
    if (!options.if_revision || *options.if_revision == now) return {};
    return fail_with_id(
        ErrorKind::conflict,
        "revision-stale",
        "the modules have changed since revision {}; now it is {}",
        *options.if_revision,
        now
    );
}

}  // namespace mimir::admin
