#include "ctl/progress.hpp"

#include <fmt/format.h>

#include <ostream>

#include "ctl/context.hpp"

namespace mimir::ctl {

void Progress::show(const api::Operation& operation) {
    if (!is_shown_) return;
    seen_.resize(operation.steps.size(), api::StepState::planned);
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        if (seen_[i] == operation.steps[i].state) continue;
        seen_[i] = operation.steps[i].state;
        show(operation, i);
    }
    out_ << std::flush;
}

void Progress::show(const api::Operation& operation, std::size_t index) {
    const auto& steps = operation.steps;
    const api::Step& step = steps[index];
    const std::string name = sanitized(fmt::format("  {} {}", step.action, step.subject));
    if (step.state == api::StepState::running) {
        close_line();
        out_ << name << " ...";
        if (index + 1 < steps.size()) {
            const api::Step& next = steps[index + 1];
            out_ << sanitized(fmt::format(
                " ({} of {}, next: {} {})", index + 1, steps.size(), next.action, next.subject
            ));
        }
        line_is_open_ = true;
        return;
    }
    if (line_is_open_)
        out_ << "\r\x1b[K";  // it is this step's, or comes again when its own end does
    line_is_open_ = false;
    out_ << name << ": " << api::to_string(step.state);
    if (step.started && step.ended) out_ << " (" << seconds(*step.ended - *step.started) << ")";
    if (!step.error.empty()) out_ << ": " << sanitized(step.error);
    out_ << '\n';
}

void Progress::close_line() {
    if (line_is_open_) out_ << std::endl;
    line_is_open_ = false;
}

}  // namespace mimir::ctl
