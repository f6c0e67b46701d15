#include "app/pages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "app/build_info.hpp"
#include "base/units.hpp"
#include "http/html.hpp"

namespace mimir::app {
namespace {

using http::escape_html;

/// A page on its own: no file, no script, readable in the dark.
std::string page(std::string_view title, std::string_view body) {
    constexpr std::string_view kStyle =
        ":root{color-scheme:light dark}"
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "h1{font-size:1.4rem}h2{font-size:1rem;margin:1.5rem 0 .3rem}"
        "ul{margin:0;padding-left:1.2rem}code,li,td{font-family:ui-monospace,monospace;font-size:."
        "9rem}"
        "table{border-collapse:collapse}th,td{text-align:left;padding:.3rem 1.2rem .3rem 0}"
        ".dim{opacity:.6}.Failed{color:#d33}.Running{color:#292}";
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\">"
        "<title>{0}</title><style>{1}</style></head>\n<body><h1>{0}</h1>\n{2}</body></html>\n",
        escape_html(title),
        kStyle,
        body
    );
}

std::string format_time(TimestampMs time) {
    const std::time_t seconds = time.ms / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[32];
    const std::size_t length = std::strftime(text, sizeof text, "%FT%TZ", &utc);
    return {text, length};
}

std::vector<modules::ModuleStatus> by_name(std::vector<modules::ModuleStatus> modules) {
    std::ranges::sort(modules, {}, &modules::ModuleStatus::name);
    return modules;
}

}  // namespace

std::string services_page(const std::vector<modules::ModuleStatus>& modules, TimestampMs now) {
    std::string rows;
    for (const modules::ModuleStatus& module : by_name(modules)) {
        const std::string_view state = to_string(module.state);
        rows += fmt::format(
            "<tr><td>{}</td><td class=\"{}\">{}</td><td>{} <span class=\"dim\">({} "
            "ago)</span></td><td>{}</td></tr>\n",
            escape_html(module.name),
            state,
            state,
            format_time(module.since),
            format_duration(std::chrono::floor<std::chrono::seconds>(now - module.since)),
            escape_html(module.error)
        );
    }
    return page(
        "Services",
        fmt::format(
            "<p>As of "
            "{}.</p>\n<table><tr><th>module</th><th>state</th><th>since</th><th>error</th></"
            "tr>\n{}</table>\n",
            format_time(now),
            rows
        )
    );
}

std::string services_json(const std::vector<modules::ModuleStatus>& modules, TimestampMs now) {
    auto services = nlohmann::ordered_json::array();
    for (const modules::ModuleStatus& module : by_name(modules)) {
        nlohmann::ordered_json service{
            {"name", module.name},
            {"status", std::string(to_string(module.state))},
            {"since", format_time(module.since)},
        };
        if (!module.error.empty()) service["error"] = module.error;
        services.push_back(std::move(service));
    }
    const nlohmann::ordered_json answer{
        {"now", format_time(now)}, {"services", std::move(services)}
    };
    return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string buildinfo_json() {
    const BuildInfo info = build_info();
    const nlohmann::ordered_json answer{
        {"status", "success"},
        {"data",
         {
             {"application", "mimird"},
             {"version", std::string(info.version)},
             {"revision", std::string(info.revision)},
             {"branch", std::string(info.branch)},
             {"goVersion", ""},
             {"buildUser", ""},
             {"buildDate", ""},
             // Grafana reads these, as strings.
             {"features",
              {
                  {"ruler_config_api", "false"},
                  {"alertmanager_config_api", "false"},
                  {"query_sharding", "false"},
                  {"federated_rules", "false"},
              }},
         }},
    };
    return answer.dump();
}

}  // namespace mimir::app
