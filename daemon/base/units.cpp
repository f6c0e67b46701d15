#include "base/units.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace mimir {
namespace {

using std::chrono::nanoseconds;

struct DurationUnit {
    std::string_view name;
    double nanoseconds;
};
// Longer names first, so that "ms" is not read as "m" and then "s".
constexpr std::array kDurationUnits = {
    DurationUnit{"ns", 1},
    DurationUnit{"us", 1e3},
    DurationUnit{"µs", 1e3},  // U+00B5, the micro sign
    DurationUnit{"μs", 1e3},  // U+03BC, the Greek letter
    DurationUnit{"ms", 1e6},
    DurationUnit{"s", 1e9},
    DurationUnit{"m", 60e9},
    DurationUnit{"h", 3600e9},
    DurationUnit{"d", 24 * 3600e9},
    DurationUnit{"w", 7 * 24 * 3600e9},
    DurationUnit{"y", 365 * 24 * 3600e9},
};

struct ByteUnit {
    std::string_view name;
    double bytes;
};
constexpr double kKibi = 1024;
constexpr std::array kByteUnits = {
    ByteUnit{"", 1},
    ByteUnit{"B", 1},
    ByteUnit{"K", kKibi},
    ByteUnit{"KiB", kKibi},
    ByteUnit{"KB", 1e3},
    ByteUnit{"M", kKibi* kKibi},
    ByteUnit{"MiB", kKibi* kKibi},
    ByteUnit{"MB", 1e6},
    ByteUnit{"G", kKibi* kKibi* kKibi},
    ByteUnit{"GiB", kKibi* kKibi* kKibi},
    ByteUnit{"GB", 1e9},
    ByteUnit{"T", kKibi* kKibi* kKibi* kKibi},
    ByteUnit{"TiB", kKibi* kKibi* kKibi* kKibi},
    ByteUnit{"TB", 1e12},
};

/// Takes a number without sign or exponent off the front of `text`.
bool take_number(std::string_view& text, double& number) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || text.front() == '-' || !std::isfinite(number)) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

const DurationUnit* take_unit(std::string_view& text) {
    for (const DurationUnit& unit : kDurationUnits) {
        if (!text.starts_with(unit.name)) continue;
        text.remove_prefix(unit.name.size());
        return &unit;
    }
    return nullptr;
}

/// "1.5", never "1.50" or "1e+06".
std::string shortest(double number) {
    std::array<char, 64> buffer;
    const auto end =
        std::to_chars(
            buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed
        )
            .ptr;
    return {buffer.data(), end};
}

}  // namespace

Result<nanoseconds> parse_duration(std::string_view text) {
    const auto refuse = [text](std::string_view why) {
        return fail(
            ErrorKind::invalid, "\"{}\" is not a duration such as 30s, 1h30m or 7d: {}", text, why
        );
    };
    std::string_view rest = text;
    const bool negative = rest.starts_with('-');
    if (negative) rest.remove_prefix(1);
    if (rest.empty()) return refuse("it has no number");
    if (rest == "0") return nanoseconds(0);

    double total = 0;
    while (!rest.empty()) {
        double number = 0;
        if (!take_number(rest, number)) return refuse("a number is missing");
        const DurationUnit* unit = take_unit(rest);
        if (unit == nullptr) {
            return refuse(
                rest.empty() ? "it has no unit" : "its unit is none of ms, s, m, h, d, w, y"
            );
        }
        total += number * unit->nanoseconds;
    }
    if (total > 9.2e18) return refuse("it is longer than 292 years");
    const auto count = std::llround(total);
    return nanoseconds(negative ? -count : count);
}

std::string format_duration(nanoseconds duration) {
    using namespace std::chrono;
    if (duration < 0ns) return "-" + format_duration(-duration);
    if (duration == 0ns) return "0s";
    const auto count = static_cast<double>(duration.count());
    if (duration < 1us) return shortest(count) + "ns";
    if (duration < 1ms) return shortest(count / 1e3) + "us";
    if (duration < 1s) return shortest(count / 1e6) + "ms";
    if (duration % days(1) == 0ns) return fmt::format("{}d", duration / days(1));

    std::string text;
    if (duration >= 1h) text += fmt::format("{}h", duration / 1h);
    if (const auto rest = duration % 1h; rest >= 1min) text += fmt::format("{}m", rest / 1min);
    if (const auto rest = duration % 1min; rest > 0ns) {
        text += shortest(static_cast<double>(rest.count()) / 1e9) + "s";
    }
    return text;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
    std::string_view rest = text;
    std::uint64_t whole = 0;
    const auto plain = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (plain.ec == std::errc() && plain.ptr == text.data() + text.size()) return whole;

    double number = 0;
    if (!rest.empty() && take_number(rest, number)) {
        while (rest.starts_with(' ')) rest.remove_prefix(1);
        for (const ByteUnit& unit : kByteUnits) {
            // 2^64 is exact as a double; the greatest double below it fits.
            if (unit.name == rest && number * unit.bytes < 0x1p64) {
                return static_cast<std::uint64_t>(number * unit.bytes);
            }
        }
    }
    return fail(ErrorKind::invalid, "\"{}\" is not a size such as 1048576, 64KiB or 1.5GiB", text);
}

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array kNames = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto size = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (size >= kKibi && unit + 1 < kNames.size()) {
        size /= kKibi;
        ++unit;
    }
    return fmt::format("{:.4g} {}", size, kNames[unit]);
}

}  // namespace mimir
