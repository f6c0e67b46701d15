#include "migration/migration.hpp"

#include <fmt/format.h>

namespace mimir::migration {
namespace {

using modules::contains;
using Action = Step::Action;

class Run {
  public:
    Run(Node& node, const Plan& plan, operations::Progress& progress)
        : node_(node), plan_(plan), progress_(progress), before_(node.observe()) {}

    Result<void> go(const Options& options) {
        std::vector<api::Step> steps;
        for (const Step& step : plan_.steps) steps.push_back(to_api(step));
        MIMIR_TRY(progress_.plan(std::move(steps)));
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            if (options.rehearse && plan_.steps[i].action == Action::store_target) {
                undo();
                progress_.note(
                    "a rehearsal: everything up to the point of no return was done, and undone"
                );
                return {};
            }
            const bool holds = options.hold && plan_.steps[i].action == Action::store_target;
            auto taken = take(i, holds);
            if (taken) continue;
            if (!committed_) {
                undo();
                return taken;
            }
            progress_.warn(fmt::format("{}: {}", plan_.steps[i].subject, taken.error().message));
        }
        for (const std::string& module : routed_) node_.unroute(module);
        return {};
    }

  private:
    Result<void> take(std::size_t index, bool holds) {
        if (!committed_) {
            MIMIR_TRY(progress_.rest(holds, holds ? "the next step is the point of no return" : "")
            );
        }
        MIMIR_TRY(progress_.begins(index));
        began_ = index + 1;
        auto taken = act(plan_.steps[index]);
        progress_.ended(index, taken);
        return taken;
    }

    Result<void> act(const Step& step) {
        const std::string& subject = step.subject;
        const CancellationToken& cancel = progress_.cancel();
        switch (step.action) {
            case Action::start_module: return node_.start_module(subject, cancel);
            case Action::start_process: return node_.start_process(subject, cancel);
            case Action::prove_process: return node_.prove(subject, false, cancel);
            case Action::prove_module: return node_.prove(subject, true, cancel);
            case Action::route_beside:
            case Action::route_here:
                routed_.push_back(subject);
                return node_.route(subject, step.action == Action::route_here, cancel);
            case Action::store_target: return commit();
            case Action::set_target: return node_.set_target(plan_.target);
            case Action::stop_process: return node_.stop_process(subject);
        }
        return {};
    }

    Result<void> commit() {
        MIMIR_TRY(progress_.commit(operations::TargetChange{
            .target = fmt::format("{}", fmt::join(plan_.target, ",")),
            .processes = plan_.processes,
        }));
        committed_ = true;
        node_.stored(plan_.target, plan_.processes);
        return {};
    }

    /// Newest first; what was so before stays so.
    void undo() {
        for (std::size_t i = began_; i-- > 0;) {
            auto undone = undo(plan_.steps[i]);
            if (undone) {
                progress_.undone(i);
            } else {
                progress_.warn(fmt::format(
                    "{} could not be undone: {}", plan_.steps[i].subject, undone.error().message
                ));
            }
        }
    }

    Result<void> undo(const Step& step) {
        const std::string& subject = step.subject;
        switch (step.action) {
            case Action::start_module:
                return contains(before_.here, subject) ? Result<void>()
                                                       : node_.stop_module(subject);
            case Action::start_process:
                return contains(before_.beside, subject) ? Result<void>()
                                                         : node_.stop_process(subject);
            case Action::route_beside:
            case Action::route_here: node_.unroute(subject); break;
            default: break;
        }
        return {};
    }

    Node& node_;
    const Plan& plan_;
    operations::Progress& progress_;
    const Situation before_;
    std::size_t began_ = 0;
    bool committed_ = false;
    Names routed_;
};

}  // namespace

Result<void> carry_out(
    Node& node, const Plan& plan, const Options& options, operations::Progress& progress
) {
    node.begin();
    auto outcome = Run(node, plan, progress).go(options);
    progress.report(node.end());
    return outcome;
}

}  // namespace mimir::migration
