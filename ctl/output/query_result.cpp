#include "ctl/output/query_result.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/rfc3339.hpp"
#include "ctl/output/detail/parse.hpp"

namespace mimir::ctl {
namespace {

using detail::Json;

/// So many have milliseconds that are a number of 64 bits.
constexpr double kSecondsMax = 9e15;

/// up{job="a"}
std::string series_name(const Json& labels) {
    std::string name;
    std::string rest;
    for (const auto& [key, value] : labels.items()) {
        const std::string text = value.is_string() ? value.get<std::string>() : detail::dump(value);
        if (key == "__name__") {
            name = text;
        } else {
            rest += fmt::format("{}{}={}", rest.empty() ? "" : ",", key, detail::dump(Json(text)));
        }
    }
    return rest.empty() && !name.empty() ? name : fmt::format("{}{{{}}}", name, rest);
}

/// Of [time, "value"]; histograms are objects in the place of the value.
void add_value(Table& table, const std::string& series, const Json& pair) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number()) return;
    const double seconds = pair[0].get<double>();
    const bool is_time = std::abs(seconds) <= kSecondsMax;
    const std::string time =
        is_time
            ? format_rfc3339(TimestampMs{static_cast<std::int64_t>(std::llround(seconds * 1000))})
            : detail::dump(pair[0]);
    const std::string value =
        pair[1].is_string() ? pair[1].get<std::string>() : detail::dump(pair[1]);
    table.rows.push_back({Cell(series), Cell(time, Tone::faint), Cell(value)});
}

void add_series(QueryResult& result, const Json& one) {
    if (!one.is_object()) return;
    const auto labels = one.find("metric");
    const bool has_labels = labels != one.end() && labels->is_object();
    const std::string name = has_labels ? series_name(*labels) : "{}";
    result.series.push_back(name);
    for (const std::string_view single : {"value", "histogram"}) {
        if (const auto at = one.find(std::string(single)); at != one.end())
            add_value(result.table, name, *at);
    }
    for (const std::string_view many : {"values", "histograms"}) {
        const auto at = one.find(std::string(many));
        if (at == one.end() || !at->is_array()) continue;
        for (const Json& pair : *at) add_value(result.table, name, pair);
    }
}

void add_texts(const Json& whole, std::string_view member, std::vector<std::string>& texts) {
    const auto at = whole.find(std::string(member));
    if (at == whole.end() || !at->is_array()) return;
    for (const Json& text : *at) {
        if (text.is_string()) texts.push_back(text.get<std::string>());
    }
}

}  // namespace

Result<QueryResult> read_query_result(std::string_view json) {
    const auto not_one = [] {
        return fail(ErrorKind::corrupt, "that is no answer of Prometheus' API");
    };
    MIMIR_TRY(const Json whole, detail::parse(json));
    if (!whole.is_object() || !whole.contains("data") || !whole["data"].is_object())
        return not_one();
    const Json& data = whole["data"];
    if (!data.contains("result") || !data["result"].is_array()) return not_one();

    QueryResult result{
        .table =
            {
                .columns = {{"SERIES"}, {"TIME"}, {"VALUE", false, true}},
                .rows = {},
            },
    };
    const Json& values = data["result"];
    const auto at = data.find("resultType");
    if (at == data.end() || !at->is_string()) return not_one();
    const std::string type = at->get<std::string>();
    if (type == "scalar" || type == "string") {
        add_value(result.table, type, values);
        result.result = detail::dump(Json::array({values}));
    } else {
        for (const Json& one : values) add_series(result, one);
        result.result = detail::dump(values);
    }
    add_texts(whole, "warnings", result.warnings);
    add_texts(whole, "infos", result.warnings);
    return result;
}

std::string error_text_of(std::string_view json) {
    const auto whole = detail::parse(json);
    if (!whole || !whole->is_object()) return "";
    for (const std::string_view member : {"error", "why", "message"}) {
        const auto at = whole->find(std::string(member));
        if (at != whole->end() && at->is_string()) return at->get<std::string>();
    }
    return "";
}

}  // namespace mimir::ctl
