#include <algorithm>
#include <ostream>

#include "api/endpoints.hpp"
#include "base/nearest.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/context.hpp"
#include "ctl/module_words.hpp"
#include "ctl/output/kind_json.hpp"
#include "ctl/output/structured.hpp"

namespace mimir::ctl {
namespace {

Outcome<ExitCode> list_codes(Context& context) {
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(to_json(api::problem_kinds()), "code"));
        return ExitCode::done;
    }
    Table table{
        .columns = {{"CODE"}, {"EXIT", false, true}, {"HTTP", false, true}, {"MEANING"}, {"RETRY"}},
        .rows = {}
    };
    for (const api::ProblemKind& kind : api::problem_kinds()) {
        table.rows.push_back({
            Cell(kind.code),
            Cell(std::to_string(static_cast<int>(kind.exit_code))),
            Cell(std::to_string(kind.status)),
            Cell(kind.title),
            Cell(kind.retryable ? "yes" : ""),
        });
    }
    write_table(context.out(), table, context.table_style());
    return ExitCode::done;
}

Outcome<ExitCode> explain_code(Context& context, const api::ProblemKind& kind) {
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(to_json(kind), "code"));
        return ExitCode::done;
    }
    std::ostream& out = context.out();
    out << kind.code << ": " << kind.title << "\n\n" << kind.explanation << "\n\n";
    if (!kind.next_step.empty()) out << "What to do: " << kind.next_step << '\n';
    out << "Trying again: " << (kind.retryable ? "may help" : "is of no use") << '\n'
        << "Exit code: " << static_cast<int>(kind.exit_code) << ", HTTP status: " << kind.status
        << '\n';
    return ExitCode::done;
}

/// Everything that `module` needs, and what that needs, with states.
std::string chain(const std::vector<std::string>& names, const std::vector<api::Module>& all) {
    std::vector<std::string> words;
    for (const std::string& name : names) {
        const api::Module* module = find_module(all, name);
        words.push_back(
            module == nullptr ? name : fmt::format("{} ({})", name, api::to_string(module->state))
        );
    }
    return join(words, ", ");
}

/// Of a module that has a process of its own beside the daemon; else empty.
std::string process_of(Context& context, std::string_view module) {
    // A daemon of before has no processes.
    const auto json = context.send({.endpoint = api::kListProcesses});
    if (!json) return "";
    const auto all = api::from_json<std::vector<api::Process>>(*json, api::Unknown::ignore);
    if (!all) return "";
    const auto found = std::ranges::find(*all, module, &api::Process::name);
    if (found == all->end()) return "";
    return fmt::format(
        "{}{}{}; mimirctl --socket {} says more",
        api::to_string(found->state),
        found->pid == 0 ? "" : fmt::format(", pid {}", found->pid),
        found->error.empty() ? "" : ": " + found->error,
        found->admin_socket
    );
}

void write_module(
    Context& context, const api::Module& module, const std::vector<api::Module>& all
) {
    const TimestampMs now = context.environment().clock->now();
    Table facts{.columns = {{"FACT"}, {"VALUE"}}, .rows = {}};
    const auto add = [&](std::string_view title, const std::string& value, Tone tone = Tone::plain
                     ) {
        if (!value.empty()) facts.rows.push_back({Cell(title), Cell(value, tone)});
    };
    add("module", module.name);
    add("state",
        fmt::format("{} since {}", api::to_string(module.state), ago(module.since, now)),
        tone_of(module.state));
    add("why", why(module, all, now));
    add("process beside", process_of(context, module.name));
    if (module.restarts > 0) add("restarts", count_of(module.restarts, "time") + " in a row");
    add("needs", chain(module.dependencies, all));
    add("needed by", chain(module.needed_by, all));
    add("target",
        module.targetable ? (module.in_all ? "yes, and part of all" : "yes, not part of all") : "no"
    );
    for (const std::string& route : module.routes) add("serves", route);
    add("what to do", next_step(module));
    write_facts(context.out(), facts, context.table_style());
}

void write_member(Context& context, const api::Ring& ring, const api::RingMember& member) {
    Table facts{.columns = {{"FACT"}, {"VALUE"}}, .rows = {}};
    const auto add = [&](std::string_view title, const std::string& value) {
        if (!value.empty()) facts.rows.push_back({Cell(title), Cell(value)});
    };
    const TimestampMs now = context.environment().clock->now();
    const auto seen = std::chrono::milliseconds(member.seen_ms_ago);
    add("member", fmt::format("{} of the ring {}", member.id, ring.name));
    add("state",
        fmt::format(
            "{}, {}heard of {} ago",
            member.state,
            member.healthy ? "" : "UNHEALTHY, last ",
            ago(now - seen, now)
        ));
    add("address", member.address);
    add("address from", member.here ? ring.self_address_from : "");
    add("zone", member.zone);
    add("read only", member.read_only ? "yes: it is read from, but gets no new series" : "");
    if (member.tokens > 0) {
        add("owns", fmt::format("{} of the ring, by {} tokens", share_of(member), member.tokens));
    }
    add("ring is kept in", ring.store);
    add("what to do",
        member.healthy ? ""
                       : fmt::format(
                             "start it again; when it is gone for good: mimirctl ring forget {} {}",
                             ring.name,
                             member.id
                         ));
    write_facts(context.out(), facts, context.table_style());
}

/// Shows the members of this name; false when there is none.
Outcome<bool> explain_member(Context& context, const std::string& word) {
    // A daemon of before has no rings.
    const auto json = context.send({.endpoint = api::kListRings});
    if (!json) return false;
    MIMIR_TRY(const auto rings, context.decode<std::vector<api::Ring>>(*json));
    std::vector<api::Ring> found;
    for (const api::Ring& ring : rings) {
        for (const api::RingMember& member : ring.members) {
            if (member.id != word) continue;
            if (is_for_people(context.format())) write_member(context, ring, member);
            found.push_back(ring);
            found.back().members = {member};
        }
    }
    if (!found.empty() && !is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(api::to_json(found), "name"));
    }
    return !found.empty();
}

tl::unexpected<Failure> unknown(std::string_view word, const std::vector<api::Module>& modules) {
    std::vector<std::string_view> known;
    for (const api::ProblemKind& kind : api::problem_kinds()) known.push_back(kind.code);
    for (const api::Module& module : modules) known.push_back(module.name);
    return tl::unexpected(Failure{
        .exit_code = ExitCode::not_found,
        .why = fmt::format(
            "\"{}\" is neither a problem's code nor a module nor a member of a ring{}",
            word,
            did_you_mean(word, known)
        ),
        .next_steps = {"`mimirctl explain` lists the codes, `mimirctl modules` the modules"},
    });
}

}  // namespace

Outcome<ExitCode> run_explain(Context& context) {
    const auto& arguments = context.invocation().arguments;
    if (arguments.empty()) return list_codes(context);
    const std::string& word = arguments.front();
    if (const api::ProblemKind* kind = api::find_problem_kind(word))
        return explain_code(context, *kind);

    auto json = context.send({.endpoint = api::kListModules});
    if (!json) {
        std::vector<std::string_view> codes;
        for (const api::ProblemKind& kind : api::problem_kinds()) codes.push_back(kind.code);
        Failure failure = std::move(json).error();
        failure.next_steps.push_back(
            fmt::format("\"{}\" is not a problem's code{}", word, did_you_mean(word, codes))
        );
        return tl::unexpected(std::move(failure));
    }
    MIMIR_TRY(const auto modules, context.decode<std::vector<api::Module>>(*json));
    const api::Module* module = find_module(modules, word);
    if (module == nullptr) {
        MIMIR_TRY(const bool is_member, explain_member(context, word));
        return is_member ? Outcome<ExitCode>(ExitCode::done) : unknown(word, modules);
    }
    if (is_for_people(context.format())) {
        write_module(context, *module, modules);
        return ExitCode::done;
    }
    const auto index = static_cast<std::size_t>(module - modules.data());
    MIMIR_TRY(const std::string element, or_exit(element_of(*json, index), ExitCode::failed));
    MIMIR_TRY(context.show_structured(element, "name"));
    return ExitCode::done;
}

}  // namespace mimir::ctl
