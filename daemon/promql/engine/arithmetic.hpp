#pragma once

#include <cmath>

#include "promql/ast.hpp"
#include "promql/functions/values.hpp"

namespace mimir::promql::engine {

/// Calls use(f) with the operator's function of two numbers, so that loops over rows are compiled for each.
/// Comparisons give 0 or 1; what isn't defined for numbers is absent.
template <class Use>
decltype(auto) with_arithmetic(BinaryOp op, Use&& use) {
    switch (op) {
        case BinaryOp::add: return use([](double a, double b) { return a + b; });
        case BinaryOp::sub: return use([](double a, double b) { return a - b; });
        case BinaryOp::mul: return use([](double a, double b) { return a * b; });
        case BinaryOp::div: return use([](double a, double b) { return a / b; });
        case BinaryOp::mod: return use([](double a, double b) { return std::fmod(a, b); });
        case BinaryOp::pow: return use([](double a, double b) { return std::pow(a, b); });
        case BinaryOp::atan2: return use([](double a, double b) { return std::atan2(a, b); });
        case BinaryOp::eq: return use([](double a, double b) { return a == b ? 1.0 : 0.0; });
        case BinaryOp::ne: return use([](double a, double b) { return a != b ? 1.0 : 0.0; });
        case BinaryOp::lt: return use([](double a, double b) { return a < b ? 1.0 : 0.0; });
        case BinaryOp::le: return use([](double a, double b) { return a <= b ? 1.0 : 0.0; });
        case BinaryOp::gt: return use([](double a, double b) { return a > b ? 1.0 : 0.0; });
        case BinaryOp::ge: return use([](double a, double b) { return a >= b ? 1.0 : 0.0; });
        default: return use([](double, double) { return kAbsent; });
    }
}

/// The operator as it is between two floats. A comparison without `bool` is a filter: where it holds the element keeps
/// its value.
struct Operation {
    BinaryOp op = BinaryOp::add;
    bool return_bool = false;

    [[nodiscard]] bool is_filter() const { return is_comparison(op) && !return_bool; }
    /// Whether the result is another metric than the operands.
    [[nodiscard]] bool drops_name() const { return !is_filter(); }
};

}  // namespace mimir::promql::engine
