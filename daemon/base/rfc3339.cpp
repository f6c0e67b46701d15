#include "base/rfc3339.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace mimir {
namespace {

/// Reads the fields of an RFC 3339 time, one after the other; ok() tells whether all were there.
class Fields {
  public:
    explicit Fields(std::string_view text) : text_(text) {}

    int number(std::size_t digits) {
        int value = 0;
        const auto field = text_.substr(0, digits);
        const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
        expect(field.size() == digits && end == field.data() + digits && field.front() != '-');
        text_.remove_prefix(field.size());
        return value;
    }
    /// Digits after the point, as a fraction.
    double fraction() {
        const std::size_t digits = std::min(text_.find_first_not_of("0123456789"), text_.size());
        expect(digits > 0);
        double value = 0;
        for (std::size_t i = digits; i > 0; --i) value = (value + (text_[i - 1] - '0')) / 10;
        text_.remove_prefix(digits);
        return value;
    }
    bool skip(char c) {
        if (!text_.starts_with(c)) return false;
        text_.remove_prefix(1);
        return true;
    }
    void expect(bool condition) { ok_ = ok_ && condition; }
    [[nodiscard]] bool ok() const { return ok_ && text_.empty(); }

  private:
    std::string_view text_;
    bool ok_ = true;
};

}  // namespace

std::string format_rfc3339(TimestampMs time) {
    const std::int64_t seconds = time.ms / 1000 - (time.ms % 1000 < 0 ? 1 : 0);
    // fmt::gmtime throws beyond the year 2^31.
    constexpr std::int64_t kSecondsMax = 253402300799;  // the year 9999
    if (seconds > kSecondsMax || seconds < -kSecondsMax) return fmt::format("{} ms", time.ms);
    return fmt::format(
        "{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
        fmt::gmtime(static_cast<std::time_t>(seconds)),
        time.ms - seconds * 1000
    );
}

std::optional<TimestampMs> parse_rfc3339(std::string_view text) {
    Fields fields(text);
    const int year = fields.number(4);
    fields.expect(fields.skip('-'));
    const int month = fields.number(2);
    fields.expect(fields.skip('-'));
    const int day = fields.number(2);
    fields.expect(fields.skip('T'));
    const int hour = fields.number(2);
    fields.expect(fields.skip(':'));
    const int minute = fields.number(2);
    fields.expect(fields.skip(':'));
    const int second = fields.number(2);
    const double fraction = fields.skip('.') ? fields.fraction() : 0;
    int zone_minutes = 0;
    if (!fields.skip('Z')) {
        const bool west = fields.skip('-');
        fields.expect(west || fields.skip('+'));
        const int zone_hours = fields.number(2);
        fields.expect(fields.skip(':'));
        zone_minutes = (zone_hours * 60 + fields.number(2)) * (west ? -1 : 1);
    }
    const std::chrono::year_month_day date(
        std::chrono::year(year),
        std::chrono::month(static_cast<unsigned>(month)),
        std::chrono::day(static_cast<unsigned>(day))
    );
    fields.expect(date.ok() && hour < 24 && minute < 60 && second < 60);
    if (!fields.ok()) return {};
    const std::chrono::milliseconds midnight = std::chrono::sys_days(date).time_since_epoch();
    const auto of_day = std::chrono::hours(hour) + std::chrono::minutes(minute - zone_minutes) +
                        std::chrono::seconds(second) +
                        std::chrono::milliseconds(std::lround(fraction * 1000));
    return TimestampMs{(midnight + of_day).count()};
}

}  // namespace mimir
