#include "promql/printer.hpp"

#include "promql/parser.hpp"
#include "support/test_support.hpp"
#include "tree.hpp"

namespace mimir::promql {
namespace {

TEST_SUITE_BEGIN("promql/printer");

ExprPtr parse(std::string_view query) {
    const auto expr = parse_expr(query, ParserOptions::everything());
    REQUIRE_OK(expr);
    return *expr;
}

TEST_CASE("the short form is normal") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"1e3", "1000"},
        {"90m", "1h30m"},
        {"'a\"b'", R"("a\"b")"},
        {"SUM(x)by(a)", "sum by (a) (x)"},
        {"sum without ( ) (x)", "sum without () (x)"},
        {"sum by () (x)", "sum(x)"},
        {"topk ( 3 , x )", "topk(3, x)"},
        {"a+on(x)group_left b", "a + on (x) group_left () b"},
        {"a>bool 1", "a > bool 1"},
        {"a + ignoring() b", "a + b"},
        {"a + on() b", "a + on () b"},
        {"a + fill(1) b", "a + fill (1) b"},
        {"a + fill_right(0.5) b", "a + fill_right (0.5) b"},
        {"x{b='c', a=~'d'}", "x{a=~\"d\",b=\"c\"}"},
        {"x{}", "x"},
        {"{\"x\"}", "{__name__=\"x\"}"},
        {"x offset 300", "x offset 5m"},
        {"x offset -90s", "x offset -1m30s"},
        {"x offset 5m @ 1.5", "x @ 1.500 offset 5m"},
        {"x @ -0.001", "x @ -0.001"},
        {"x[5m] @ end ( ) offset 1d", "x[5m] @ end() offset 1d"},
        {"x[7d] smoothed", "x[1w] smoothed"},
        {"x[5m : ]", "x[5m:]"},
        {"(x)[1h:60] offset 1m", "(x)[1h:1m] offset 1m"},
        {"x[2*(step()+1m)]", "x[2 * (step() + 1m)]"},
        {"x offset -min_of(1,2)", "x offset -min_of(1, 2)"},
        {"- x", "-x"},
        {"Inf ^ 2", "Inf ^ 2"},
        {"sum by (\"a.b\", c) (x)", "sum by (\"a.b\", c) (x)"},
    };
    for (const auto& [query, expected] : cases) {
        CAPTURE(query);
        CHECK(to_string(*parse(query)) == expected);
    }
}

TEST_CASE("a part longer than a line is split") {
    const std::string query =
        "histogram_quantile(0.9, sum by (le, cluster) "
        "(rate(http_request_duration_seconds_bucket{job=\"api\"}[5m]))) "
        "/ on (cluster) group_left () -sum(up{job=\"a job with a rather long name\", "
        "instance=~\"and instances.*\", zone=\"eu-west-1b\"})";
    CHECK(format_pretty(*parse(query)) == R"(  histogram_quantile(
    0.9,
    sum by (le, cluster) (rate(http_request_duration_seconds_bucket{job="api"}[5m]))
  )
/ on (cluster) group_left ()
  -sum(up{instance=~"and instances.*",job="a job with a rather long name",zone="eu-west-1b"}))");
}

TEST_CASE("a subquery's brackets follow what they belong to") {
    const std::string query =
        "max_over_time((rate(http_request_duration_seconds_count"
        "{job='api',zone='eu-west-1b',instance='a:10'}[1m]) > 100.125)[1h:] offset 1d)";
    CHECK(format_pretty(*parse(query)) == R"(max_over_time(
  (
    rate(http_request_duration_seconds_count{instance="a:10",job="api",zone="eu-west-1b"}[1m]) > 100.125
  )[1h:] offset 1d
))");
}

TEST_CASE("numbers are printed without an exponent, as short as they can be") {
    const std::vector<std::pair<double, std::string>> cases = {
        {0, "0"},
        {-0.0, "-0"},
        {0.1, "0.1"},
        {-12.5, "-12.5"},
        {1e-7, "0.0000001"},
        {1e21, "1000000000000000000000"},
        {1.5e300, "15" + std::string(299, '0')},
        {123456789, "123456789"},
    };
    for (const auto& [value, expected] : cases) CHECK(format_number(value) == expected);
}

/// Grows random expressions that parse.
class Grower {
  public:
    explicit Grower(SeededRandom& random) : random_(random) {}

    std::string vector(int depth) {
        if (depth <= 0 || one_in(4)) return selector() + time_modifiers();
        switch (pick(8)) {
            case 0: return "-" + vector(depth - 1);
            case 1: return "(" + vector(depth - 1) + ")";
            case 2:
                return any(
                    {"sum", "topk(3, ", "avg by (a) ", "count_values without (\"b.c\") (\"v\", "},
                    vector(depth - 1)
                );
            case 3: return "rate(" + matrix(depth - 1) + ")";
            case 4:
                return "label_replace(" + vector(depth - 1) + ", \"a\", '$1', \"b\", `(.*)\\d`)";
            case 5:
                return vector(depth - 1) +
                       any({" + ", " ^ ", " > bool ", " % ", " atan2 ", " </ "}) +
                       scalar(depth - 1);
            case 6:
                return vector(depth - 1) +
                       any(
                           {" * ",
                            " == ",
                            " - on (a) group_left (b) ",
                            " / ignoring (x) ",
                            " + fill (1) "}
                       ) +
                       vector(depth - 1);
            default:
                return vector(depth - 1) + any({" and ", " or on (a) ", " unless "}) +
                       vector(depth - 1);
        }
    }

  private:
    std::string scalar(int depth) {
        if (depth <= 0 || one_in(3))
            return any({"1", "-2.5", "0x1F", "Inf", "-Inf", "NaN", "1h5m", "1e-9", "1e30", "time()"}
            );
        return any({"-", "(", "+"}, scalar(depth - 1)) + any({" ^ ", " + ", " * "}) +
               scalar(depth - 1);
    }
    std::string matrix(int depth) {
        if (one_in(2))
            return selector() + any({"[5m]", "[90]", "[1d]", "[2 * step() + 1m]", "[(5m)]"}) +
                   any({"", " anchored"}) + time_modifiers();
        return "(" + vector(depth) + ")" + any({"[1h:]", "[1h:1m30s]", "[1d:max_of(step(), 1m)]"}) +
               time_modifiers();
    }
    std::string selector() {
        return any(
            {"foo",
             "foo:bar",
             "sum",
             "{\"a.b\"}",
             "foo{a='b\\n\"'}",
             "{a!~'.+',b=\"c\"}",
             "by{\"x y\"=~'z|é'}"}
        );
    }
    std::string time_modifiers() {
        return any(
            {"",
             "",
             " offset 5m",
             " offset -1h30m",
             " @ 1.25",
             " @ start() offset 3",
             " offset (1m + 2)",
             " offset -(step() / 2)"}
        );
    }

    std::string any(const std::vector<std::string>& choices) {
        return choices[pick(choices.size())];
    }
    /// One that opens a parenthesis or needs one, round the operand.
    std::string any(const std::vector<std::string>& openers, const std::string& operand) {
        const std::string opener = any(openers);
        if (opener == "-" || opener == "+") return opener + operand;
        return opener +
               (opener.find('(') != std::string::npos && !opener.ends_with(") ") ? "" : "(") +
               operand + ")";
    }
    std::size_t pick(std::size_t count) { return random_.below(count); }
    bool one_in(std::size_t count) { return pick(count) == 0; }

    SeededRandom& random_;
};

TEST_CASE("what is printed reads back as the same tree, and prints the same again") {
    SeededRandom random = test::seeded_random();
    Grower grower(random);
    int parsed = 0;
    for (int i = 0; i < 3000; ++i) {
        const std::string query = grower.vector(4);
        const auto expr = parse_expr(query, ParserOptions::everything());
        if (!expr) continue;  // a selector of everything, a type that does not fit
        ++parsed;
        for (const std::string& text : {to_string(**expr), format_pretty(**expr)}) {
            CAPTURE(query);
            CAPTURE(text);
            const auto again = parse_expr(text, ParserOptions::everything());
            REQUIRE_OK(again);
            REQUIRE(test::tree(**again) == test::tree(**expr));
            REQUIRE(to_string(**again) == to_string(**expr));
        }
    }
    CHECK(parsed > 1000);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::promql
