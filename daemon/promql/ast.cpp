#include "promql/ast.hpp"

namespace mimir::promql {

std::string_view to_string(BinaryOp op) {
    switch (op) {
        case BinaryOp::add: return "+";
        case BinaryOp::sub: return "-";
        case BinaryOp::mul: return "*";
        case BinaryOp::div: return "/";
        case BinaryOp::mod: return "%";
        case BinaryOp::pow: return "^";
        case BinaryOp::atan2: return "atan2";
        case BinaryOp::eq: return "==";
        case BinaryOp::ne: return "!=";
        case BinaryOp::lt: return "<";
        case BinaryOp::le: return "<=";
        case BinaryOp::gt: return ">";
        case BinaryOp::ge: return ">=";
        case BinaryOp::trim_upper: return "</";
        case BinaryOp::trim_lower: return ">/";
        case BinaryOp::set_and: return "and";
        case BinaryOp::set_or: return "or";
        case BinaryOp::set_unless: return "unless";
    }
    return {};
}

std::string_view to_string(AggregateOp op) {
    switch (op) {
        case AggregateOp::avg: return "avg";
        case AggregateOp::bottomk: return "bottomk";
        case AggregateOp::count: return "count";
        case AggregateOp::count_values: return "count_values";
        case AggregateOp::group: return "group";
        case AggregateOp::limitk: return "limitk";
        case AggregateOp::limit_ratio: return "limit_ratio";
        case AggregateOp::max: return "max";
        case AggregateOp::min: return "min";
        case AggregateOp::quantile: return "quantile";
        case AggregateOp::stddev: return "stddev";
        case AggregateOp::stdvar: return "stdvar";
        case AggregateOp::sum: return "sum";
        case AggregateOp::topk: return "topk";
    }
    return {};
}

const Expr& strip_parens(const Expr& expr) {
    const Expr* inner = &expr;
    while (const auto* paren = inner->as<Paren>()) inner = paren->expr.get();
    return *inner;
}

namespace {

struct ChildrenOf {
    std::vector<ExprPtr> operator()(const Paren& paren) const { return {paren.expr}; }
    std::vector<ExprPtr> operator()(const Unary& unary) const { return {unary.expr}; }
    std::vector<ExprPtr> operator()(const Binary& binary) const {
        return {binary.left, binary.right};
    }
    std::vector<ExprPtr> operator()(const Aggregate& aggregate) const {
        if (aggregate.parameter) return {aggregate.parameter, aggregate.expr};
        return {aggregate.expr};
    }
    std::vector<ExprPtr> operator()(const Call& call) const { return call.arguments; }
    std::vector<ExprPtr> operator()(const Subquery& subquery) const { return {subquery.expr}; }
    template <class Leaf>
    std::vector<ExprPtr> operator()(const Leaf&) const {
        return {};
    }
};

}  // namespace

std::vector<ExprPtr> children(const Node& node) { return std::visit(ChildrenOf{}, node); }

}  // namespace mimir::promql
