#include "promql/functions/function_table.hpp"

#include <algorithm>
#include <initializer_list>

namespace mimir::promql {
namespace {

using Id = FunctionId;
constexpr ValueType kScalar = ValueType::scalar;
constexpr ValueType kString = ValueType::string;
constexpr ValueType kVector = ValueType::vector;
constexpr ValueType kMatrix = ValueType::matrix;

enum Stage : std::uint8_t { kStable, kExperimental };

/// How many arguments there may be, when that is not one of each type.
struct Arity {
    std::uint8_t min;
    std::uint8_t max;
};

/// Writes one function as a line: name, argument types, result.
struct Row : Function {
    using Types = std::initializer_list<ValueType>;

    consteval Row(
        Id function, std::string_view title, Types types, ValueType result, Stage stage = kStable
    )
        : Row(function, title, types, result, count(types), stage) {}

    consteval Row(
        Id function,
        std::string_view title,
        Types types,
        ValueType result,
        Arity arity,
        Stage stage = kStable
    )
        : Function{
              function,
              title,
              result,
              arity.min,
              arity.max,
              {},
              count(types).max,
              stage == kExperimental
          } {
        std::copy(types.begin(), types.end(), argument_types.begin());
    }

  private:
    static consteval Arity count(Types types) {
        return {static_cast<std::uint8_t>(types.size()), static_cast<std::uint8_t>(types.size())};
    }
};

// clang-format off
constexpr std::array<Function, kFunctionCount> kFunctions = {
    Row{Id::abs, "abs", {kVector}, kVector},
    Row{Id::absent, "absent", {kVector}, kVector},
    Row{Id::absent_over_time, "absent_over_time", {kMatrix}, kVector},
    Row{Id::acos, "acos", {kVector}, kVector},
    Row{Id::acosh, "acosh", {kVector}, kVector},
    Row{Id::asin, "asin", {kVector}, kVector},
    Row{Id::asinh, "asinh", {kVector}, kVector},
    Row{Id::atan, "atan", {kVector}, kVector},
    Row{Id::atanh, "atanh", {kVector}, kVector},
    Row{Id::avg_over_time, "avg_over_time", {kMatrix}, kVector},
    Row{Id::ceil, "ceil", {kVector}, kVector},
    Row{Id::changes, "changes", {kMatrix}, kVector},
    Row{Id::clamp, "clamp", {kVector, kScalar, kScalar}, kVector},
    Row{Id::clamp_max, "clamp_max", {kVector, kScalar}, kVector},
    Row{Id::clamp_min, "clamp_min", {kVector, kScalar}, kVector},
    Row{Id::cos, "cos", {kVector}, kVector},
    Row{Id::cosh, "cosh", {kVector}, kVector},
    Row{Id::count_over_time, "count_over_time", {kMatrix}, kVector},
    Row{Id::day_of_month, "day_of_month", {kVector}, kVector, Arity{0, 1}},
    Row{Id::day_of_week, "day_of_week", {kVector}, kVector, Arity{0, 1}},
    Row{Id::day_of_year, "day_of_year", {kVector}, kVector, Arity{0, 1}},
    Row{Id::days_in_month, "days_in_month", {kVector}, kVector, Arity{0, 1}},
    Row{Id::deg, "deg", {kVector}, kVector},
    Row{Id::delta, "delta", {kMatrix}, kVector},
    Row{Id::deriv, "deriv", {kMatrix}, kVector},
    Row{Id::double_exponential_smoothing, "double_exponential_smoothing", {kMatrix, kScalar, kScalar}, kVector, kExperimental},
    Row{Id::end, "end", {}, kScalar, kExperimental},
    Row{Id::exp, "exp", {kVector}, kVector},
    Row{Id::first_over_time, "first_over_time", {kMatrix}, kVector, kExperimental},
    Row{Id::floor, "floor", {kVector}, kVector},
    Row{Id::histogram_avg, "histogram_avg", {kVector}, kVector},
    Row{Id::histogram_count, "histogram_count", {kVector}, kVector},
    Row{Id::histogram_fraction, "histogram_fraction", {kScalar, kScalar, kVector}, kVector},
    Row{Id::histogram_quantile, "histogram_quantile", {kScalar, kVector}, kVector},
    Row{Id::histogram_quantiles, "histogram_quantiles", {kVector, kString, kScalar}, kVector, Arity{3, 12}, kExperimental},
    Row{Id::histogram_stddev, "histogram_stddev", {kVector}, kVector},
    Row{Id::histogram_stdvar, "histogram_stdvar", {kVector}, kVector},
    Row{Id::histogram_sum, "histogram_sum", {kVector}, kVector},
    Row{Id::hour, "hour", {kVector}, kVector, Arity{0, 1}},
    Row{Id::idelta, "idelta", {kMatrix}, kVector},
    Row{Id::increase, "increase", {kMatrix}, kVector},
    Row{Id::info, "info", {kVector, kVector}, kVector, Arity{1, 2}, kExperimental},
    Row{Id::irate, "irate", {kMatrix}, kVector},
    Row{Id::label_join, "label_join", {kVector, kString, kString, kString}, kVector, Arity{3, kAnyNumber}},
    Row{Id::label_replace, "label_replace", {kVector, kString, kString, kString, kString}, kVector},
    Row{Id::last_over_time, "last_over_time", {kMatrix}, kVector},
    Row{Id::ln, "ln", {kVector}, kVector},
    Row{Id::log10, "log10", {kVector}, kVector},
    Row{Id::log2, "log2", {kVector}, kVector},
    Row{Id::mad_over_time, "mad_over_time", {kMatrix}, kVector, kExperimental},
    Row{Id::max_of, "max_of", {kScalar, kScalar}, kScalar, kExperimental},
    Row{Id::max_over_time, "max_over_time", {kMatrix}, kVector},
    Row{Id::min_of, "min_of", {kScalar, kScalar}, kScalar, kExperimental},
    Row{Id::min_over_time, "min_over_time", {kMatrix}, kVector},
    Row{Id::minute, "minute", {kVector}, kVector, Arity{0, 1}},
    Row{Id::month, "month", {kVector}, kVector, Arity{0, 1}},
    Row{Id::pi, "pi", {}, kScalar},
    Row{Id::predict_linear, "predict_linear", {kMatrix, kScalar}, kVector},
    Row{Id::present_over_time, "present_over_time", {kMatrix}, kVector},
    Row{Id::quantile_over_time, "quantile_over_time", {kScalar, kMatrix}, kVector},
    Row{Id::rad, "rad", {kVector}, kVector},
    Row{Id::range, "range", {}, kScalar, kExperimental},
    Row{Id::rate, "rate", {kMatrix}, kVector},
    Row{Id::resets, "resets", {kMatrix}, kVector},
    Row{Id::round, "round", {kVector, kScalar}, kVector, Arity{1, 2}},
    Row{Id::scalar, "scalar", {kVector}, kScalar},
    Row{Id::sgn, "sgn", {kVector}, kVector},
    Row{Id::sin, "sin", {kVector}, kVector},
    Row{Id::sinh, "sinh", {kVector}, kVector},
    Row{Id::sort, "sort", {kVector}, kVector},
    Row{Id::sort_by_label, "sort_by_label", {kVector, kString}, kVector, Arity{1, kAnyNumber}, kExperimental},
    Row{Id::sort_by_label_desc, "sort_by_label_desc", {kVector, kString}, kVector, Arity{1, kAnyNumber}, kExperimental},
    Row{Id::sort_desc, "sort_desc", {kVector}, kVector},
    Row{Id::sqrt, "sqrt", {kVector}, kVector},
    Row{Id::start, "start", {}, kScalar, kExperimental},
    Row{Id::start_timestamp, "start_timestamp", {kVector}, kVector, kExperimental},
    Row{Id::stddev_over_time, "stddev_over_time", {kMatrix}, kVector},
    Row{Id::stdvar_over_time, "stdvar_over_time", {kMatrix}, kVector},
    Row{Id::step, "step", {}, kScalar, kExperimental},
    Row{Id::sum_over_time, "sum_over_time", {kMatrix}, kVector},
    Row{Id::tan, "tan", {kVector}, kVector},
    Row{Id::tanh, "tanh", {kVector}, kVector},
    Row{Id::time, "time", {}, kScalar},
    Row{Id::timestamp, "timestamp", {kVector}, kVector},
    Row{Id::ts_of_first_over_time, "ts_of_first_over_time", {kMatrix}, kVector, kExperimental},
    Row{Id::ts_of_last_over_time, "ts_of_last_over_time", {kMatrix}, kVector, kExperimental},
    Row{Id::ts_of_max_over_time, "ts_of_max_over_time", {kMatrix}, kVector, kExperimental},
    Row{Id::ts_of_min_over_time, "ts_of_min_over_time", {kMatrix}, kVector, kExperimental},
    Row{Id::vector, "vector", {kScalar}, kVector},
    Row{Id::year, "year", {kVector}, kVector, Arity{0, 1}},
};
// clang-format on

constexpr bool in_order() {
    for (std::size_t i = 0; i < kFunctions.size(); ++i) {
        if (static_cast<std::size_t>(kFunctions[i].id) != i) return false;
        if (i > 0 && kFunctions[i - 1].name >= kFunctions[i].name) return false;
    }
    return true;
}
static_assert(in_order(), "a function's id is its row, and rows are sorted by name");

}  // namespace

std::span<const Function, kFunctionCount> functions() { return kFunctions; }

const Function& function(FunctionId id) { return kFunctions[static_cast<std::size_t>(id)]; }

const Function* find_function(std::string_view name) {
    const auto found = std::ranges::lower_bound(kFunctions, name, {}, &Function::name);
    return found != kFunctions.end() && found->name == name ? &*found : nullptr;
}

}  // namespace mimir::promql
