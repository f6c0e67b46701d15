#include "promql/detail/duration_formula.hpp"

#include <cmath>

#include "promql/detail/parse_error.hpp"

namespace mimir::promql::detail {
namespace {

using Kind = DurationFormula::Kind;

double seconds(std::chrono::milliseconds duration) {
    return static_cast<double>(duration.count()) / 1000;
}

/// Go's math.Min and math.Max: NaN wins.
double min_of(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b); }
double max_of(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b); }

struct Evaluation {
    const QueryWindow& window;
    std::string_view query;

    // NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth
    Result<double> operator()(const DurationFormula& formula) const {
        double left = 0;
        double right = 0;
        if (formula.left) {
            MIMIR_TRY(left, (*this)(*formula.left));
        }
        if (formula.right) {
            MIMIR_TRY(right, (*this)(*formula.right));
        }
        switch (formula.kind) {
            case Kind::number: return formula.seconds;
            case Kind::plus: return left;
            case Kind::minus: return -left;
            case Kind::add: return left + right;
            case Kind::sub: return left - right;
            case Kind::mul: return left * right;
            case Kind::div:
                if (right == 0) return parse_error(query, formula.span, "division by zero");
                return left / right;
            case Kind::mod:
                if (right == 0) return parse_error(query, formula.span, "modulo by zero");
                return std::fmod(left, right);
            case Kind::pow: return std::pow(left, right);
            case Kind::min_of: return min_of(left, right);
            case Kind::max_of: return max_of(left, right);
            case Kind::step: return seconds(window.step);
            case Kind::range: return seconds(window.range);
        }
        return 0.0;
    }
};

}  // namespace

std::chrono::milliseconds to_milliseconds(double seconds) {
    return std::chrono::milliseconds(std::llround(seconds * 1e9) / 1'000'000);
}

bool is_in_range(double seconds) {
    constexpr double kLongestSeconds = 9'223'372'036.0;
    return seconds >= -kLongestSeconds && seconds <= kLongestSeconds;
}

// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth
bool depends_on_query(const DurationFormula& formula) {
    return formula.kind == Kind::step || formula.kind == Kind::range ||
           (formula.left && depends_on_query(*formula.left)) ||
           (formula.right && depends_on_query(*formula.right));
}

Result<std::chrono::milliseconds> evaluate(
    const DurationFormula& formula, const QueryWindow& window, Sign allowed, std::string_view query
) {
    const Evaluation evaluation{window, query};
    MIMIR_TRY(const double value, evaluation(formula));
    if (!std::isfinite(value)) {
        return parse_error(query, formula.span, "duration is NaN or infinite");
    }
    if (!is_in_range(value)) return parse_error(query, formula.span, "duration out of range");
    const std::chrono::milliseconds duration = to_milliseconds(value);
    if (allowed == Sign::positive && duration.count() <= 0) {
        return parse_error(query, formula.span, "duration must be greater than 0");
    }
    return duration;
}

}  // namespace mimir::promql::detail
