#include "components/distributor/ha_tracker_page.hpp"

#include <nlohmann/json.hpp>

#include "base/rfc3339.hpp"
#include "base/units.hpp"
#include "http/html.hpp"

namespace mimir::distributor {
namespace {

using http::escape_html;

constexpr std::string_view kHead =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\">"
    "<title>HA tracker</title><style>:root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}td{font-family:ui-monospace,monospace;font-size:.9rem}"
    "table{border-collapse:collapse}th,td{text-align:left;padding:.3rem 1.2rem .3rem 0}"
    "</style></head>\n<body><h1>HA tracker</h1>\n";
constexpr std::string_view kTail = "</body></html>\n";

}  // namespace

std::string ha_tracker_page(
    const std::vector<HaTracker::Status>& elected, bool enabled, TimestampMs now
) {
    std::string page(kHead);
    if (!enabled) {
        page += "<p>It is off: see -distributor.ha-tracker.enable.</p>\n";
    } else {
        page +=
            "<table><tr><th>Tenant</th><th>Cluster</th><th>Replica</th><th>Elected</th>"
            "<th>Changes</th><th>Last update</th><th>Fails over after</th></tr>\n";
        for (const HaTracker::Status& one : elected) {
            page += fmt::format(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} ago</td>"
                "<td>{}</td></tr>\n",
                escape_html(one.tenant),
                escape_html(one.cluster),
                escape_html(one.elected.replica),
                format_rfc3339(one.elected.elected_at),
                one.elected.elected_changes,
                format_duration(
                    std::chrono::floor<std::chrono::seconds>(now - one.elected.received_at)
                ),
                format_duration(one.failover_timeout)
            );
        }
        page += "</table>\n";
        page += fmt::format("<p>Now: {}</p>\n", format_rfc3339(now));
    }
    page += kTail;
    return page;
}

std::string ha_tracker_json(const std::vector<HaTracker::Status>& elected, TimestampMs now) {
    auto all = nlohmann::json::array();
    for (const HaTracker::Status& one : elected) {
        all.push_back(
            {{"userID", one.tenant},
             {"cluster", one.cluster},
             {"replica", one.elected.replica},
             {"electedAt", format_rfc3339(one.elected.elected_at)},
             {"electedChanges", one.elected.elected_changes},
             {"updateTime", format_rfc3339(one.elected.received_at)},
             {"failoverTime", format_duration(one.failover_timeout)}}
        );
    }
    return nlohmann::json{{"elected", std::move(all)}, {"now", format_rfc3339(now)}}.dump();
}

}  // namespace mimir::distributor
