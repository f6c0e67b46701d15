#include "promql/engine/histogram_arithmetic.hpp"

#include "model/histogram_arithmetic.hpp"

namespace mimir::promql::engine {

namespace {

using model::FloatHistogram;

HistogramPtr share(FloatHistogram histogram) {
    return std::make_shared<const FloatHistogram>(std::move(histogram));
}

std::string_view kind(const Operand& operand) {
    return operand.histogram != nullptr ? "histogram" : "float";
}

}  // namespace

Outcome HistogramArithmetic::apply(const Operand& left, const Operand& right) {
    if (left.histogram != nullptr && right.histogram != nullptr) {
        switch (op_) {
            case BinaryOp::add:
            case BinaryOp::sub:
            case BinaryOp::eq:
            case BinaryOp::ne: return of_two(*left.histogram, *right.histogram);
            default: break;
        }
    } else if (left.histogram != nullptr) {
        switch (op_) {
            case BinaryOp::mul:
            case BinaryOp::div: return scaled(*left.histogram, right.value);
            default: break;
        }
    } else if (op_ == BinaryOp::mul) {
        return scaled(*right.histogram, left.value);
    }
    incompatible(left, right);
    return {};
}

Outcome HistogramArithmetic::of_two(const FloatHistogram& left, const FloatHistogram& right) {
    if (is_comparison(op_)) {
        const bool holds = model::equal(left, right) == (op_ == BinaryOp::eq);
        if (return_bool_) return {holds ? 1.0 : 0.0, nullptr};
        return holds ? Outcome{kAbsent, share(left)} : Outcome{};
    }
    const bool adds = op_ == BinaryOp::add;
    FloatHistogram result = left;
    const auto combined = adds ? model::add(result, right) : model::subtract(result, right);
    if (!combined.compatible) {
        annotator_.warn(
            fmt::format(
                "incompatible bucket layout encountered for binary operator {}", to_string(op_)
            ),
            span_
        );
        return {};
    }
    const std::string_view doing = adds ? "addition" : "subtraction";
    if (combined.bounds_reconciled) {
        annotator_.inform(
            fmt::format("mismatched custom buckets were reconciled during {}", doing), span_
        );
    }
    if (combined.conflicting_resets) {
        annotator_.warn(
            fmt::format("conflicting counter resets during histogram {}", doing), span_
        );
    }
    model::compact(result);
    return {kAbsent, share(std::move(result))};
}

Outcome HistogramArithmetic::scaled(const FloatHistogram& histogram, double number) {
    FloatHistogram result = histogram;
    if (op_ == BinaryOp::mul) {
        model::multiply(result, number);
    } else {
        model::divide(result, number);
    }
    model::compact(result);
    return {kAbsent, share(std::move(result))};
}

void HistogramArithmetic::incompatible(const Operand& left, const Operand& right) {
    annotator_.inform(
        fmt::format(
            "incompatible sample types encountered for binary operator \"{}\": {} {} {}",
            to_string(op_),
            kind(left),
            to_string(op_),
            kind(right)
        ),
        span_
    );
}

}  // namespace mimir::promql::engine
