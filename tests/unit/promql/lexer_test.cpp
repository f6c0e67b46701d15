#include "promql/lexer.hpp"

#include "support/test_support.hpp"

namespace mimir::promql {
namespace {

TEST_SUITE_BEGIN("promql/lexer");

/// The tokens as errors would name them, with where they begin: "0 identifier "foo"".
std::vector<std::string> lex(std::string_view query) {
    Lexer lexer(query);
    std::vector<std::string> out;
    while (true) {
        const Token token = lexer.next();
        const bool error = token.kind == TokenKind::error;
        out.push_back(fmt::format(
            "{} {}", token.span.begin, error ? "error: " + lexer.message() : describe(token)
        ));
        if (error || token.kind == TokenKind::end_of_input) return out;
    }
}

TEST_CASE("tokens") {
    using Tokens = std::vector<std::string>;
    const std::vector<std::pair<std::string, Tokens>> cases = {
        {"", {"0 end of input"}},
        {" # all of it\n", {"13 end of input"}},
        {"foo:bar", {R"(0 metric identifier "foo:bar")", "7 end of input"}},
        {"a*-b",
         {R"(0 identifier "a")", "1 <op:*>", "2 <op:->", R"(3 identifier "b")", "4 end of input"}},
        {"<=</<", {"0 <op:<=>", "2 <op:</>", "4 <op:<>", "5 end of input"}},
        {">=>/>", {"0 <op:>=>", "2 <op:>/>", "4 <op:>>", "5 end of input"}},
        {"== != =", {"0 <op:==>", "3 <op:!=>", R"(6 "=")", "7 end of input"}},
        {"And UNLESS by", {"0 <op:And>", "4 <op:UNLESS>", "11 <by>", "13 end of input"}},
        {"Sum(", {"0 <aggr:Sum>", R"(3 "(")", "4 error: unclosed left parenthesis"}},
        {"start end", {R"(0 "start")", R"(6 "end")", "9 end of input"}},
        {"fill fill (",
         {R"(0 identifier "fill")", "5 <fill>", R"(10 "(")", "11 error: unclosed left parenthesis"}
        },
        {"0x1F 1_000 .5 5. 1e-3 nan Inf",
         {R"(0 number "0x1F")",
          R"(5 number "1_000")",
          R"(11 number ".5")",
          R"(14 number "5.")",
          R"(17 number "1e-3")",
          R"(22 number "nan")",
          R"(26 number "Inf")",
          "29 end of input"}},
        {"1h30m 5ms", {R"(0 duration "1h30m")", R"(6 duration "5ms")", "9 end of input"}},
        {"{sum=~'a',by!=`b`}",
         {R"(0 "{")",
          R"(1 identifier "sum")",
          "4 <op:=~>",
          R"(6 string "'a'")",
          R"(9 ",")",
          R"(10 identifier "by")",
          "12 <op:!=>",
          R"(14 string "`b`")",
          R"(17 "}")",
          "18 end of input"}},
        {"x[5m:1m]",
         {R"(0 identifier "x")",
          R"(1 "[")",
          R"(2 duration "5m")",
          R"(4 ":")",
          R"(5 duration "1m")",
          R"(7 "]")",
          "8 end of input"}},
        {"x[ StEp() + 1]",
         {R"(0 identifier "x")",
          R"(1 "[")",
          R"(3 "StEp")",
          R"(7 "(")",
          R"x(8 ")")x",
          "10 <op:+>",
          R"(12 number "1")",
          R"(13 "]")",
          "14 end of input"}},
        {R"("a rather long string")", {R"(0 string "\"a rather "...)", "22 end of input"}},
    };
    for (const auto& [query, expected] : cases) {
        CAPTURE(query);
        CHECK(lex(query) == expected);
    }
}

TEST_CASE("what is no token says so, and where") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"a ~", "2 error: unexpected character: '~'"},
        {"é", "0 error: unexpected character: 'é'"},
        {"a =~ b", "2 error: unexpected character after '=': '~'"},
        {"a ! b", "2 error: unexpected character after '!': ' '"},
        {"a)", "2 error: unexpected right parenthesis ')'"},
        {"a]", "1 error: unexpected right bracket ']'"},
        {"a[1m[", "4 error: unexpected left bracket '['"},
        {"a[1m", "4 error: unclosed left bracket"},
        {"a[", "2 error: unexpected end of input in duration expression"},
        {"a[b]", "2 error: unexpected character in duration expression: 'b'"},
        {"a[:1m]", "3 error: unexpected colon before duration in duration expression"},
        {"a[1m:2m:3m]", "7 error: unexpected colon ':'"},
        {"a[1m b]", "5 error: unexpected character: 'b', expected ':'"},
        {"{a", "2 error: unexpected end of input inside braces"},
        {"{{", "1 error: unexpected left brace '{'"},
        {"{a!b}", "2 error: unexpected character after '!' inside braces: 'b'"},
        {"{a-b}", "2 error: unexpected character inside braces: '-'"},
        {"'a", "0 error: unterminated quoted string"},
        {"'a\nb'", "0 error: unterminated quoted string"},
        {"`a", "0 error: unterminated raw string"},
        {"'\\q'", "0 error: unknown escape sequence U+0071 'q'"},
        {"'\\xz0'", "0 error: illegal character U+007A 'z' in escape sequence"},
        {"'\\400'", "0 error: escape sequence is an invalid Unicode code point"},
        {"'\\ud800'", "0 error: escape sequence is an invalid Unicode code point"},
        {"'\\", "0 error: escape sequence not terminated"},
        {"'\xff'", "0 error: invalid UTF-8 rune"},
        {"1a", R"(0 error: bad number or duration syntax: "1")"},
        {"1..2", R"(0 error: bad number or duration syntax: "1..")"},
        {"1e5e5", R"(0 error: bad number or duration syntax: "1e5e")"},
        {"0x1.5", R"(0 error: bad number or duration syntax: "0x1.")"},
        {"30m1y", R"(0 error: bad number or duration syntax: "30m1")"},
    };
    for (const auto& [query, expected] : cases) {
        CAPTURE(query);
        CHECK(lex(query).back() == expected);
    }
}

TEST_CASE("nothing follows an error") {
    Lexer lexer("~ a");
    CHECK(lexer.next().kind == TokenKind::error);
    CHECK(lexer.next().kind == TokenKind::error);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::promql
