#pragma once

// Cuts a query into tokens. Which characters are allowed, and which words are keywords, depends on where they stand:
// outside, inside the braces of a selector, or inside the brackets of a range. The lexer keeps track of that itself.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "promql/ast.hpp"
#include "promql/position.hpp"
#include "promql/quote.hpp"

namespace mimir::promql {

// clang-format off
enum class TokenKind : std::uint8_t {
    error,  ///< The lexer's message() says what is wrong; nothing follows.
    end_of_input,
    identifier,         ///< A word without a colon.
    metric_identifier,  ///< A word with one.
    string, number, duration,
    left_paren, right_paren, left_brace, right_brace, left_bracket, right_bracket,
    comma, colon, equal,
    binary_operator,  ///< Token::binary says which.
    regex_match, regex_not_match, at,
    aggregator,  ///< Token::aggregate says which.
    // Keywords.
    bool_, by, group_left, group_right, fill, fill_left, fill_right, ignoring, offset, smoothed, anchored, on, without,
    // Functions that are also allowed in durations or after @.
    start, end, step, range, max_of, min_of,
};
// clang-format on

struct Token {
    TokenKind kind = TokenKind::end_of_input;
    Span span;
    std::string_view text;  ///< Of the query.
    BinaryOp binary{};
    AggregateOp aggregate{};

    [[nodiscard]] bool is(BinaryOp op) const {
        return kind == TokenKind::binary_operator && binary == op;
    }
};

/// As "unexpected ..." messages name it: identifier "foo", <op:*>, <by>, ",", end of input.
std::string describe(const Token& token);

class Lexer {
  public:
    /// The query must outlive the lexer and its tokens.
    explicit Lexer(std::string_view query) : query_(query) {}

    /// The next token; after error or end_of_input the same again.
    Token next();
    /// What is wrong, once next() gave an error; the token's span says where.
    [[nodiscard]] const std::string& message() const { return message_; }

  private:
    Token statement();
    Token inside_braces();
    Token inside_duration();
    Token symbol(char c);
    Token colon_in_brackets();
    Token word_in_brackets();
    Token word();
    Token label_name();
    Token number_or_duration();
    Token quoted(char mark);
    Token raw_string();

    /// Takes an escape after its backslash; what is wrong with it, if anything.
    std::optional<std::string> take_escape(char mark);
    bool scan_number();
    bool scan_duration();
    bool duration_keyword(Token& token);
    void skip_spaces_and_comments();

    [[nodiscard]] bool at_end() const { return at_ >= query_.size(); }
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < query_.size() ? query_[at_ + ahead] : '\0';
    }
    bool accept(std::string_view any_of);
    [[nodiscard]] std::string_view text() const { return query_.substr(begin_, at_ - begin_); }
    /// Steps past one character, a byte if it isn't valid UTF-8.
    std::string_view take_character();
    [[nodiscard]] bool at_invalid_utf8() const { return utf8_length(query_.substr(at_)) == 0; }
    [[nodiscard]] Token token(TokenKind kind) const;
    [[nodiscard]] Token operation(BinaryOp op) const;
    /// An error at begin_.
    Token error(std::string message);

    std::string_view query_;
    std::uint32_t begin_ = 0;  ///< Of the token being cut.
    std::uint32_t at_ = 0;
    std::uint32_t open_parens_ = 0;
    bool in_braces_ = false;
    bool in_brackets_ = false;
    bool duration_wanted_ =
        false;  ///< In brackets: no number yet, so that only a duration's own characters may come.
    bool seen_duration_ = false;  ///< In these brackets.
    bool seen_colon_ = false;     ///< In these brackets.
    std::string message_;
    std::optional<Token> ended_;
};

}  // namespace mimir::promql
