#include "promql/parser.hpp"

#include "promql/printer.hpp"
#include "support/test_support.hpp"
#include "tree.hpp"

namespace mimir::promql {
namespace {

TEST_SUITE_BEGIN("promql/parser");

struct Case {
    std::string query;
    std::string expected;
};

std::string parsed(std::string_view query) {
    const auto expr = parse_expr(query, ParserOptions::everything());
    return expr ? test::tree(**expr) : expr.error().message;
}

void check_all(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        CAPTURE(c.query);
        CHECK(parsed(c.query) == c.expected);
    }
}

TEST_CASE("numbers and durations are numbers") {
    check_all({
        {"1", "1"},
        {"0x1F", "31"},
        {"0755", "493"},
        {"089", "89"},
        {"1_000.5", "1000.5"},
        {"-Inf", "-Inf"},
        {"nAn", "NaN"},
        {"1h30m", "5400d"},
        {"-5ms", "-0.005d"},
        {"1e-400", "0"},
    });
}

TEST_CASE("strings") {
    check_all({
        {R"("a\tb\"c")", R"("a\tb\"c")"},
        {R"('a"b\'c')", R"("a\"b'c")"},
        {R"(`a\b`)", R"("a\\b")"},
        {R"("\x41\101\u00e9\U0001F600")", R"("AAé😀")"},
    });
}

TEST_CASE("operators bind as in mathematics") {
    check_all({
        {"1 + 2 * 3 ^ 2", "(+ 1 (* 2 (^ 3 2)))"},
        {"2 ^ 3 ^ 2", "(^ 2 (^ 3 2))"},
        {"1 - 2 - 3", "(- (- 1 2) 3)"},
        {"-1 ^ 2", "(neg (^ 1 2))"},
        {"2 ^ -1 * 3", "(* (^ 2 -1) 3)"},
        {"- 2 * 3", "(* -2 3)"},
        {"1 < bool 2 + 3", "(< bool 1 (+ 2 3))"},
        {"1 atan2 2 % 3", "(% (atan2 1 2) 3)"},
        {"(1 + 2) * 3", "(* (paren (+ 1 2)) 3)"},
        {"-(1)", "(neg (paren 1))"},
    });
    CHECK(
        parsed("a or b and c unless d == e") ==
        R"((or[n:m ignoring []] a{__name__="a"} )"
        R"((unless[n:m ignoring []] (and[n:m ignoring []] b{__name__="b"} c{__name__="c"}) )"
        R"((==[1:1 ignoring []] d{__name__="d"} e{__name__="e"}))))"
    );
}

TEST_CASE("matching of vectors") {
    check_all({
        {"a{} + on(x, \"y.z\",) b", R"((+[1:1 on ["x", "y.z"]] a{__name__="a"} b{__name__="b"}))"},
        {"a / ignoring(x) group_left(y) b",
         R"((/[n:1 ignoring ["x"] include ["y"]] a{__name__="a"} b{__name__="b"}))"},
        {"a * on() group_right b", R"((*[1:n on []] a{__name__="a"} b{__name__="b"}))"},
        {"a > bool ignoring(by) b",
         R"((> bool[1:1 ignoring ["by"]] a{__name__="a"} b{__name__="b"}))"},
        {"a + 1", R"((+ a{__name__="a"} 1))"},
        {"1 + on() a", R"((+ 1 a{__name__="a"}))"},
        {"a + fill(-1) b",
         R"((+[1:1 ignoring [] left -1 right -1] a{__name__="a"} b{__name__="b"}))"},
        {"a + on(x) fill_right(2) fill_left(1m) b",
         R"((+[1:1 on ["x"] left 60 right 2] a{__name__="a"} b{__name__="b"}))"},
        {"fill + fill", R"((+[1:1 ignoring []] fill{__name__="fill"} fill{__name__="fill"}))"},
        {"a </ 5", R"((</ a{__name__="a"} 5))"},
    });
}

TEST_CASE("selectors") {
    check_all({
        {"foo:bar", R"(foo:bar{__name__="foo:bar"})"},
        {"foo{a='b',c!=\"d\",e=~`f`,g!~'h',}", R"(foo{a="b",c!="d",e=~"f",g!~"h",__name__="foo"})"},
        {"{__name__=~'a.+'}", R"({__name__=~"a.+"})"},
        {R"({"http.requests", "a b"='c'})", R"({__name__="http.requests",a b="c"})"},
        {"sum", R"(sum{__name__="sum"})"},
        {"offset offset 5m", R"(offset{__name__="offset"} offset 300000ms)"},
        {"foo{sum='a',by='b'}", R"(foo{sum="a",by="b",__name__="foo"})"},
        {"foo[1h30m]", R"((range 5400000ms foo{__name__="foo"}))"},
        {"foo[300]", R"((range 300000ms foo{__name__="foo"}))"},
        {"foo offset -1.5", R"(foo{__name__="foo"} offset -1500ms)"},
        {"foo @ 1.2345 offset 5m", R"(foo{__name__="foo"} offset 300000ms @1235ms)"},
        {"foo[5m] offset 1m @ end()", R"((range 300000ms foo{__name__="foo"} offset 60000ms @end))"
        },
        {"foo @ -5", R"(foo{__name__="foo"} @-5000ms)"},
        {"foo @ start()", R"(foo{__name__="foo"} @start)"},
        {"foo[5m] smoothed", R"((range 300000ms foo{__name__="foo"} smoothed))"},
        {"foo anchored", R"(foo{__name__="foo"} anchored)"},
        {"foo[5m:]", R"((subquery 300000ms: foo{__name__="foo"}))"},
        {"(foo+1)[5m:30] @ 0 offset 1m",
         R"((subquery 300000ms:30000ms offset 60000ms @0ms (paren (+ foo{__name__="foo"} 1))))"},
    });
}

TEST_CASE("durations may be formulas") {
    check_all({
        {"foo[2m*(10+5)]", R"((range 1800000ms foo{__name__="foo"}))"},
        {"foo[30m1s-30m1s % 1m]", R"((range 1800000ms foo{__name__="foo"}))"},
        {"foo[-5m+35m]", R"((range 1800000ms foo{__name__="foo"}))"},
        {"foo[2^3^2]", R"((range 512000ms foo{__name__="foo"}))"},
        {"foo offset (1m + 5s)", R"(foo{__name__="foo"} offset 65000ms)"},
        {"foo offset 100 + 2", R"((+ foo{__name__="foo"} offset 100000ms 2))"},
        {"foo offset -2 ^ 2", R"((^ foo{__name__="foo"} offset -2000ms 2))"},
        {"foo offset -(min_of(3s, 5s) - 1)", R"(foo{__name__="foo"} offset -2000ms)"},
        {"foo[5m:max_of(1m, 30)]", R"((subquery 300000ms:60000ms foo{__name__="foo"}))"},
        {"foo[STEP()]", R"((range ? foo{__name__="foo"}))"},
        {"foo offset -step() * 2", R"((* foo{__name__="foo"} offset ? 2))"},
    });
}

TEST_CASE("calls and aggregations") {
    check_all({
        {"time()", "(time)"},
        {"Sum By (a, b,) (x)", R"((sum by ["a", "b"] x{__name__="x"}))"},
        {"sum(x) without ()", R"((sum without [] x{__name__="x"}))"},
        {"topk(5, x)", R"((topk by [] 5 x{__name__="x"}))"},
        {"count_values by (job) ('v', x)", R"((count_values by ["job"] "v" x{__name__="x"}))"},
        {"limit_ratio(0.5, x)", R"((limit_ratio by [] 0.5 x{__name__="x"}))"},
        {"rate(x[5m])", R"((rate (range 300000ms x{__name__="x"})))"},
        {"round(x)", R"((round x{__name__="x"}))"},
        {"label_join(x, 'd', '-', 'a', 'b', 'c')",
         R"((label_join x{__name__="x"} "d" "-" "a" "b" "c"))"},
        {"info(x, {a=~'.*'})", R"((info x{__name__="x"} {a=~".*"}))"},
        {"step() + range() + start() + end()", "(+ (+ (+ (step) (range)) (start)) (end))"},
        {"min_of(1, 2)", "(min_of 1 2)"},
    });
}

TEST_CASE("errors say what and where") {
    check_all({
        {"", "unknown position: parse error: no expression found in input"},
        {"# nothing\n", "1:1: parse error: no expression found in input"},
        {"1 +", "1:4: parse error: unexpected end of input"},
        {"1\n+\n*", "3:1: parse error: unexpected <op:*>"},
        {"(1", "1:3: parse error: unclosed left parenthesis"},
        {"1 2", "1:3: parse error: unexpected number \"2\""},
        {"RATE(x)", "1:1: parse error: unknown function with name \"RATE\""},
        {"foo:bar(x)", "1:8: parse error: unexpected \"(\""},
        {"foo{a}",
         "1:6: parse error: unexpected \"}\" in label matching, expected label matching operator"},
        {"foo{,}",
         "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
        {"foo{a='b' c='d'}",
         "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""
        },
        {"foo{a=b}",
         "1:7: parse error: unexpected identifier \"b\" in label matching, expected string"},
        {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
        {"foo{__name__='bar'}",
         "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
        {"sum by a (x)",
         "1:8: parse error: unexpected identifier \"a\" in grouping opts, expected \"(\""},
        {"sum by (a b) (x)",
         "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""
        },
        {"sum by (1) (x)",
         "1:9: parse error: unexpected number \"1\" in grouping opts, expected label"},
        {"sum by (without) (x)",
         "1:9: parse error: unexpected <without> in grouping opts, expected label"},
        {"sum by ('') (x)", "1:9: parse error: invalid label name for grouping: \"\""},
        {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
        {"sum(a, b)",
         "1:1: parse error: wrong number of arguments for aggregate expression provided, expected "
         "1, got 2"},
        {"topk(a, b)",
         "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
        {"sum(1)",
         "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
        {"abs(a,)", "1:6: parse error: trailing commas not allowed in function call args"},
        {"abs()", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 0"},
        {"label_join(a, 'b')",
         "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 2"},
        {"1 + round(a, 1, 2)",
         "1:5: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
        {"rate(foo)",
         "1:6: parse error: expected type range vector in call to function \"rate\", got instant "
         "vector"},
        {"info(a, b)",
         "1:9: parse error: expected label selectors only, got vector selector instead"},
        {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
        {"a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"},
        {"a and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"
        },
        {"a or on(x) group_left b", "1:1: parse error: no grouping allowed for \"or\" operation"},
        {"a + on(x) group_left(x) b",
         "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once"},
        {"a + on(x) 1", "1:1: parse error: vector matching only allowed between instant vectors"},
        {"a or fill(1) b",
         "1:1: parse error: filling in missing series not allowed for set operators"},
        {"a + 'b'",
         "1:5: parse error: binary expression must contain only scalar and instant vector types"},
        {"-'a'",
         "1:1: parse error: unary expression only allowed on expressions of type scalar or instant "
         "vector, got \"string\""},
        {"1 offset 5m",
         "1:1: parse error: offset modifier must be preceded by an instant vector selector or "
         "range vector selector or a subquery"},
        {"a offset",
         "1:9: parse error: unexpected end of input in offset, expected number, duration, step(), "
         "or range()"},
        {"a offset 1m offset 1m", "1:1: parse error: offset may not be set multiple times"},
        {"a @ b", "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp"},
        {"a @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
        {"a @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
        {"abs(a)[5m]", "1:7: parse error: ranges only allowed for vector selectors"},
        {"a offset 1m[5m]", "1:12: parse error: no offset modifiers allowed before range"},
        {"a[0s]", "1:3: parse error: duration must be greater than 0"},
        {"a[0.0004]", "1:3: parse error: duration must be greater than 0"},
        {"a[5m:0]", "1:6: parse error: duration must be greater than 0"},
        {"a[]",
         "1:3: parse error: unexpected \"]\" in subquery or range selector, expected number, "
         "duration, step(), or range()"},
        {"a[5m:1m:]", "1:8: parse error: unexpected colon ':'"},
        {"a[5m 1m]",
         "1:6: parse error: unexpected duration \"1m\" in subquery or range, expected \":\" or "
         "\"]\""},
        {"a[1h2h]", "1:3: parse error: not a valid duration string: \"1h2h\""},
        {"a[1hs]", "1:3: parse error: unknown unit \"hs\" in duration \"1hs\""},
        {"a[300y]", "1:3: parse error: duration out of range"},
        {"a[5m/0]", "1:5: parse error: division by zero"},
        {"a[5m][5m:]",
         "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
        {"a[5m] anchored smoothed",
         "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
        {"1e999",
         "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e999\": value out "
         "of range"},
        {"1_ + 1",
         "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1_\": invalid "
         "syntax"},
    });
}

TEST_CASE("what is new in the language is off by default") {
    const std::vector<Case> cases = {
        {"mad_over_time(a[5m])", "1:1: parse error: function \"mad_over_time\" is not enabled"},
        {"limitk(1, a)",
         "1:1: parse error: limitk() is experimental and must be enabled with "
         "--enable-feature=promql-experimental-functions"},
        {"a[1m + 1m]", "1:3: parse error: experimental duration expression is not enabled"},
        {"a[step()]", "1:3: parse error: experimental duration expression is not enabled"},
        {"a[5m] smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"},
        {"a + fill(0) b", "1:1: parse error: binop fill modifiers are experimental and not enabled"
        },
    };
    for (const Case& c : cases) {
        CAPTURE(c.query);
        const auto expr = parse_expr(c.query);
        REQUIRE_FALSE(expr.has_value());
        CHECK(expr.error().kind == ErrorKind::invalid);
        CHECK(expr.error().message == c.expected);
    }
}

TEST_CASE("every node knows its place in the text") {
    const std::string query = " sum by (a) (rate(foo{b='c'}[5m] offset 1m)) > -(2)";
    const auto expr = parse_expr(query);
    REQUIRE_OK(expr);
    const auto text = [&](const Expr& part) {
        return query.substr(part.span.begin, part.span.end - part.span.begin);
    };
    CHECK((*expr)->span == Span{1, static_cast<std::uint32_t>(query.size())});
    const auto* binary = (*expr)->as<Binary>();
    REQUIRE(binary != nullptr);
    CHECK(query.substr(binary->op_span.begin, 1) == ">");
    CHECK(text(*binary->left) == "sum by (a) (rate(foo{b='c'}[5m] offset 1m))");
    CHECK(text(*binary->right) == "-(2)");
    const Expr& rate = *binary->left->as<Aggregate>()->expr;
    CHECK(text(rate) == "rate(foo{b='c'}[5m] offset 1m)");
    const Expr& range = *rate.as<Call>()->arguments[0];
    CHECK(text(range) == "foo{b='c'}[5m] offset 1m");
    const Span vector = range.as<MatrixSelector>()->vector_span;
    CHECK(query.substr(vector.begin, vector.end - vector.begin) == "foo{b='c'}");
}

TEST_CASE("depth and length are bounded") {
    const std::string many(100'000, '(');
    for (const std::string& query :
         {many,
          many + "1" + std::string(100'000, ')'),
          std::string(100'000, '-') + "1",
          "a[" + many,
          "a[" + std::string(100'000, '-') + "1]"}) {
        const auto expr = parse_expr(query, ParserOptions::everything());
        REQUIRE_FALSE(expr.has_value());
        CHECK(expr.error().message.find("nested more than 1000 levels deep") != std::string::npos);
    }
    std::string sum = "1";
    for (int i = 0; i < 2000; ++i) sum += "+1";
    CHECK_FALSE(parse_expr(sum).has_value());
    CHECK_FALSE(parse_expr("a[" + sum + "]", ParserOptions::everything()).has_value());
    REQUIRE_OK(parse_expr(std::string(400, '(') + "1" + std::string(400, ')')));
    CHECK_FALSE(parse_expr(std::string(ParserOptions{}.bytes_max, ' ') + "1").has_value());
}

TEST_CASE("a lone selector gives its matchers") {
    const auto matchers = parse_metric_selector("up{job=~'a|b'}");
    REQUIRE_OK(matchers);
    REQUIRE(matchers->size() == 2);
    CHECK((*matchers)[0].to_string() == "job=~\"a|b\"");
    CHECK((*matchers)[1].to_string() == "__name__=\"up\"");
    REQUIRE_OK(parse_metric_selector("sum"));
    for (const std::string_view text : {"", "up[5m]", "up offset 5m", "sum(up)", "1", "up{"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_metric_selector(text).has_value());
    }
}

TEST_CASE("step() and range() are resolved when the query's times are known") {
    const std::string query = "rate(a[2 * step()]) + b offset range() + c";
    const auto expr = parse_expr(query, ParserOptions::everything());
    REQUIRE_OK(expr);
    using std::chrono::seconds;
    const auto resolved =
        resolve_durations(*expr, query, {.step = seconds(15), .range = seconds(3600)});
    REQUIRE_OK(resolved);
    const auto* sum = (*resolved)->as<Binary>();
    const auto* left = sum->left->as<Binary>();
    const auto* range = left->left->as<Call>()->arguments[0]->as<MatrixSelector>();
    CHECK(range->range.value == seconds(30));
    CHECK(left->right->as<VectorSelector>()->offset.value == seconds(3600));
    CHECK(sum->right == (*expr)->as<Binary>()->right);  // what stays the same is shared
    const auto instant = resolve_durations(*expr, query, {});
    REQUIRE_FALSE(instant.has_value());
    CHECK(instant.error().message == "1:8: parse error: duration must be greater than 0");
}

TEST_CASE("an expression without step() and range() stays what it is") {
    const auto expr = parse_expr("sum(rate(a[5m]))");
    REQUIRE_OK(expr);
    const auto resolved = resolve_durations(*expr, "", {});
    REQUIRE_OK(resolved);
    CHECK(*resolved == *expr);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::promql
