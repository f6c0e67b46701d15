#include <algorithm>
#include <cmath>
#include <utility>

#include "promql/detail/parser.hpp"
#include "promql/quote.hpp"

namespace mimir::promql::detail {
namespace {

constexpr std::string_view kMatching = "label matching";

/// Of a selector or subquery: where its offset and @ are kept.
struct TimeModifiers {
    Duration* offset = nullptr;  ///< Null: the expression takes none.
    std::optional<At>* at = nullptr;
};

TimeModifiers time_modifiers(Node& node) {
    if (auto* vector = std::get_if<VectorSelector>(&node)) return {&vector->offset, &vector->at};
    if (auto* matrix = std::get_if<MatrixSelector>(&node)) {
        return {&matrix->vector.offset, &matrix->vector.at};
    }
    if (auto* subquery = std::get_if<Subquery>(&node)) return {&subquery->offset, &subquery->at};
    return {};
}

bool is_set(const Duration& offset) { return offset.value.count() != 0 || offset.formula; }

std::optional<model::MatchType> match_type(const Token& token) {
    switch (token.kind) {
        case TokenKind::equal: return model::MatchType::equal;
        case TokenKind::regex_match: return model::MatchType::regex;
        case TokenKind::regex_not_match: return model::MatchType::not_regex;
        default: break;
    }
    if (token.is(BinaryOp::ne)) return model::MatchType::not_equal;
    return std::nullopt;
}

}  // namespace

Result<Parser::Made> Parser::selector(const Token* name) {
    VectorSelector node;
    const std::uint32_t begin = name != nullptr ? name->span.begin : token_.span.begin;
    if (is(TokenKind::left_brace)) {
        MIMIR_TRY(node.matchers, matchers());
    }
    if (name != nullptr) {
        node.name = name->text;
        node.matchers.push_back(model::Matcher::equal(model::kMetricName, name->text));
    }
    return make({begin, end_}, ValueType::vector, std::move(node));
}

Result<model::Matchers> Parser::matchers() {
    model::Matchers matchers;
    MIMIR_TRY(expect(TokenKind::left_brace));
    while (!accept(TokenKind::right_brace)) {
        if (!matchers.empty()) {
            MIMIR_TRY(expect(TokenKind::comma, {kMatching, R"("," or "}")"}));
            if (accept(TokenKind::right_brace)) break;
        }
        MIMIR_TRY(model::Matcher one, matcher());
        matchers.push_back(std::move(one));
    }
    return matchers;
}

/// label="value", "label"="value", or the metric's name alone in quotes.
Result<model::Matcher> Parser::matcher() {
    const bool quoted = is(TokenKind::string);
    if (!quoted && !is(TokenKind::identifier))
        return unexpected({kMatching, R"(identifier or "}")"});
    const Token label = take();
    std::string name(label.text);
    if (quoted) {
        MIMIR_TRY(name, unquote(label.text));
    }
    const auto type = match_type(token_);
    if (!type) {
        if (quoted && (is(TokenKind::comma) || is(TokenKind::right_brace))) {
            return model::Matcher::equal(model::kMetricName, name);
        }
        return unexpected({kMatching, quoted ? R"("," or "}")" : "label matching operator"});
    }
    take();
    MIMIR_TRY(const Token literal, expect(TokenKind::string, {kMatching, "string"}));
    MIMIR_TRY(const std::string value, unquote(literal.text));
    auto made = model::Matcher::create(*type, name, value);
    if (!made) return error({label.span.begin, literal.span.end}, made.error().message);
    return made;
}

Result<model::Matchers> Parser::parse_metric_selector() {
    MIMIR_TRY(Made expr, primary());
    auto* vector = std::get_if<VectorSelector>(&expr->node);
    if (vector == nullptr) return error(expr->span, "expected a vector selector");
    MIMIR_TRY(expect(TokenKind::end_of_input));
    return std::move(vector->matchers);
}

Result<Parser::Made> Parser::modifiers(Made expr) {
    while (true) {
        switch (token_.kind) {
            case TokenKind::left_bracket: {
                MIMIR_TRY(expr, brackets(std::move(expr)));
                break;
            }
            case TokenKind::offset: MIMIR_TRY(offset(*expr)); break;
            case TokenKind::at: MIMIR_TRY(at(*expr)); break;
            case TokenKind::anchored:
            case TokenKind::smoothed: MIMIR_TRY(edges(*expr)); break;
            default: return expr;
        }
    }
}

/// [range] or [range:step].
Result<Parser::Made> Parser::brackets(Made expr) {
    const Token open = take();
    constexpr std::string_view kDuration = "number, duration, step(), or range()";
    MIMIR_TRY(Duration range, duration(Sign::positive, {"subquery or range selector", kDuration}));
    if (accept(TokenKind::right_bracket)) {
        return matrix(expr, std::move(range), {open.span.begin, end_});
    }
    MIMIR_TRY(expect(TokenKind::colon, {"subquery or range", R"(":" or "]")"}));
    Subquery node{.range = std::move(range)};
    if (!accept(TokenKind::right_bracket)) {
        constexpr std::string_view kContext = "subquery selector";
        MIMIR_TRY(
            node.step,
            duration(Sign::positive, {kContext, R"(number, duration, step(), range(), or "]")"})
        );
        MIMIR_TRY(expect(TokenKind::right_bracket, {kContext, R"("]")"}));
    }
    const Span span{expr->span.begin, end_};
    node.expr = std::move(expr);
    return make(span, ValueType::matrix, std::move(node));
}

Result<Parser::Made> Parser::matrix(const Made& expr, Duration range, Span brackets) {
    auto* vector = std::get_if<VectorSelector>(&expr->node);
    if (vector == nullptr) return error(brackets, "ranges only allowed for vector selectors");
    if (is_set(vector->offset)) return error(brackets, "no offset modifiers allowed before range");
    if (vector->at) return error(brackets, "no @ modifiers allowed before range");
    MatrixSelector node{std::move(*vector), expr->span, std::move(range)};
    return make({expr->span.begin, brackets.end}, ValueType::matrix, std::move(node));
}

Result<void> Parser::offset(Expr& expr) {
    take();
    MIMIR_TRY(Duration by, offset_duration());
    const TimeModifiers kept = time_modifiers(expr.node);
    if (kept.offset == nullptr) {
        return error(
            expr.span,
            "offset modifier must be preceded by an instant vector selector or range vector "
            "selector or a subquery"
        );
    }
    if (is_set(*kept.offset)) return error(expr.span, "offset may not be set multiple times");
    *kept.offset = std::move(by);
    expr.span.end = end_;
    return {};
}

Result<void> Parser::at(Expr& expr) {
    take();
    MIMIR_TRY(const At when, at_time(expr));
    const TimeModifiers kept = time_modifiers(expr.node);
    if (kept.at == nullptr) {
        return error(
            expr.span,
            "@ modifier must be preceded by an instant vector selector or range vector selector or "
            "a subquery"
        );
    }
    if (*kept.at) return error(expr.span, "@ <timestamp> may not be set multiple times");
    *kept.at = when;
    expr.span.end = end_;
    return {};
}

Result<At> Parser::at_time(const Expr& expr) {
    constexpr Expected kTimestamp{"@", "timestamp"};
    if (is(TokenKind::start) || is(TokenKind::end)) {
        const auto kind = take().kind == TokenKind::start ? At::Kind::start : At::Kind::end;
        MIMIR_TRY(expect(TokenKind::left_paren, kTimestamp));
        MIMIR_TRY(expect(TokenKind::right_paren, kTimestamp));
        return At{kind, {}};
    }
    const bool minus = token_.is(BinaryOp::sub);
    if (is_sign()) take();
    if (!is_number()) return unexpected(kTimestamp);
    MIMIR_TRY(double seconds, number_value());
    if (minus) seconds = -seconds;
    const double milliseconds = std::round(seconds * 1000);
    constexpr double kBound = 9223372036854775808.0;  // 2^63
    if (!(std::abs(milliseconds) < kBound)) {
        const std::string text = std::isnan(seconds)   ? "NaN"
                                 : std::isinf(seconds) ? (seconds > 0 ? "+Inf" : "-Inf")
                                                       : fmt::format("{:f}", seconds);
        return error(expr.span, "timestamp out of bounds for @ modifier: " + text);
    }
    return At{At::Kind::time, TimestampMs{static_cast<std::int64_t>(milliseconds)}};
}

/// anchored or smoothed.
Result<void> Parser::edges(Expr& expr) {
    const Token token = take();
    const bool anchored = token.kind == TokenKind::anchored;
    const std::string_view word = anchored ? "anchored" : "smoothed";
    const auto refuse = [&](std::string_view why) {
        return error(expr.span, fmt::format("{} modifier {}", word, why));
    };
    if (!options_.extended_range_selectors) return refuse("is experimental and not enabled");
    if (expr.as<Subquery>() != nullptr) return refuse("is not supported for subqueries");
    auto* vector = std::get_if<VectorSelector>(&expr.node);
    auto* matrix = std::get_if<MatrixSelector>(&expr.node);
    if (vector == nullptr && matrix == nullptr) return refuse("not implemented");
    RangeEdges& edges = vector != nullptr ? vector->edges : matrix->vector.edges;
    const RangeEdges wanted = anchored ? RangeEdges::anchored : RangeEdges::smoothed;
    if (edges != RangeEdges::plain && edges != wanted) {
        return error(expr.span, "anchored and smoothed modifiers cannot be used together");
    }
    edges = wanted;
    expr.span.end = end_;
    return {};
}

}  // namespace mimir::promql::detail
