#pragma once

// The functions of PromQL as data. What parses, what prints, what the documentation lists and what
// the engine must have all derive from this table.

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "promql/value_type.hpp"

namespace mimir::promql {

/// In the order of the names, as the table is.
// clang-format off
enum class FunctionId : std::uint8_t {
    abs, absent, absent_over_time, acos, acosh, asin, asinh, atan, atanh, avg_over_time,
    ceil, changes, clamp, clamp_max, clamp_min, cos, cosh, count_over_time,
    day_of_month, day_of_week, day_of_year, days_in_month, deg, delta, deriv,
    double_exponential_smoothing, end, exp, first_over_time, floor,
    histogram_avg, histogram_count, histogram_fraction, histogram_quantile, histogram_quantiles,
    histogram_stddev, histogram_stdvar, histogram_sum, hour, idelta, increase, info, irate,
    label_join, label_replace, last_over_time, ln, log10, log2,
    mad_over_time, max_of, max_over_time, min_of, min_over_time, minute, month,
    pi, predict_linear, present_over_time, quantile_over_time,
    rad, range, rate, resets, round, scalar, sgn, sin, sinh, sort, sort_by_label,
    sort_by_label_desc, sort_desc, sqrt, start, start_timestamp, stddev_over_time, stdvar_over_time,
    step, sum_over_time, tan, tanh, time, timestamp, ts_of_first_over_time, ts_of_last_over_time,
    ts_of_max_over_time, ts_of_min_over_time, vector, year,
};
// clang-format on

inline constexpr std::size_t kFunctionCount = static_cast<std::size_t>(FunctionId::year) + 1;
inline constexpr std::uint8_t kAnyNumber = std::numeric_limits<std::uint8_t>::max();

struct Function {
    FunctionId id;
    std::string_view name;
    ValueType returns;
    std::uint8_t arguments_min;
    std::uint8_t arguments_max;  ///< kAnyNumber: as many as there are.
    /// Of the arguments in turn; the last one given is that of all further ones.
    std::array<ValueType, 5> argument_types;
    std::uint8_t argument_type_count;
    bool experimental;

    [[nodiscard]] ValueType argument_type(std::size_t index) const {
        return argument_types[index < argument_type_count ? index : argument_type_count - 1U];
    }
};

/// All of them, by name.
std::span<const Function, kFunctionCount> functions();
const Function& function(FunctionId id);
/// Null when there is none of that name; names are case-sensitive.
const Function* find_function(std::string_view name);

}  // namespace mimir::promql
