#include "wave/answer.hpp"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "wave/sine_wave.hpp"

namespace mimir::wave {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kRefusalBytesMax = 300;
/// So many seconds have milliseconds that are a number of 64 bits.
constexpr double kSecondsMax = 9e15;

tl::unexpected<Error> not_understood() {
    return fail(ErrorKind::corrupt, "the answer is no vector or matrix of numbers");
}

/// Of [seconds, "value"].
Result<Point> read_point(const Json& pair) {
    const bool is_pair = pair.is_array() && pair.size() == 2 && pair[0].is_number() &&
                         pair[1].is_string() && std::abs(pair[0].get<double>()) <= kSecondsMax;
    if (!is_pair) return not_understood();
    const auto& text = pair[1].get_ref<const std::string&>();
    const char* const end = text.data() + text.size();
    Point point{.time = {std::llround(pair[0].get<double>() * 1000)}};
    const char* const begin = text.data() + (text.starts_with('+') ? 1 : 0);
    const auto [stopped, error] = std::from_chars(begin, end, point.value);
    if (error != std::errc() || stopped != end) return not_understood();
    return point;
}

Result<AnswerSeries> read_series(const Json& one) {
    if (!one.is_object()) return not_understood();
    AnswerSeries series;
    if (const auto labels = one.find("metric"); labels != one.end() && labels->is_object()) {
        const auto id = labels->find(kSeriesLabel);
        if (id != labels->end() && id->is_string()) series.id = id->get<std::string>();
    }
    if (const auto value = one.find("value"); value != one.end()) {
        MIMIR_TRY(const Point point, read_point(*value));
        series.points.push_back(point);
        return series;
    }
    const auto values = one.find("values");
    if (values == one.end() || !values->is_array()) return not_understood();
    series.points.reserve(values->size());
    for (const Json& pair : *values) {
        MIMIR_TRY(const Point point, read_point(pair));
        series.points.push_back(point);
    }
    return series;
}

}  // namespace

Result<Answer> read_answer(std::string_view json) {
    const Json whole = Json::parse(json, nullptr, false);
    if (!whole.is_object() || !whole.contains("data")) return not_understood();
    const Json& data = whole["data"];
    if (!data.is_object() || !data.contains("result")) return not_understood();
    const Json& result = data["result"];
    if (!result.is_array()) return not_understood();
    Answer answer;
    answer.reserve(result.size());
    for (const Json& one : result) {
        MIMIR_TRY(AnswerSeries series, read_series(one));
        answer.push_back(std::move(series));
    }
    return answer;
}

std::string refusal_in(std::string_view body) {
    const Json whole = Json::parse(body, nullptr, false);
    if (whole.is_object()) {
        const auto error = whole.find("error");
        if (error != whole.end() && error->is_string()) return error->get<std::string>();
    }
    while (body.ends_with('\n')) body.remove_suffix(1);
    return std::string(body.substr(0, kRefusalBytesMax));
}

}  // namespace mimir::wave
