#include <ostream>

#include "base/units.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/output/query_result.hpp"
#include "ctl/output/structured.hpp"
#include "ctl/public_api.hpp"

namespace mimir::ctl {
namespace {

/// "now", "now-1h" and "-1h" as seconds since 1970; all else goes to the server as it is.
Outcome<std::string> time_of(std::string_view option, std::string_view text, TimestampMs now) {
    std::string_view back = text;
    if (back.starts_with("now")) back.remove_prefix(3);
    if (text == "now") return fmt::format("{:.3f}", static_cast<double>(now.ms) / 1000);
    const bool is_relative = back.starts_with('-');
    if (!is_relative) return std::string(text);
    const auto before = parse_duration(back.substr(1));
    if (!before)
        return usage(
            fmt::format("{} takes a time, seconds since 1970 or now-1h, not \"{}\"", option, text)
        );
    const TimestampMs time = now - std::chrono::duration_cast<std::chrono::milliseconds>(*before);
    return fmt::format("{:.3f}", static_cast<double>(time.ms) / 1000);
}

struct Query {
    std::string path;
    http::Parameters form;
};

Outcome<Query> query_of(const Invocation& invocation, TimestampMs now) {
    Query query{.path = "/api/v1/query", .form = {}};
    query.form.add("query", invocation.arguments.front());
    const bool is_range =
        invocation.has("--start") || invocation.has("--end") || invocation.has("--step");
    if (is_range && invocation.has("--time")) {
        return usage("--time is for one instant; --start, --end and --step for a range");
    }
    if (!is_range) {
        const std::string_view time = invocation.value("--time").value_or("now");
        MIMIR_TRY(std::string at, time_of("--time", time, now));
        query.form.add("time", std::move(at));
        return query;
    }
    if (!invocation.has("--start"))
        return usage("a range needs --start", "for example: --start now-1h --step 1m");
    query.path = "/api/v1/query_range";
    MIMIR_TRY(std::string start, time_of("--start", *invocation.value("--start"), now));
    MIMIR_TRY(std::string end, time_of("--end", invocation.value("--end").value_or("now"), now));
    query.form.add("start", std::move(start));
    query.form.add("end", std::move(end));
    query.form.add("step", std::string(invocation.value("--step").value_or("1m")));
    return query;
}

}  // namespace

Outcome<ExitCode> run_query(Context& context) {
    MIMIR_TRY(
        const Query query, query_of(context.invocation(), context.environment().clock->now())
    );
    MIMIR_TRY(const PublicApi api, find_public_api(context));
    http::ClientRequest request{
        .method = http::Method::post,
        .target = api.base + api.prometheus_prefix + query.path,
        .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
        .body = query.form.encode(),
    };
    MIMIR_TRY(const std::string json, send_public(context, api, std::move(request)));
    if (context.format() == Format::json || context.format() == Format::yaml) {
        MIMIR_TRY(context.show_structured(json, "metric"));
        return ExitCode::done;
    }
    MIMIR_TRY(const QueryResult result, or_exit(read_query_result(json), ExitCode::failed));
    for (const std::string& warning : result.warnings) context.say("warning: " + warning);
    switch (context.format()) {
        case Format::jsonl: MIMIR_TRY(context.show_structured(result.result, "metric")); break;
        case Format::name:
            for (const std::string& series : result.series)
                context.out() << sanitized(series) << '\n';
            break;
        default: write_table(context.out(), result.table, context.table_style()); break;
    }
    return ExitCode::done;
}

}  // namespace mimir::ctl
