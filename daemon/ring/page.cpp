#include "ring/page.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/rfc3339.hpp"
#include "base/units.hpp"
#include "http/error_status.hpp"
#include "http/html.hpp"
#include "runtime/run_on.hpp"

namespace mimir::ring {
namespace {

using http::Request;
using http::Response;

constexpr std::string_view kUnhealthy = "UNHEALTHY";

using http::escape_html;

std::string_view state_of(const MemberStatus& member) {
    return member.healthy ? to_string(member.instance.state) : kUnhealthy;
}

std::string time_or(TimestampMs time, std::string_view otherwise) {
    return time.ms == 0 ? std::string(otherwise) : format_rfc3339(time);
}

std::string seconds(std::chrono::milliseconds duration) {
    return format_duration(std::chrono::floor<std::chrono::seconds>(duration));
}

std::string row(const MemberStatus& member, bool with_tokens) {
    const Instance& instance = member.instance;
    std::string tokens = std::to_string(instance.tokens.size());
    if (with_tokens) {
        for (const Token token : instance.tokens) {
            fmt::format_to(std::back_inserter(tokens), " {}", static_cast<std::uint32_t>(token));
        }
    }
    const std::string id = escape_html(instance.id);
    return fmt::format(
        "<tr><td>{0}</td><td>{1}</td><td class=\"{2}\">{2}{3}</td><td>{4}</td><td>{5}</td>"
        "<td>{6} <span class=\"dim\">(seen {7} ago)</span></td><td>{8:.2f}%</td><td>{9}</td>"
        "<td><form method=\"post\"><button name=\"forget\" value=\"{0}\">Forget</button></form></td>"
        "</tr>\n",
        id,
        escape_html(instance.zone),
        state_of(member),
        instance.read_only ? " (read-only)" : "",
        escape_html(instance.address),
        time_or(instance.registered, "unknown"),
        time_or(instance.heartbeat, "never"),
        seconds(member.since_seen),
        member.ownership * 100,
        tokens
    );
}

http::asio::awaitable<Response> show(
    const Ring& ring, runtime::Pool& background, const Clock& clock, Request& request
) {
    const bool json = request.headers.get("Accept").value_or("").find("application/json") !=
                      std::string_view::npos;
    const bool with_tokens = request.query.get_or("tokens", "") == "true";
    // Ownership is a walk over all tokens, and the JSON of a large ring is a megabyte.
    auto job = [&ring, &clock, json, with_tokens]() -> Result<std::string> {
        const RingStatus status = ring.status();
        return json ? ring_json(status, clock.now()) : ring_page(status, clock.now(), with_tokens);
    };
    auto text = co_await runtime::run_on(background, job);
    if (!text) {
        co_return Response::text(
            http::error_status(text.error().kind).status, text.error().message + "\n"
        );
    }
    if (json) co_return Response::json(200, *std::move(text));
    Response page{.status = 200, .body = *std::move(text)};
    page.headers.set("Content-Type", "text/html; charset=utf-8");
    co_return page;
}

http::asio::awaitable<Response> forget(Ring& ring, runtime::Pool& background, Request& request) {
    const auto form = request.form();
    if (!form) co_return Response::text(400, form.error().message + "\n");
    const std::string id(form->get_or("forget", ""));
    if (id.empty()) co_return Response::text(400, "forget names no instance\n");
    auto job = [&ring, &id] { return ring.forget(id); };
    const Result<void> done = co_await runtime::run_on(background, job);
    if (!done) {
        co_return Response::text(
            http::error_status(done.error().kind).status, done.error().message + "\n"
        );
    }
    Response redirect{.status = 302};
    redirect.headers.set("Location", "#");
    co_return redirect;
}

}  // namespace

std::string ring_page(const RingStatus& status, TimestampMs now, bool with_tokens) {
    constexpr std::string_view kStyle =
        ":root{color-scheme:light dark}"
        "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;padding:0 1rem;max-width:90rem}"
        "h1{font-size:1.4rem}td{font-family:ui-monospace,monospace;font-size:.9rem}"
        "table{border-collapse:collapse}th,td{text-align:left;padding:.3rem 1rem .3rem 0}"
        "form{margin:0}.dim{opacity:.6}.ACTIVE{color:#292}.UNHEALTHY,.problem{color:#d33}";
    std::string rows;
    for (const MemberStatus& member : status.members) rows += row(member, with_tokens);
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Ring: {0}</title>"
        "<style>{1}</style></head>\n<body><h1>Ring: {0}</h1>\n"
        "<p>{2} members in {3}, replication factor {4}, as of {5}.{6}</p>\n"
        "{7}<table><tr><th>instance</th><th>zone</th><th>state</th><th>address</th>"
        "<th>registered</th><th>heartbeat</th><th>owns</th><th>tokens</th><th></th></tr>\n{8}"
        "</table></body></html>\n",
        escape_html(status.name),
        kStyle,
        status.members.size(),
        escape_html(status.store),
        status.replication_factor,
        format_rfc3339(now),
        with_tokens ? " <a href=\"?\">Hide tokens</a>"
                    : " <a href=\"?tokens=true\">Show tokens</a>",
        status.problem.empty()
            ? ""
            : fmt::format(
                  "<p class=\"problem\" role=\"alert\">{}</p>\n", escape_html(status.problem)
              ),
        rows
    );
}

std::string ring_json(const RingStatus& status, TimestampMs now) {
    auto shards = nlohmann::ordered_json::array();
    for (const MemberStatus& member : status.members) {
        const Instance& instance = member.instance;
        auto tokens = nlohmann::ordered_json::array();
        for (const Token token : instance.tokens) {
            tokens.push_back(static_cast<std::uint32_t>(token));
        }
        shards.push_back({
            {"id", instance.id},
            {"state", std::string(state_of(member))},
            {"address", instance.address},
            {"timestamp", time_or(instance.heartbeat, "")},
            {"registered_timestamp", time_or(instance.registered, "")},
            {"read_only", instance.read_only},
            {"read_only_updated_timestamp", time_or(instance.read_only_updated, "")},
            {"zone", instance.zone},
            {"tokens", std::move(tokens)},
            {"versions", nlohmann::ordered_json::object()},
            {"ownership", member.ownership},
        });
    }
    const nlohmann::ordered_json answer{
        {"shards", std::move(shards)},
        {"now", format_rfc3339(now)},
        {"store", status.store},
        {"replication_factor", status.replication_factor},
        {"problem", status.problem},
    };
    return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<http::Route> ring_routes(
    RingRouteOptions options, Ring& ring, runtime::Pool& background, const Clock& clock
) {
    std::vector<http::Route> routes;
    routes.push_back({
        .methods = {http::Method::get},
        .pattern = options.pattern,
        .module = options.module,
        .handler = [&ring, &background, &clock](Request& request
                   ) { return show(ring, background, clock, request); },
    });
    routes.push_back({
        .methods = {http::Method::post},
        .pattern = std::move(options.pattern),
        .module = std::move(options.module),
        .handler = [&ring,
                    &background](Request& request) { return forget(ring, background, request); },
    });
    return routes;
}

}  // namespace mimir::ring
