#include "promql/duration.hpp"

#include <array>
#include <cmath>
#include <optional>

#include "promql/quote.hpp"

namespace mimir::promql {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
    bool only_whole;  ///< Printed only when nothing remains: 90d reads better than 12w6d.
};

constexpr std::array kUnits = {
    Unit{"y", 365LL * 24 * 60 * 60 * 1000, true},
    Unit{"w", 7LL * 24 * 60 * 60 * 1000, true},
    Unit{"d", 24LL * 60 * 60 * 1000, false},
    Unit{"h", 60LL * 60 * 1000, false},
    Unit{"m", 60LL * 1000, false},
    Unit{"s", 1000, false},
    Unit{"ms", 1, false},
};

std::optional<std::size_t> find_unit(std::string_view name) {
    for (std::size_t i = 0; i < kUnits.size(); ++i) {
        if (kUnits[i].name == name) return i;
    }
    return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Removes and returns the longest beginning whose characters all are, or all are not, digits.
std::string_view take_while(std::string_view& text, bool digits) {
    std::size_t length = 0;
    while (length < text.size() && is_digit(text[length]) == digits) ++length;
    const std::string_view taken = text.substr(0, length);
    text.remove_prefix(length);
    return taken;
}

/// Go's durations are nanoseconds in 64 bits; Prometheus refuses longer ones.
constexpr std::int64_t kLongestMilliseconds = 9'223'372'036'854;

}  // namespace

std::string format_duration(std::chrono::milliseconds duration) {
    std::int64_t rest = duration.count();
    if (rest == 0) return "0s";
    std::string out;
    if (rest < 0) {
        out = "-";
        rest = -rest;
    }
    for (const Unit& unit : kUnits) {
        if (rest < unit.milliseconds || (unit.only_whole && rest % unit.milliseconds != 0))
            continue;
        out += fmt::format("{}{}", rest / unit.milliseconds, unit.name);
        rest %= unit.milliseconds;
    }
    return out;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto invalid = [&] {
        return fail(ErrorKind::invalid, "not a valid duration string: {}", quote(text));
    };
    if (text.empty()) return fail(ErrorKind::invalid, "empty duration string");
    if (text == "0") return std::chrono::milliseconds(0);
    std::string_view rest = text;
    std::size_t next_unit = 0;
    std::int64_t total = 0;
    while (!rest.empty()) {
        const std::string_view digits = take_while(rest, true);
        if (digits.empty()) return invalid();
        const std::string_view name = take_while(rest, false);
        if (name.empty()) return invalid();
        const auto unit = find_unit(name);
        if (!unit) {
            return fail(
                ErrorKind::invalid, "unknown unit {} in duration {}", quote(name), quote(text)
            );
        }
        if (*unit < next_unit) return invalid();
        next_unit = *unit + 1;
        std::int64_t value = 0;
        const std::int64_t most = (kLongestMilliseconds - total) / kUnits[*unit].milliseconds;
        for (const char digit : digits) {
            value = value * 10 + (digit - '0');
            if (value > most) return fail(ErrorKind::invalid, "duration out of range");
        }
        total += value * kUnits[*unit].milliseconds;
    }
    return std::chrono::milliseconds(total);
}

}  // namespace mimir::promql
