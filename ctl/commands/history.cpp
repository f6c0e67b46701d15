#include <charconv>
#include <ostream>
#include <thread>

#include "api/endpoints.hpp"
#include "base/rfc3339.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/commands/limits.hpp"
#include "ctl/context.hpp"
#include "ctl/output/structured.hpp"

namespace mimir::ctl {
namespace {

using namespace std::chrono_literals;
using StreamEnd = Connection::StreamEnd;

constexpr auto kPause = 500ms;
/// What --follow shows of the past, unless --after says more.
constexpr std::string_view kFollowedPast = "10";

Tone tone_of(api::Severity severity) {
    switch (severity) {
        case api::Severity::info: return Tone::plain;
        case api::Severity::warning: return Tone::busy;
        case api::Severity::error: return Tone::bad;
    }
    return Tone::plain;
}

std::vector<Column> event_columns() {
    return {
        {.title = "CURSOR", .is_wide = true, .is_number = true},
        {"TIME"},
        {"SEVERITY"},
        {"SUBJECT"},
        {"MESSAGE"},
        {.title = "KIND", .is_wide = true},
        {.title = "OPERATION", .is_wide = true},
    };
}

std::vector<Cell> event_row(const api::Event& event) {
    return {
        Cell(std::to_string(event.cursor)),
        Cell(format_rfc3339(event.time), Tone::faint),
        Cell(api::to_string(event.severity), tone_of(event.severity)),
        Cell(event.subject),
        Cell(event.message),
        Cell(event.kind),
        Cell(event.operation.value_or("")),
    };
}

void say_missed(Context& context, const api::Event& event) {
    if (event.missed.value_or(0) == 0) return;
    context.say(count_of(*event.missed, "older event") + " no longer kept");
}

Table events_table(Context& context, const std::vector<api::Event>& events) {
    Table table{.columns = event_columns(), .rows = {}};
    for (const api::Event& event : events) {
        say_missed(context, event);
        table.rows.push_back(event_row(event));
    }
    return table;
}

/// Writes events one by one as they happen. Columns cannot know what is to come: they start with the widths of the usual.
class Follower {
  public:
    /// Nothing up to `after` is shown.
    Follower(Context& context, std::uint64_t after) : context_(context), cursor_(after) {}

    Outcome<ExitCode> follow(Connection& connection, http::Parameters first) {
        MIMIR_TRY(
            const std::string past,
            connection.send({.endpoint = api::kListEvents, .query = std::move(first)})
        );
        MIMIR_TRY(const auto events, context_.decode<std::vector<api::Event>>(past));
        if (!is_for_people(context_.format()) && !events.empty()) MIMIR_TRY(write_past(past));
        for (const api::Event& event : events) take(event);
        MIMIR_TRY(flush());

        const auto token = context_.catch_interrupt();
        while (!token.canceled()) {
            MIMIR_TRY(const bool is_well, read_one_stream(connection, token));
            MIMIR_TRY(flush());
            if (!is_well) return tl::unexpected(connection.not_understood(misunderstood_));
            const auto until = std::chrono::steady_clock::now() + kPause;
            while (!token.canceled() && std::chrono::steady_clock::now() < until)
                std::this_thread::sleep_for(10ms);
        }
        return ExitCode::detached;
    }

  private:
    Outcome<bool> read_one_stream(Connection& connection, const CancellationToken& token) {
        http::Parameters query;
        query.add("follow", "true");
        query.add("after", std::to_string(cursor_));
        const Call call{.endpoint = api::kListEvents, .query = std::move(query)};
        const auto end = connection.stream(
            call, [this](std::string_view line) { return take_line(line); }, token
        );
        if (!misunderstood_.empty()) return false;
        if (end && *end == StreamEnd::stopped_by_reader) return true;
        const bool is_refused = !end && end.error().exit_code != ExitCode::unreachable;
        if (is_refused) return tl::unexpected(end.error());
        if (!token.canceled() && !is_away_)
            context_.say("the connection to mimird broke; waiting for it to come back");
        is_away_ = true;
        return true;
    }

    bool take_line(std::string_view line) {
        const auto event = api::from_json<api::Event>(line, api::Unknown::ignore);
        if (!event) {
            misunderstood_ = event.error().message;
            return false;
        }
        if (is_away_) context_.say("mimird is back");
        is_away_ = false;
        if (!is_for_people(context_.format())) write_structured(line);
        take(*event);
        return flush().has_value();
    }

    /// Who reads along sees each event at once; a reader that has gone ends the following.
    Outcome<void> flush() {
        if (context_.out().flush()) return {};
        return tl::unexpected(Failure{.why = "the output cannot be written"});
    }

    void take(const api::Event& event) {
        cursor_ = std::max(cursor_, event.cursor);
        say_missed(context_, event);
        if (!is_for_people(context_.format())) return;
        TableStyle style = context_.table_style();
        style.titles = false;
        write_table(context_.out(), Table{event_columns(), {event_row(event)}}, style);
    }

    /// A list that does not end: JSON is a line each, YAML an element each.
    Outcome<void> write_past(std::string_view list) {
        if (context_.format() != Format::json) return context_.show_structured(list, "cursor");
        return or_exit(write_jsonl(context_.out(), list), ExitCode::failed);
    }
    void write_structured(std::string_view line) {
        Result<void> written;
        switch (context_.format()) {
            case Format::yaml:
                written = write_yaml(context_.out(), fmt::format("[{}]", line));
                break;
            case Format::name: written = write_names(context_.out(), line, "cursor"); break;
            default: written = write_jsonl(context_.out(), line); break;
        }
    }

    Context& context_;
    std::uint64_t cursor_;
    bool is_away_ = false;
    std::string misunderstood_;
};

Table audit_table(const std::vector<api::AuditEntry>& entries) {
    Table table{
        .columns =
            {{"SEQ", false, true},
             {"TIME"},
             {"WHO"},
             {"ACTION"},
             {"SUBJECT"},
             {"OUTCOME"},
             {"DETAIL"},
             {.title = "OF", .is_wide = true, .is_number = true},
             {.title = "VIA", .is_wide = true},
             {.title = "UID", .is_wide = true, .is_number = true},
             {.title = "PID", .is_wide = true, .is_number = true},
             {.title = "REVISION", .is_wide = true, .is_number = true},
             {.title = "HASH", .is_wide = true}},
        .rows = {},
    };
    const auto number = [](const auto& value) {
        return value ? std::to_string(*value) : std::string();
    };
    for (const api::AuditEntry& entry : entries) {
        const bool went_wrong = entry.outcome == "failed" || entry.outcome == "refused";
        table.rows.push_back({
            Cell(std::to_string(entry.seq)),
            Cell(format_rfc3339(entry.time), Tone::faint),
            Cell(entry.actor),
            Cell(entry.action),
            Cell(entry.subject),
            Cell(entry.outcome, went_wrong ? Tone::bad : Tone::plain),
            Cell(entry.detail),
            Cell(number(entry.of)),
            Cell(entry.via),
            Cell(number(entry.uid)),
            Cell(number(entry.pid)),
            Cell(std::to_string(entry.revision)),
            Cell(entry.hash),
        });
    }
    return table;
}

}  // namespace

Outcome<ExitCode> run_events(Context& context) {
    MIMIR_TRY(auto page, page_of(context.invocation()));
    if (context.invocation().has("--follow")) {
        if (page.empty()) page.add("limit", std::string(kFollowedPast));
        std::uint64_t after = 0;
        if (const auto text = context.invocation().value("--after"))
            std::from_chars(text->data(), text->data() + text->size(), after);  // page_of saw to it
        MIMIR_TRY(Connection * connection, context.connection());
        return Follower(context, after).follow(*connection, std::move(page));
    }
    MIMIR_TRY(
        const std::string json,
        context.send({.endpoint = api::kListEvents, .query = std::move(page)})
    );
    const auto to_table = [&](const std::vector<api::Event>& events) {
        return events_table(context, events);
    };
    MIMIR_TRY(context.show<std::vector<api::Event>>(json, "cursor", to_table));
    return ExitCode::done;
}

Outcome<ExitCode> run_audit(Context& context) {
    MIMIR_TRY(auto page, page_of(context.invocation()));
    MIMIR_TRY(
        const std::string json,
        context.send({.endpoint = api::kListAudit, .query = std::move(page)})
    );
    MIMIR_TRY(context.show<std::vector<api::AuditEntry>>(json, "seq", audit_table));
    return ExitCode::done;
}

}  // namespace mimir::ctl
