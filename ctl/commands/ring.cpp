#include <ostream>

#include "api/endpoints.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/context.hpp"
#include "ctl/module_words.hpp"
#include "ctl/output/structured.hpp"

namespace mimir::ctl {
namespace {

using api::Ring;
using api::RingMember;

Tone tone_of(const RingMember& member) {
    if (!member.healthy) return Tone::bad;
    return member.state == "ACTIVE" ? Tone::good : Tone::busy;
}

Table members_table(const std::vector<Ring>& rings, TimestampMs now) {
    Table table{
        .columns =
            {{"RING"},
             {"MEMBER"},
             {"STATE"},
             {"SEEN", false, true},
             {"OWNS", false, true},
             {"ADDRESS"},
             {.title = "TOKENS", .is_wide = true, .is_number = true},
             {.title = "ZONE", .is_wide = true},
             {.title = "READ ONLY", .is_wide = true},
             {.title = "STORE", .is_wide = true}},
        .rows = {},
    };
    for (const Ring& ring : rings) {
        for (const RingMember& member : ring.members) {
            const auto seen = std::chrono::milliseconds(member.seen_ms_ago);
            table.rows.push_back({
                Cell(ring.name),
                Cell(member.here ? member.id + " (here)" : member.id),
                Cell(member.healthy ? member.state : member.state + ", UNHEALTHY", tone_of(member)),
                Cell(ago(now - seen, now), Tone::faint),
                Cell(share_of(member)),
                Cell(member.address),
                Cell(std::to_string(member.tokens)),
                Cell(member.zone),
                Cell(member.read_only ? "yes" : ""),
                Cell(ring.store),
            });
        }
    }
    return table;
}

/// What is wrong comes after the table, where it is seen.
Outcome<ExitCode> show(Context& context, const std::string& json) {
    const TimestampMs now = context.environment().clock->now();
    const auto to_table = [&](const std::vector<Ring>& rings) { return members_table(rings, now); };
    MIMIR_TRY(context.show<std::vector<Ring>>(json, "name", to_table));
    MIMIR_TRY(const auto rings, context.decode<std::vector<Ring>>(json));
    bool is_well = true;
    for (const Ring& ring : rings) {
        if (ring.problem.empty()) continue;
        is_well = false;
        context.say(fmt::format("ring {}: {}", ring.name, ring.problem));
    }
    if (is_for_people(context.format()) && !rings.empty()) {
        context.say(fmt::format(
            "others reach this process at {} ({})",
            rings.front().self_address,
            rings.front().self_address_from
        ));
    }
    return is_well ? ExitCode::done : ExitCode::degraded;
}

}  // namespace

Outcome<ExitCode> run_ring(Context& context) {
    const auto& arguments = context.invocation().arguments;
    if (arguments.empty()) {
        MIMIR_TRY(const std::string json, context.send({.endpoint = api::kListRings}));
        return show(context, json);
    }
    const Call call{.endpoint = api::kGetRing, .subject = arguments.front()};
    MIMIR_TRY(const std::string json, context.send(call));
    return show(context, "[" + json + "]");
}

Outcome<ExitCode> run_ring_forget(Context& context) {
    const auto& arguments = context.invocation().arguments;
    const Call call{
        .endpoint = api::kForgetMember,
        .subject = arguments[0],
        .body = api::to_json(api::ForgetRequest{arguments[1]}),
    };
    MIMIR_TRY(const std::string json, context.send(call));
    context.say(fmt::format("{} is no member of the ring {} any more", arguments[1], arguments[0]));
    return show(context, "[" + json + "]");
}

}  // namespace mimir::ctl
