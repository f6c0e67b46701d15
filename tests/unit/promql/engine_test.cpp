#include "promql/engine.hpp"

#include "counting_storage.hpp"
#include "promql/errors.hpp"
#include "support/test_support.hpp"

// The language itself is tested by scripts (tests/conformance); here is what they can't see: what is read, what is held,
// and what is refused.

TEST_SUITE("promql/engine") {
    using namespace mimir;
    using namespace mimir::promql;
    using mimir::test::CountingStorage;

    constexpr TimestampMs at_seconds(std::int64_t seconds) { return {seconds * 1000}; }

    Query range_query(std::string text, std::int64_t start, std::int64_t end, std::int64_t step) {
        return {std::move(text), at_seconds(start), at_seconds(end), std::chrono::seconds(step)};
    }

    Result<QueryResult> execute(
        CountingStorage & storage, const Query& query, const CancellationToken& token = {}
    ) {
        return Engine({.parser = ParserOptions::everything()}).execute(query, storage, token);
    }

    const Vector& vector_of(const Result<QueryResult>& result) {
        REQUIRE_OK(result);
        return std::get<Vector>(result->value);
    }

    const Matrix& matrix_of(const Result<QueryResult>& result) {
        REQUIRE_OK(result);
        return std::get<Matrix>(result->value);
    }

    TEST_CASE("an instant selector reads its look-back and no more") {
        CountingStorage storage;
        storage.add_counter("x{a=\"1\"}", 100);
        const auto result = execute(storage, Query::instant("x", at_seconds(600)));
        CHECK(vector_of(result).size() == 1);
        REQUIRE(storage.ranges.size() == 1);
        CHECK((storage.ranges[0] == TimeRange{{300'001}, {600'000}}));
        CHECK(result->statistics.samples == 20);
    }

    TEST_CASE("aggregations ask for the labels they look at, when nothing below looks at others") {
        using Names = std::vector<std::string>;
        struct Case {
            const char* text;
            std::vector<Names> projections;
        };
        const Names name{"__name__"};
        const Names name_and_job{"__name__", "job"};
        for (const Case& c : {
                 Case{"sum(x)", {name}},
                 Case{"sum by (job) (x)", {name_and_job}},
                 Case{"sum by (job, __name__, job) (rate(x[1m]))", {name_and_job}},
                 Case{"quantile by (job) (0.9, 2 * -clamp(x, 0, scalar(y)))", {name_and_job}},
                 Case{"count({job=\"a\"})", {name}},
                 Case{"max(max_over_time(rate(x[1m])[5m:1m]))", {name}},
                 Case{"sum(x) / sum by (job) (x)", {name, name_and_job}},
                 Case{"topk(1, sum by (job) (x))", {name_and_job}},
                 // Dropping the names may make series equal.
                 Case{"sum(rate({job=\"a\"}[1m]))", {}},
                 Case{"sum({__name__=~\"x|y\"} * 2)", {}},
                 Case{"sum(rate({__name__=\"\", job=\"a\"}[1m]))", {}},
                 Case{"sum without (job) (x)", {}},
                 Case{"topk(1, x)", {}},
                 Case{"limitk(1, x)", {}},
                 Case{"count_values(\"v\", x)", {name}},
                 Case{"x", {}},
                 Case{"sum(label_replace(x, \"job\", \"$1\", \"i\", \"(.*)\"))", {}},
                 Case{"sum(histogram_quantile(0.5, x))", {}},
                 Case{"sum(x * on (i) y)", {}},
                 Case{"sum(x or y)", {}},
                 Case{"sum(absent(x))", {}},
                 Case{"sum(sort(x))", {}},
                 Case{"sum(vector(1))", {}},
                 Case{"sum(hour())", {}},
                 Case{"scalar(x) + sum(vector(scalar(y)))", {}},
             }) {
            CAPTURE(c.text);
            CountingStorage storage;
            storage.add_counter("x{job=\"a\", i=\"1\"}", 100);
            storage.add_counter("y{job=\"a\", i=\"2\"}", 100);
            REQUIRE_OK(execute(storage, Query::instant(c.text, at_seconds(600))));
            CHECK((storage.projections == c.projections));
        }
    }

    TEST_CASE("offset and @ move what a selector reads, not when its value is reported") {
        CountingStorage storage;
        storage.add_counter("x", 100);
        struct Case {
            const char* text;
            TimeRange range;
            double value;
        };
        for (const Case& c : {
                 Case{"x offset 1m", {{240'001}, {540'000}}, 36},
                 Case{"x offset -1m", {{360'001}, {660'000}}, 44},
                 Case{"x @ 300", {{1}, {300'000}}, 20},
                 Case{"x @ 300 offset 1m", {{-59'999}, {240'000}}, 16},
                 Case{"sum_over_time(x[30s] @ 300)", {{270'001}, {300'000}}, 39},
             }) {
            CAPTURE(std::string(c.text));
            storage.ranges.clear();
            const auto result = execute(storage, Query::instant(c.text, at_seconds(600)));
            REQUIRE(vector_of(result).size() == 1);
            CHECK(vector_of(result)[0].value == c.value);
            CHECK(vector_of(result)[0].time == at_seconds(600));
            CHECK((storage.ranges == std::vector{c.range}));
        }
    }

    TEST_CASE("what is fixed by @ is read for one step and repeated") {
        CountingStorage storage;
        storage.add_counter("x_total", 100);
        const auto result =
            execute(storage, range_query("rate(x_total[1m] @ end())", 300, 900, 60));
        REQUIRE(matrix_of(result).size() == 1);
        CHECK(matrix_of(result)[0].floats.size() == 11);
        CHECK(result->statistics.samples == 4);
        CHECK((storage.ranges == std::vector{TimeRange{{840'001}, {900'000}}}));
    }

    TEST_CASE("of overlapping chunks each time is seen once, the earlier chunk's value") {
        CountingStorage storage;
        storage.add_chunk("x", {{10, 1}, {20, 2}, {40, 4}});
        storage.add_chunk("x", {{15, 100}, {20, 200}, {30, 300}, {50, 500}});
        const auto result = execute(storage, Query::instant("x[1m]", at_seconds(60)));
        REQUIRE(matrix_of(result).size() == 1);
        std::vector<std::pair<std::int64_t, double>> seen;
        for (const auto& [time, value] : matrix_of(result)[0].floats) {
            seen.emplace_back(time.ms / 1000, value);
        }
        const std::vector<std::pair<std::int64_t, double>> expected = {
            {10, 1}, {15, 100}, {20, 2}, {30, 300}, {40, 4}, {50, 500}
        };
        CHECK((seen == expected));
    }

    TEST_CASE("a range query ends with the last step that isn't after its end") {
        CountingStorage storage;
        storage.add_counter("x", 100);
        const auto result = execute(storage, range_query("x", 0, 100, 30));
        REQUIRE(matrix_of(result).size() == 1);
        CHECK(matrix_of(result)[0].floats.back().time == at_seconds(90));
    }

    TEST_CASE("more series than fit a block come out whole") {
        CountingStorage storage;
        for (int i = 0; i < 1000; ++i) storage.add_counter(fmt::format("x{{a=\"{}\"}}", i), 41);
        CHECK(vector_of(execute(storage, Query::instant("x", at_seconds(600)))).size() == 1000);
        const auto sum = execute(storage, range_query("sum(x) + 0 * count(x)", 0, 600, 15));
        REQUIRE(matrix_of(sum).size() == 1);
        CHECK(matrix_of(sum)[0].floats.size() == 41);
        CHECK(matrix_of(sum)[0].floats.back().value == 40'000);
        CHECK(matrix_of(execute(storage, range_query("x * on (a) x", 0, 600, 15))).size() == 1000);
    }

    TEST_CASE("a query is stopped when it would hold too many samples") {
        CountingStorage storage;
        for (int i = 0; i < 100; ++i) storage.add_counter(fmt::format("x{{a=\"{}\"}}", i), 100);
        for (const char* text :
             {"x",
              "x * on (a) x",
              "topk(90, x)",
              "quantile(0.5, x)",
              "sum by (a) (x)",
              "count_values(\"v\", x)",
              "max_over_time(x[10m:1s])"}) {
            CAPTURE(std::string(text));
            auto query = range_query(text, 0, 1485, 15);
            query.samples_max = 1000;
            const auto result = execute(storage, query);
            REQUIRE_FALSE(result.has_value());
            CHECK(result.error().kind == ErrorKind::limit);
            CHECK(
                result.error().message ==
                "query processing would load too many samples into memory in query execution"
            );
        }
    }

    TEST_CASE("what streams needs little memory however much is read") {
        CountingStorage storage;
        for (int i = 0; i < 100; ++i) storage.add_counter(fmt::format("x{{a=\"{}\"}}", i), 100);
        auto query = range_query("sum(rate(x[1m]) * 2 > 0)", 0, 1485, 15);
        query.samples_max = 500;
        const auto result = execute(storage, query);
        REQUIRE_OK(result);
        CHECK(result->statistics.samples == 10'000);
        CHECK(result->statistics.samples_peak <= 500);
    }

    TEST_CASE("queries of death are refused before anything is read") {
        CountingStorage storage;
        storage.add_counter("x", 100);
        for (const char* text :
             {"max_over_time({__name__=~\".+\"}[10y:1ms])",
              "rate(x[100y:1ms] @ 0)",
              "sum_over_time(sum_over_time(x[1y:1ms])[1y:1ms])"}) {
            CAPTURE(std::string(text));
            const auto result = execute(storage, Query::instant(text, at_seconds(600)));
            REQUIRE_FALSE(result.has_value());
            CHECK(result.error().kind == ErrorKind::limit);
        }
        const auto steps = execute(
            storage, {"x", at_seconds(0), at_seconds(1 << 30), std::chrono::milliseconds(1)}
        );
        REQUIRE_FALSE(steps.has_value());
        CHECK(steps.error().kind == ErrorKind::limit);
        CHECK(storage.loads == 0);
    }

    TEST_CASE("times at the end of the world find nothing, and harm nothing") {
        CountingStorage storage;
        storage.add_counter("x", 100);
        for (const char* text :
             {"x @ 9223372036854775.807",
              "x @ -9223372036854775",
              "x offset 290000000y",
              "rate(x[290000000y] offset -290000000y)",
              "x @ 9223372036854775 offset -290000000y",
              "sum_over_time(x[1h:290000000y])"}) {
            CAPTURE(std::string(text));
            const auto result = execute(storage, Query::instant(text, at_seconds(600)));
            if (result) CHECK(std::get<Vector>(result->value).empty());
        }
        CHECK_FALSE(execute(storage, Query::instant("x", TimestampMs::max())).has_value());
        CHECK_FALSE(execute(storage, Query::instant("x", TimestampMs::min())).has_value());
    }

    TEST_CASE("topk with a huge k takes what there is") {
        CountingStorage storage;
        storage.add_counter("x{a=\"1\"}", 100);
        storage.add_counter("x{a=\"2\"}", 100);
        const auto result = execute(storage, Query::instant("topk(1e15, x)", at_seconds(600)));
        CHECK(vector_of(result).size() == 2);
    }

    TEST_CASE("a canceled query stops between batches, and says so as Prometheus does") {
        CountingStorage storage;
        for (int i = 0; i < 2000; ++i) storage.add_counter(fmt::format("x{{a=\"{}\"}}", i), 10);
        auto token = CancellationToken::create();
        storage.cancel_on_load = &token;
        const auto result = execute(storage, Query::instant("sum(x)", at_seconds(100)), token);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == ErrorKind::canceled);
        CHECK(result.error().message == "query was canceled in query execution");
        CHECK(storage.loads == 1);
    }

    TEST_CASE("a query past its deadline times out") {
        CountingStorage storage;
        storage.add_counter("x", 100);
        const auto token = CancellationToken::create(std::chrono::steady_clock::now());
        const auto result = execute(storage, Query::instant("x", at_seconds(600)), token);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == ErrorKind::timeout);
        CHECK(result.error().message == "query timed out in query execution");
    }

    TEST_CASE("what isn't built is refused by name, before anything is read") {
        CountingStorage storage;
        storage.add_counter("x", 100);
        const auto result = execute(storage, Query::instant("sum(info(x))", at_seconds(600)));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().id == kNotBuilt);
        CHECK(result.error().message == "not built: info()");
        CHECK(storage.ranges.empty());
    }

    TEST_CASE("strings, and range vectors, are for instant queries only") {
        CountingStorage storage;
        storage.add_counter("x", 100);
        const auto text = execute(storage, Query::instant("\"a\"", at_seconds(1)));
        REQUIRE_OK(text);
        CHECK(std::get<String>(text->value).value == "a");
        const auto refused = execute(storage, range_query("x[5m]", 0, 60, 15));
        REQUIRE_FALSE(refused.has_value());
        CHECK(
            refused.error().message ==
            "invalid expression type \"range vector\" for range query, must be Scalar or instant "
            "Vector"
        );
    }

    TEST_CASE("names wait for the end of the query, when asked to") {
        CountingStorage storage;
        storage.add_counter("x_total", 100);
        storage.add_counter("y_total", 100);
        const auto query = Query::instant(
            "label_replace(rate({__name__=~\".+_total\"}[5m]), \"__name__\", \"$1:rate\", "
            "\"__name__\", \"(.+)_total\")",
            at_seconds(600)
        );
        const auto at_once = execute(storage, query);
        CHECK_FALSE(at_once.has_value());
        const auto delayed = Engine({.delayed_name_removal = true}).execute(query, storage);
        REQUIRE(vector_of(delayed).size() == 2);
        CHECK(vector_of(delayed)[0].labels.metric_name() == "x:rate");
    }
}
