#include "components/query_frontend/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/rfc3339.hpp"
#include "promql/duration.hpp"
#include "promql/parser.hpp"

namespace mimir::query_frontend {
namespace {

constexpr double kMillisecondsMax = 9.2e18;
// What clients send for "the beginning" and "the end of time".
constexpr std::string_view kMinimumTime = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaximumTime = "292277025-08-18T07:12:54.999999999Z";

std::optional<double> parse_seconds(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(seconds))
        return {};
    return seconds;
}

tl::unexpected<Error> no_timestamp(std::string_view text) {
    return fail(ErrorKind::invalid, "cannot parse \"{}\" to a valid timestamp", text);
}

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t bits) { out.push_back(static_cast<char>(bits)); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | code >> 6);
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3F));
        byte(0x80 | (code >> 6 & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
}

}  // namespace

Result<TimestampMs> parse_time(std::string_view text) {
    if (const auto seconds = parse_seconds(text)) {
        const double ms = std::round(*seconds * 1000);
        if (std::abs(ms) > kMillisecondsMax) return no_timestamp(text);
        return TimestampMs{static_cast<std::int64_t>(ms)};
    }
    if (const auto time = parse_rfc3339(text)) return *time;
    if (text == kMinimumTime) return TimestampMs::min();
    if (text == kMaximumTime) return TimestampMs::max();
    return no_timestamp(text);
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    if (const auto seconds = parse_seconds(text)) {
        const double nanoseconds = *seconds * 1e9;
        if (std::abs(nanoseconds) > kMillisecondsMax) {
            return fail(
                ErrorKind::invalid,
                "cannot parse \"{}\" to a valid duration. It overflows int64",
                text
            );
        }
        return std::chrono::milliseconds(static_cast<std::int64_t>(*seconds * 1000));
    }
    if (const auto duration = promql::parse_duration(text)) return *duration;
    return fail(ErrorKind::invalid, "cannot parse \"{}\" to a valid duration", text);
}

Error bad_parameter(std::string_view name, Error error) {
    error.message = fmt::format("invalid parameter \"{}\": {}", name, error.message);
    return error;
}

Result<TimestampMs> time_parameter(const http::Parameters& form, std::string_view name) {
    return parse_time(form.get_or(name, "")).map_error([&](Error error) {
        return bad_parameter(name, std::move(error));
    });
}

Result<TimestampMs> time_parameter(
    const http::Parameters& form, std::string_view name, TimestampMs otherwise
) {
    const std::string_view text = form.get_or(name, "");
    if (text.empty()) return otherwise;
    return parse_time(text).map_error([&](const Error& error) {
        return bad_parameter(
            name, error.with_context(fmt::format("invalid time value for '{}'", name))
        );
    });
}

Result<std::optional<std::chrono::milliseconds>> duration_parameter(
    const http::Parameters& form, std::string_view name
) {
    const std::string_view text = form.get_or(name, "");
    if (text.empty()) return std::nullopt;
    auto duration = parse_duration(text);
    if (!duration) return tl::unexpected(bad_parameter(name, std::move(duration.error())));
    return *duration;
}

Result<std::chrono::milliseconds> step_parameter(const http::Parameters& form) {
    auto step = parse_duration(form.get_or("step", ""));
    if (!step) return tl::unexpected(bad_parameter("step", std::move(step.error())));
    if (step->count() > 0) return *step;
    return fail(
        ErrorKind::invalid,
        "invalid parameter \"step\": zero or negative query resolution step widths are not "
        "accepted. Try a "
        "positive integer"
    );
}

Result<TimeRange> range_parameters(const http::Parameters& form) {
    MIMIR_TRY(const TimestampMs start, time_parameter(form, "start", TimestampMs::min()));
    MIMIR_TRY(const TimestampMs end, time_parameter(form, "end", TimestampMs::max()));
    return TimeRange{start, end};
}

Result<std::size_t> limit_parameter(const http::Parameters& form) {
    const std::string_view text = form.get_or("limit", "");
    if (text.empty()) return 0;
    std::int64_t limit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size()) {
        return fail(
            ErrorKind::invalid,
            "invalid parameter \"limit\": strconv.Atoi: parsing \"{}\": invalid syntax",
            text
        );
    }
    if (limit < 0)
        return fail(ErrorKind::invalid, "invalid parameter \"limit\": limit must be non-negative");
    return static_cast<std::size_t>(limit);
}

Result<std::vector<model::Matchers>> selector_parameters(const http::Parameters& form) {
    std::vector<model::Matchers> selectors;
    for (const std::string_view text : form.all("match[]")) {
        auto matchers = promql::parse_metric_selector(text);
        if (!matchers) return tl::unexpected(bad_parameter("match[]", std::move(matchers.error())));
        const bool selects =
            std::any_of(matchers->begin(), matchers->end(), [](const auto& matcher) {
                return !matcher.matches_empty();
            });
        if (!selects) {
            return fail(
                ErrorKind::invalid,
                "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher"
            );
        }
        selectors.push_back(*std::move(matchers));
    }
    return selectors;
}

std::string unescape_label_name(std::string_view name) {
    constexpr std::string_view kPrefix = "U__";
    if (!name.starts_with(kPrefix)) return std::string(name);
    std::string plain;
    for (std::string_view rest = name.substr(kPrefix.size()); !rest.empty();) {
        if (rest.front() != '_') {
            plain.push_back(rest.front());
            rest.remove_prefix(1);
            continue;
        }
        rest.remove_prefix(1);
        const std::size_t end = rest.find('_');
        if (end == 0) {
            plain.push_back('_');
        } else {
            std::uint32_t code = 0;
            const std::string_view hex = rest.substr(0, end);
            const bool is_code = end != std::string_view::npos && end <= 6 &&
                                 std::all_of(hex.begin(), hex.end(), is_hex);
            if (!is_code) return std::string(name);
            std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
            if (code > 0x10FFFF) return std::string(name);
            append_utf8(plain, code);
        }
        rest.remove_prefix(end + 1);
    }
    return plain;
}

}  // namespace mimir::query_frontend
