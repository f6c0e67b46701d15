#include "promql/parser.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "promql/detail/parser.hpp"
#include "promql/detail/type_check.hpp"
#include "promql/quote.hpp"

// NOLINTBEGIN(misc-no-recursion): Nesting bounds the depth

namespace mimir::promql {

Result<ExprPtr> parse_expr(std::string_view query, const ParserOptions& options) {
    if (query.size() > options.bytes_max) {
        return fail(
            ErrorKind::invalid,
            "the query has {} bytes, more than the {} that are allowed",
            query.size(),
            options.bytes_max
        );
    }
    MIMIR_TRY(ExprPtr expr, detail::Parser(query, options).parse_query());
    MIMIR_TRY(detail::check_types(*expr, query));
    return expr;
}

Result<model::Matchers> parse_metric_selector(std::string_view text) {
    return detail::Parser(text, ParserOptions{}).parse_metric_selector();
}

namespace detail {
namespace {

constexpr int kLowest = 1;
constexpr int kPower = 6;

int precedence(BinaryOp op) {
    switch (op) {
        case BinaryOp::set_or: return kLowest;
        case BinaryOp::set_and:
        case BinaryOp::set_unless: return 2;
        case BinaryOp::eq:
        case BinaryOp::ne:
        case BinaryOp::lt:
        case BinaryOp::le:
        case BinaryOp::gt:
        case BinaryOp::ge:
        case BinaryOp::trim_upper:
        case BinaryOp::trim_lower: return 3;
        case BinaryOp::add:
        case BinaryOp::sub: return 4;
        case BinaryOp::mul:
        case BinaryOp::div:
        case BinaryOp::mod:
        case BinaryOp::atan2: return 5;
        case BinaryOp::pow: return kPower;
    }
    return kLowest;
}

/// Words that are operators elsewhere, and names where a name is due.
bool is_set_word(const Token& token) {
    return token.kind == TokenKind::binary_operator && is_set_operator(token.binary);
}

bool is_metric_name(const Token& token) {
    switch (token.kind) {
        case TokenKind::identifier:
        case TokenKind::metric_identifier:
        case TokenKind::aggregator:
        case TokenKind::by:
        case TokenKind::without:
        case TokenKind::offset:
        case TokenKind::fill:
        case TokenKind::fill_left:
        case TokenKind::fill_right:
        case TokenKind::anchored:
        case TokenKind::smoothed: return true;
        default: return is_set_word(token) || token.kind >= TokenKind::start;
    }
}

bool is_label_name(const Token& token) {
    switch (token.kind) {
        case TokenKind::without: return false;
        case TokenKind::bool_:
        case TokenKind::on:
        case TokenKind::ignoring:
        case TokenKind::group_left:
        case TokenKind::group_right: return true;
        default: return is_metric_name(token) || token.is(BinaryOp::atan2);
    }
}

bool is_function_name(const Token& token) {
    return token.kind == TokenKind::identifier || token.kind >= TokenKind::start;
}

bool begins_expression(const Token& token) {
    switch (token.kind) {
        case TokenKind::number:
        case TokenKind::duration:
        case TokenKind::string:
        case TokenKind::left_paren:
        case TokenKind::left_brace: return true;
        default: return is_metric_name(token) || token.is(BinaryOp::add) || token.is(BinaryOp::sub);
    }
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::uint32_t depth_of(const Node& node) {
    std::uint32_t below = 0;
    for (const ExprPtr& child : children(node)) below = std::max(below, child->depth);
    return below + 1;
}

}  // namespace

Result<ExprPtr> Parser::parse_query() {
    if (is(TokenKind::end_of_input)) return error({}, "no expression found in input");
    MIMIR_TRY(Made expr, expression(kLowest));
    MIMIR_TRY(expect(TokenKind::end_of_input));
    return expr;
}

Result<Parser::Made> Parser::expression(int precedence_min) {
    const Nesting nesting(*this);
    if (nesting.too_deep(options_)) return too_deep(token_.span);
    MIMIR_TRY(Made left, operand());
    while (is(TokenKind::binary_operator) && precedence(token_.binary) >= precedence_min) {
        MIMIR_TRY(left, binary(std::move(left), precedence(token_.binary)));
    }
    return left;
}

Result<Parser::Made> Parser::binary(Made left, int own_precedence) {
    const Token op = take();
    Binary node{.op = op.binary, .op_span = op.span};
    node.return_bool = accept(TokenKind::bool_);
    MIMIR_TRY(VectorMatching matching, this->matching());
    // Only ^ associates to the right.
    MIMIR_TRY(Made right, expression(op.binary == BinaryOp::pow ? kPower : own_precedence + 1));
    const Span span{left->span.begin, right->span.end};
    const bool filled = matching.fill_left || matching.fill_right;
    if (filled && !options_.fill_modifiers) {
        return error(span, "binop fill modifiers are experimental and not enabled");
    }
    const bool vectors = left->type == ValueType::vector && right->type == ValueType::vector;
    const bool scalars = left->type == ValueType::scalar && right->type == ValueType::scalar;
    if (is_set_operator(op.binary) && matching.card == Cardinality::one_to_one) {
        matching.card = Cardinality::many_to_many;
    }
    if (vectors || filled || !matching.labels.empty()) node.matching = std::move(matching);
    node.left = std::move(left);
    node.right = std::move(right);
    return make(span, scalars ? ValueType::scalar : ValueType::vector, std::move(node));
}

Result<VectorMatching> Parser::matching() {
    VectorMatching matching;
    if (is(TokenKind::on) || is(TokenKind::ignoring)) {
        matching.on = take().kind == TokenKind::on;
        MIMIR_TRY(matching.labels, labels());
        if (is(TokenKind::group_left) || is(TokenKind::group_right)) {
            const bool left = take().kind == TokenKind::group_left;
            matching.card = left ? Cardinality::many_to_one : Cardinality::one_to_many;
            if (is(TokenKind::left_paren)) {
                MIMIR_TRY(matching.include, labels());
            }
        }
    }
    MIMIR_TRY(fill(matching));
    return matching;
}

Result<void> Parser::fill(VectorMatching& into) {
    if (accept(TokenKind::fill)) {
        MIMIR_TRY(into.fill_left, fill_value());
        into.fill_right = into.fill_left;
        return {};
    }
    for (int i = 0; i < 2; ++i) {
        if (!into.fill_left && accept(TokenKind::fill_left)) {
            MIMIR_TRY(into.fill_left, fill_value());
        } else if (!into.fill_right && accept(TokenKind::fill_right)) {
            MIMIR_TRY(into.fill_right, fill_value());
        }
    }
    return {};
}

Result<double> Parser::fill_value() {
    MIMIR_TRY(expect(TokenKind::left_paren));
    const bool negative = token_.is(BinaryOp::sub);
    if (is_sign()) take();
    if (!is_number()) return unexpected();
    MIMIR_TRY(const double value, number_value());
    MIMIR_TRY(expect(TokenKind::right_paren));
    return negative ? -value : value;
}

Result<Parser::Made> Parser::operand() {
    if (is_sign()) return signed_operand();
    MIMIR_TRY(Made expr, primary());
    return modifiers(std::move(expr));
}

/// The sign of a number becomes part of it; -1^2 is -(1^2).
Result<Parser::Made> Parser::signed_operand() {
    const Token sign = take();
    const bool minus = sign.is(BinaryOp::sub);
    MIMIR_TRY(Made expr, expression(kPower));
    if (auto* literal = std::get_if<NumberLiteral>(&expr->node)) {
        if (minus) literal->value = -literal->value;
        expr->span.begin = sign.span.begin;
        return expr;
    }
    const Span span{sign.span.begin, expr->span.end};
    const ValueType type = expr->type;
    return make(span, type, Unary{minus ? UnaryOp::minus : UnaryOp::plus, std::move(expr)});
}

Result<Parser::Made> Parser::primary() {
    switch (token_.kind) {
        case TokenKind::number:
        case TokenKind::duration: return number();
        case TokenKind::string: return string();
        case TokenKind::left_paren: return parentheses();
        case TokenKind::left_brace: return selector(nullptr);
        default: return is_metric_name(token_) ? named() : unexpected();
    }
}

Result<Parser::Made> Parser::number() {
    const Token token = token_;
    MIMIR_TRY(const double value, number_value());
    return make(
        token.span, ValueType::scalar, NumberLiteral{value, token.kind == TokenKind::duration}
    );
}

Result<double> Parser::number_value() {
    const Token token = take();
    if (token.kind == TokenKind::number) {
        auto value = parse_number(token.text);
        if (!value) return error(token.span, value.error().message);
        return value;
    }
    const auto value = parse_duration(token.text);
    if (!value) return error(token.span, value.error().message);
    return static_cast<double>(value->count()) / 1000;
}

Result<Parser::Made> Parser::string() {
    const Token token = take();
    MIMIR_TRY(std::string value, unquote(token.text));
    return make(token.span, ValueType::string, StringLiteral{std::move(value)});
}

Result<Parser::Made> Parser::parentheses() {
    const Token open = take();
    MIMIR_TRY(Made inner, expression(kLowest));
    MIMIR_TRY(const Token close, expect(TokenKind::right_paren));
    const ValueType type = inner->type;
    return make({open.span.begin, close.span.end}, type, Paren{std::move(inner)});
}

/// A call, an aggregation or a selector: what follows the name decides.
Result<Parser::Made> Parser::named() {
    const Token name = take();
    if (name.kind == TokenKind::aggregator) {
        if (is(TokenKind::left_paren) || is(TokenKind::by) || is(TokenKind::without))
            return aggregate(name);
    } else if (is(TokenKind::left_paren) && is_function_name(name)) {
        return call(name);
    }
    return selector(&name);
}

Result<Parser::Made> Parser::call(const Token& name) {
    MIMIR_TRY(std::vector<ExprPtr> given, arguments());
    const Function* callee = find_function(name.text);
    if (callee == nullptr) {
        return error(name.span, "unknown function with name " + quote(name.text));
    }
    if (callee->experimental && !options_.experimental_functions) {
        return error(name.span, fmt::format("function {} is not enabled", quote(name.text)));
    }
    return make({name.span.begin, end_}, callee->returns, Call{callee->id, std::move(given)});
}

Result<std::vector<ExprPtr>> Parser::arguments() {
    std::vector<ExprPtr> given;
    MIMIR_TRY(expect(TokenKind::left_paren));
    if (accept(TokenKind::right_paren)) return given;
    while (true) {
        MIMIR_TRY(given.emplace_back(), expression(kLowest));
        if (accept(TokenKind::right_paren)) return given;
        MIMIR_TRY(const Token comma, expect(TokenKind::comma));
        if (is(TokenKind::error) || begins_expression(token_)) continue;
        return error(comma.span, "trailing commas not allowed in function call args");
    }
}

Result<Parser::Made> Parser::aggregate(const Token& name) {
    Aggregate node{.op = name.aggregate};
    const bool grouped_before = !is(TokenKind::left_paren);
    if (grouped_before) {
        MIMIR_TRY(grouping(node));
    }
    MIMIR_TRY(std::vector<ExprPtr> given, arguments());
    if (!grouped_before && (is(TokenKind::by) || is(TokenKind::without))) {
        MIMIR_TRY(grouping(node));
    }
    const Span span{name.span.begin, end_};
    if (given.empty()) return error(span, "no arguments for aggregate expression provided");
    const bool experimental = node.op == AggregateOp::limitk || node.op == AggregateOp::limit_ratio;
    if (experimental && !options_.experimental_functions) {
        return error(
            span,
            fmt::format(
                "{}() is experimental and must be enabled with "
                "--enable-feature=promql-experimental-functions",
                to_string(node.op)
            )
        );
    }
    const std::size_t wanted = takes_parameter(node.op) ? 2 : 1;
    if (given.size() != wanted) {
        return error(
            span,
            fmt::format(
                "wrong number of arguments for aggregate expression provided, expected {}, got {}",
                wanted,
                given.size()
            )
        );
    }
    if (wanted == 2) node.parameter = std::move(given.front());
    node.expr = std::move(given.back());
    return make(span, ValueType::vector, std::move(node));
}

Result<void> Parser::grouping(Aggregate& node) {
    node.without = take().kind == TokenKind::without;
    MIMIR_TRY(node.grouping, labels());
    return {};
}

Result<std::vector<std::string>> Parser::labels() {
    constexpr std::string_view kContext = "grouping opts";
    std::vector<std::string> names;
    MIMIR_TRY(expect(TokenKind::left_paren, {kContext, "\"(\""}));
    while (!accept(TokenKind::right_paren)) {
        if (!names.empty()) {
            MIMIR_TRY(expect(TokenKind::comma, {kContext, "\",\" or \")\""}));
            if (accept(TokenKind::right_paren)) break;
        }
        MIMIR_TRY(names.emplace_back(), label());
    }
    return names;
}

Result<std::string> Parser::label() {
    if (!is(TokenKind::string)) {
        if (!is_label_name(token_)) return unexpected({"grouping opts", "label"});
        return std::string(take().text);
    }
    const Token literal = take();
    MIMIR_TRY(std::string name, unquote(literal.text));
    if (!name.empty() && is_utf8(name)) return name;
    return error(literal.span, "invalid label name for grouping: " + quote(name));
}

Result<Parser::Made> Parser::make(Span span, ValueType type, Node node) const {
    const std::uint32_t depth = depth_of(node);
    if (depth > options_.depth_max) return too_deep(span);
    return std::make_shared<Expr>(span, type, depth, std::move(node));
}

Token Parser::take() {
    const Token taken = std::exchange(token_, lexer_.next());
    end_ = taken.span.end;
    return taken;
}

bool Parser::accept(TokenKind kind) {
    if (!is(kind)) return false;
    take();
    return true;
}

Result<Token> Parser::expect(TokenKind kind, Expected expected) {
    if (!is(kind)) return unexpected(expected);
    return take();
}

tl::unexpected<Error> Parser::unexpected(Expected expected) const {
    if (is(TokenKind::error)) return error(token_.span, lexer_.message());
    std::string message = "unexpected " + describe(token_);
    if (!expected.context.empty()) message += fmt::format(" in {}", expected.context);
    if (!expected.what.empty()) message += fmt::format(", expected {}", expected.what);
    return error(token_.span, message);
}

tl::unexpected<Error> Parser::too_deep(Span at) const {
    return error(
        at, fmt::format("expression is nested more than {} levels deep", options_.depth_max)
    );
}

}  // namespace detail
}  // namespace mimir::promql

// NOLINTEND(misc-no-recursion)
