#pragma once

// Recursive descent with precedence climbing. Spread over three files by what is parsed: expressions (parser.cpp),
// selectors and their modifiers (parse_selector.cpp), durations (parse_duration.cpp).
//
// Every recursion passes through Nesting, and every node through make(): neither the parser's stack nor the tree is
// ever deeper than ParserOptions::depth_max.

#include <string>
#include <string_view>
#include <vector>

#include "promql/detail/duration_formula.hpp"
#include "promql/detail/parse_error.hpp"
#include "promql/lexer.hpp"
#include "promql/parser.hpp"

namespace mimir::promql::detail {

class Parser {
  public:
    Parser(std::string_view query, const ParserOptions& options)
        : query_(query), options_(options), lexer_(query), token_(lexer_.next()) {}

    Result<ExprPtr> parse_query();
    Result<model::Matchers> parse_metric_selector();

  private:
    /// A node that modifiers behind it may still change.
    using Made = std::shared_ptr<Expr>;
    using Formula = std::shared_ptr<DurationFormula>;

    /// What an unexpected token's error says besides the token.
    struct Expected {
        std::string_view context;
        std::string_view what;
    };

    // Expressions.
    Result<Made> expression(int precedence_min);
    Result<Made> operand();
    Result<Made> signed_operand();
    Result<Made> primary();
    Result<Made> number();
    Result<Made> string();
    Result<Made> parentheses();
    Result<Made> named();
    Result<Made> call(const Token& name);
    Result<std::vector<ExprPtr>> arguments();
    Result<Made> aggregate(const Token& name);
    Result<void> grouping(Aggregate& node);
    Result<Made> binary(Made left, int precedence);
    Result<VectorMatching> matching();
    Result<void> fill(VectorMatching& into);
    Result<double> fill_value();
    Result<std::vector<std::string>> labels();
    Result<std::string> label();

    // Selectors.
    Result<Made> selector(const Token* name);
    Result<model::Matchers> matchers();
    Result<model::Matcher> matcher();
    Result<Made> modifiers(Made expr);
    Result<Made> brackets(Made expr);
    Result<Made> matrix(const Made& expr, Duration range, Span brackets);
    Result<void> offset(Expr& expr);
    Result<void> at(Expr& expr);
    Result<At> at_time(const Expr& expr);
    Result<void> edges(Expr& expr);

    // Durations.
    Result<Duration> duration(Sign allowed, Expected expected);
    Result<Duration> offset_duration();
    Result<Duration> finish(const Formula& formula, Sign allowed);
    Result<Formula> formula(int precedence_min, Expected expected);
    Result<Formula> formula_operand(Expected expected);
    Result<Formula> formula_call(Expected expected);
    Result<Formula> formula_in_parentheses(Expected expected);
    Result<Formula> negate(const Token& sign, Formula operand);
    Result<void> require_duration_expressions(Span at) const;

    /// The value of the number or duration at hand, and past it.
    Result<double> number_value();

    Result<Made> make(Span span, ValueType type, Node node) const;

    // Tokens.
    Token take();
    [[nodiscard]] bool is(TokenKind kind) const { return token_.kind == kind; }
    [[nodiscard]] bool is_sign() const {
        return token_.is(BinaryOp::add) || token_.is(BinaryOp::sub);
    }
    [[nodiscard]] bool is_number() const {
        return is(TokenKind::number) || is(TokenKind::duration);
    }
    bool accept(TokenKind kind);
    Result<Token> expect(TokenKind kind, Expected expected = {});
    [[nodiscard]] tl::unexpected<Error> unexpected(Expected expected = {}) const;
    [[nodiscard]] tl::unexpected<Error> error(Span at, std::string_view message) const {
        return parse_error(query_, at, message);
    }
    [[nodiscard]] tl::unexpected<Error> too_deep(Span at) const;

    /// Counts the levels of recursion as long as it lives.
    class Nesting {
      public:
        explicit Nesting(Parser& parser) : levels_(parser.nesting_) { ++levels_; }
        ~Nesting() { --levels_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        [[nodiscard]] bool too_deep(const ParserOptions& options) const {
            return levels_ > options.depth_max;
        }

      private:
        std::uint32_t& levels_;
    };

    std::string_view query_;
    ParserOptions options_;
    Lexer lexer_;
    Token token_;            ///< The one to be looked at next.
    std::uint32_t end_ = 0;  ///< Of the token taken last.
    std::uint32_t nesting_ = 0;
};

/// A number as PromQL writes it: decimal, hexadecimal, octal with a leading 0, Inf, NaN, with _ between digits.
/// Errors: invalid, in Go's words.
Result<double> parse_number(std::string_view text);

}  // namespace mimir::promql::detail
