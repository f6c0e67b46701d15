#include "promql/functions/maths.hpp"

#include <chrono>
#include <cmath>
#include <numbers>

namespace mimir::promql {

namespace {

template <auto f>
void each(std::span<double> values) {
    for (double& value : values) value = is_absent(value) ? kAbsent : f(value);
}

constexpr auto kAbs = [](double x) { return std::abs(x); };
constexpr auto kCeil = [](double x) { return std::ceil(x); };
constexpr auto kFloor = [](double x) { return std::floor(x); };
constexpr auto kSgn = [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; };
constexpr auto kDeg = [](double x) { return x * 180 / std::numbers::pi; };
constexpr auto kRad = [](double x) { return x * std::numbers::pi / 180; };

template <double (*f)(double)>
constexpr auto kPlain = [](double x) { return f(x); };

// Dates.

using Days = std::chrono::sys_days;
constexpr std::int64_t kSecondsPerDay = 86400;
/// Beyond it std::chrono's years (16 bits) overflow.
constexpr double kSecondsMax = 1e12;

/// Calls of(seconds since 1970, its day, the day's date); NaN for what is no date.
template <auto of>
constexpr auto kDatePart = [](double x) {
    if (!(std::abs(x) < kSecondsMax)) return kNaN;
    const auto seconds = static_cast<std::int64_t>(x);
    const auto day =
        std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(seconds)
        ));
    return static_cast<double>(of(seconds, day, std::chrono::year_month_day(day)));
};

using Date = std::chrono::year_month_day;

std::int64_t second_of_day(std::int64_t seconds) {
    return ((seconds % kSecondsPerDay) + kSecondsPerDay) % kSecondsPerDay;
}

constexpr auto kMinute = [](std::int64_t s, Days, Date) { return second_of_day(s) / 60 % 60; };
constexpr auto kHour = [](std::int64_t s, Days, Date) { return second_of_day(s) / 3600; };
constexpr auto kDayOfWeek = [](std::int64_t, Days day, Date) {
    return std::chrono::weekday(day).c_encoding();
};
constexpr auto kDayOfMonth = [](std::int64_t, Days, Date date) {
    return static_cast<unsigned>(date.day());
};
constexpr auto kDayOfYear = [](std::int64_t, Days day, Date date) {
    return (day - Days(date.year() / std::chrono::January / 1)).count() + 1;
};
constexpr auto kDaysInMonth = [](std::int64_t, Days, Date date) {
    return static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
};
constexpr auto kMonth = [](std::int64_t, Days, Date date) {
    return static_cast<unsigned>(date.month());
};
constexpr auto kYear = [](std::int64_t, Days, Date date) { return static_cast<int>(date.year()); };

}  // namespace

RowFunction row_function(FunctionId id) {
    switch (id) {
        case FunctionId::abs: return each<kAbs>;
        case FunctionId::acos: return each<kPlain<std::acos>>;
        case FunctionId::acosh: return each<kPlain<std::acosh>>;
        case FunctionId::asin: return each<kPlain<std::asin>>;
        case FunctionId::asinh: return each<kPlain<std::asinh>>;
        case FunctionId::atan: return each<kPlain<std::atan>>;
        case FunctionId::atanh: return each<kPlain<std::atanh>>;
        case FunctionId::ceil: return each<kCeil>;
        case FunctionId::cos: return each<kPlain<std::cos>>;
        case FunctionId::cosh: return each<kPlain<std::cosh>>;
        case FunctionId::deg: return each<kDeg>;
        case FunctionId::exp: return each<kPlain<std::exp>>;
        case FunctionId::floor: return each<kFloor>;
        case FunctionId::ln: return each<kPlain<std::log>>;
        case FunctionId::log10: return each<kPlain<std::log10>>;
        case FunctionId::log2: return each<kPlain<std::log2>>;
        case FunctionId::rad: return each<kRad>;
        case FunctionId::sgn: return each<kSgn>;
        case FunctionId::sin: return each<kPlain<std::sin>>;
        case FunctionId::sinh: return each<kPlain<std::sinh>>;
        case FunctionId::sqrt: return each<kPlain<std::sqrt>>;
        case FunctionId::tan: return each<kPlain<std::tan>>;
        case FunctionId::tanh: return each<kPlain<std::tanh>>;
        case FunctionId::minute: return each<kDatePart<kMinute>>;
        case FunctionId::hour: return each<kDatePart<kHour>>;
        case FunctionId::day_of_week: return each<kDatePart<kDayOfWeek>>;
        case FunctionId::day_of_month: return each<kDatePart<kDayOfMonth>>;
        case FunctionId::day_of_year: return each<kDatePart<kDayOfYear>>;
        case FunctionId::days_in_month: return each<kDatePart<kDaysInMonth>>;
        case FunctionId::month: return each<kDatePart<kMonth>>;
        case FunctionId::year: return each<kDatePart<kYear>>;
        default: return nullptr;
    }
}

}  // namespace mimir::promql
