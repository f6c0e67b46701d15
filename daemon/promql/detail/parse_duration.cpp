#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "promql/detail/parser.hpp"
#include "promql/quote.hpp"

// NOLINTBEGIN(misc-no-recursion): Nesting bounds the depth

namespace mimir::promql::detail {
namespace {

using Kind = DurationFormula::Kind;

constexpr int kSum = 1;
constexpr int kProduct = 2;
constexpr int kPower = 3;

/// Zero for operators that durations don't have.
int precedence(const Token& token) {
    if (token.kind != TokenKind::binary_operator) return 0;
    switch (token.binary) {
        case BinaryOp::add:
        case BinaryOp::sub: return kSum;
        case BinaryOp::mul:
        case BinaryOp::div:
        case BinaryOp::mod: return kProduct;
        case BinaryOp::pow: return kPower;
        default: return 0;
    }
}

Kind kind_of(BinaryOp op) {
    switch (op) {
        case BinaryOp::add: return Kind::add;
        case BinaryOp::sub: return Kind::sub;
        case BinaryOp::mul: return Kind::mul;
        case BinaryOp::div: return Kind::div;
        case BinaryOp::mod: return Kind::mod;
        default: return Kind::pow;
    }
}

bool is_literal(const DurationFormula& formula) {
    return formula.kind == Kind::number && !formula.in_parentheses;
}

}  // namespace

Result<Duration> Parser::duration(Sign allowed, Expected expected) {
    MIMIR_TRY(Formula formula, this->formula(kSum, expected));
    return finish(formula, allowed);
}

/// An offset takes one operand: what follows belongs to the expression round it, foo offset 1m + 2 is (foo offset 1m) + 2.
Result<Duration> Parser::offset_duration() {
    constexpr Expected kExpected{"offset", "number, duration, step(), or range()"};
    if (!is_sign()) {
        MIMIR_TRY(Formula formula, formula_operand(kExpected));
        return finish(formula, Sign::any);
    }
    const Token sign = take();
    MIMIR_TRY(Formula operand, formula_operand(kExpected));
    MIMIR_TRY(Formula formula, negate(sign, std::move(operand)));
    return finish(formula, Sign::any);
}

/// The value of a formula, now if it can be known.
Result<Duration> Parser::finish(const Formula& formula, Sign allowed) {
    const bool depends = depends_on_query(*formula);
    Duration duration{
        .formula = is_literal(*formula) ? nullptr : formula, .depends_on_query = depends
    };
    if (!depends) {
        MIMIR_TRY(duration.value, evaluate(*formula, {}, allowed, query_));
    }
    return duration;
}

Result<Parser::Formula> Parser::formula(int precedence_min, Expected expected) {
    const Nesting nesting(*this);
    if (nesting.too_deep(options_)) return too_deep(token_.span);
    MIMIR_TRY(Formula left, formula_operand(expected));
    std::uint32_t links = 0;
    while (precedence(token_) >= precedence_min) {
        if (++links > options_.depth_max) return too_deep(token_.span);
        MIMIR_TRY(require_duration_expressions(left->span));
        const Token op = take();
        const int own = precedence(op);
        MIMIR_TRY(Formula right, formula(own == kPower ? own : own + 1, expected));
        const bool by_zero = is_literal(*right) && right->seconds == 0;
        if (by_zero && op.binary == BinaryOp::div) return error(op.span, "division by zero");
        if (by_zero && op.binary == BinaryOp::mod) return error(op.span, "modulo by zero");
        auto node = std::make_shared<DurationFormula>();
        node->kind = kind_of(op.binary);
        node->span = {left->span.begin, right->span.end};
        node->left = std::move(left);
        node->right = std::move(right);
        left = std::move(node);
    }
    return left;
}

Result<Parser::Formula> Parser::formula_operand(Expected expected) {
    if (is_sign()) {
        const Token sign = take();
        MIMIR_TRY(Formula operand, formula(kPower, expected));
        return negate(sign, std::move(operand));
    }
    switch (token_.kind) {
        case TokenKind::step:
        case TokenKind::range:
        case TokenKind::min_of:
        case TokenKind::max_of: return formula_call(expected);
        case TokenKind::left_paren: return formula_in_parentheses(expected);
        case TokenKind::number:
        case TokenKind::duration: break;
        default: return unexpected(expected);
    }
    auto node = std::make_shared<DurationFormula>();
    node->span = token_.span;
    node->is_duration = is(TokenKind::duration);
    MIMIR_TRY(node->seconds, number_value());
    if (!is_in_range(node->seconds)) return error(node->span, "duration out of range");
    return node;
}

/// step(), range(), min_of(a, b), max_of(a, b).
Result<Parser::Formula> Parser::formula_call(Expected expected) {
    const Token name = take();
    const bool of_query = name.kind == TokenKind::step || name.kind == TokenKind::range;
    auto node = std::make_shared<DurationFormula>();
    node->kind = name.kind == TokenKind::step     ? Kind::step
                 : name.kind == TokenKind::range  ? Kind::range
                 : name.kind == TokenKind::min_of ? Kind::min_of
                                                  : Kind::max_of;
    MIMIR_TRY(expect(TokenKind::left_paren, expected));
    if (!of_query) {
        MIMIR_TRY(node->left, formula(kSum, expected));
        MIMIR_TRY(expect(TokenKind::comma, expected));
        MIMIR_TRY(node->right, formula(kSum, expected));
    }
    MIMIR_TRY(expect(TokenKind::right_paren, expected));
    node->span = {name.span.begin, end_};
    MIMIR_TRY(require_duration_expressions(node->span));
    return node;
}

Result<Parser::Formula> Parser::formula_in_parentheses(Expected expected) {
    const Token open = take();
    MIMIR_TRY(Formula inner, formula(kSum, expected));
    MIMIR_TRY(expect(TokenKind::right_paren, expected));
    MIMIR_TRY(require_duration_expressions(inner->span));
    inner->in_parentheses = true;
    inner->span = {open.span.begin, end_};
    return inner;
}

/// The sign of a number becomes part of it.
Result<Parser::Formula> Parser::negate(const Token& sign, Formula operand) {
    const bool minus = sign.is(BinaryOp::sub);
    if (is_literal(*operand)) {
        if (minus) operand->seconds = -operand->seconds;
        operand->span.begin = sign.span.begin;
        return operand;
    }
    auto node = std::make_shared<DurationFormula>();
    node->kind = minus ? Kind::minus : Kind::plus;
    node->span = {sign.span.begin, operand->span.end};
    node->left = std::move(operand);
    return node;
}

Result<void> Parser::require_duration_expressions(Span at) const {
    if (options_.duration_expressions) return {};
    return error(at, "experimental duration expression is not enabled");
}

Result<double> parse_number(std::string_view text) {
    const auto invalid = [&](std::string_view why) {
        return fail(
            ErrorKind::invalid,
            "error parsing number: strconv.ParseFloat: parsing {}: {}",
            quote(text),
            why
        );
    };
    std::string digits;
    for (const char c : text) {
        if (c != '_') digits += c;
    }
    const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
    const bool octal = digits.size() > 1 && digits[0] == '0' &&
                       digits.find_first_not_of("01234567") == std::string::npos;
    if (text.ends_with('_') || (hexadecimal && digits.size() == 2))
        return invalid("invalid syntax");
    if (hexadecimal || octal) {
        errno = 0;
        char* end = nullptr;
        const long long whole = std::strtoll(digits.c_str(), &end, hexadecimal ? 16 : 8);
        if (*end == '\0' && errno == 0) return static_cast<double>(whole);
        if (hexadecimal) return invalid("invalid syntax");
    }
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    if (*end != '\0') return invalid("invalid syntax");
    const bool infinity = digits.size() == 3 && (digits[0] == 'i' || digits[0] == 'I');
    if (std::isinf(value) && !infinity) return invalid("value out of range");
    return value;
}

}  // namespace mimir::promql::detail

// NOLINTEND(misc-no-recursion)
