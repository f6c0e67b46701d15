#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "components/query_frontend/query_frontend.hpp"
#include "conformance/memory_storage.hpp"
#include "promql/parser.hpp"
#include "runtime/run_on.hpp"
#include "runtime/task_scope.hpp"
#include "support/test_support.hpp"
#include "unit/query_frontend/fake_querier.hpp"

namespace mimir::query_frontend {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// Does what the test says with each query, by the time of its start.
class ScriptedQuerier final : public FakeQuerier {
  public:
    using Script = std::function<Answer<promql::QueryResult>(rpc::RequestContext, promql::Query)>;

    Answer<promql::QueryResult> query(
        rpc::RequestContext context, promql::Query query, promql::ExprPtr
    ) override {
        ++tries[query.start.ms];
        most_at_once = std::max(most_at_once, ++at_once);
        auto result = co_await script(std::move(context), std::move(query));
        --at_once;
        co_return result;
    }

    Script script;
    std::map<std::int64_t, int> tries;
    int at_once = 0;
    int most_at_once = 0;
};

struct Fixture {
    explicit Fixture(Options options = {.split_queries_by_interval = 100ms, .max_retries = 2})
        : frontend(std::move(options), {limits, dispatch, executors.query, metrics, {}}) {}

    Result<Evaluated> evaluate(std::int64_t start, std::int64_t end, std::int64_t step) {
        promql::Query query{"up", {start}, {end}, milliseconds(step)};
        auto expr = promql::parse_expr(query.text);
        REQUIRE_OK(expr);
        return runtime::wait(
            executors.io, frontend.evaluate(context, std::move(query), *std::move(expr))
        );
    }

    runtime::Executors executors{
        {.ingest = {1, 1}, .query = {1, 10}, .background = {1, 1}, .admin = {1, 1}}
    };
    config::LimitsProvider limits{config::Limits{}};
    ScriptedQuerier querier;
    FakeDispatch dispatch{querier};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    rpc::RequestContext context{
        .tenant = *model::TenantId::parse("t"), .cancellation = CancellationToken::create()
    };
    QueryFrontend frontend;
};

using Answer = rpc::QueryRunner::Answer<promql::QueryResult>;

promql::QueryResult one_point(TimestampMs time) {
    return {promql::Matrix{{test::labels("up"), {{time, 1}}, {}}}, {}, {.samples = 1}};
}

Answer answer_at_once(rpc::RequestContext, promql::Query query) {
    co_return one_point(query.start);
}

Answer fail_with(ErrorKind kind, std::string message) {
    co_return tl::unexpected(Error{kind, {}, std::move(message)});
}
Answer answer_after(milliseconds time, TimestampMs at) {
    co_await runtime::sleep_for(time);
    co_return one_point(at);
}

TEST_SUITE_BEGIN("query_frontend/evaluate");

TEST_CASE("parts are evaluated side by side, no more of them than the tenant may have, and merged"
) {
    Fixture f;
    f.limits.replace_defaults({.max_query_parallelism = 3});
    f.querier.script = [](rpc::RequestContext, promql::Query query) -> Answer {
        // The first parts end last.
        const auto pause = milliseconds(20 - query.start.ms / 100);
        return answer_after(pause, query.start);
    };
    const auto got = f.evaluate(0, 999, 50);
    REQUIRE_OK(got);
    CHECK(got->parts == 10);
    CHECK(got->result.statistics.samples == 10);
    const auto& matrix = std::get<promql::Matrix>(got->result.value);
    REQUIRE(matrix.size() == 1);
    REQUIRE(matrix[0].floats.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
        CHECK(matrix[0].floats[i].time.ms == static_cast<std::int64_t>(i) * 100);
    }
    CHECK(f.querier.most_at_once == 3);
    CHECK(f.dispatch.acquired == 10);
    CHECK(f.dispatch.held == 0);
    CHECK(f.metrics.split_queries.value() == 10);
}

TEST_CASE("a query within an interval goes to one querier as it is") {
    Fixture f;
    f.querier.script = answer_at_once;
    const auto got = f.evaluate(10, 99, 5);
    REQUIRE_OK(got);
    CHECK(got->parts == 1);
    CHECK(f.dispatch.acquired == 1);
    CHECK(f.querier.tries == std::map<std::int64_t, int>{{10, 1}});
    CHECK(f.metrics.split_queries.value() == 0);
}

TEST_CASE("a part that fails at one querier is tried again at another one, alone") {
    for (const ErrorKind kind : {ErrorKind::unavailable, ErrorKind::internal, ErrorKind::timeout}) {
        CAPTURE(to_string(kind));
        Fixture f;
        f.querier.script = [&](rpc::RequestContext context, promql::Query query) -> Answer {
            if (query.start.ms != 100 || f.querier.tries[100] > 2)
                return answer_at_once(std::move(context), std::move(query));
            return fail_with(kind, "lost");
        };
        REQUIRE_OK(f.evaluate(0, 299, 100));
        CHECK(f.querier.tries == std::map<std::int64_t, int>{{0, 1}, {100, 3}, {200, 1}});
        CHECK(f.dispatch.acquired == 5);
        CHECK(f.dispatch.held == 0);
    }
}

TEST_CASE("retries have an end") {
    Fixture f;
    f.querier.script = [](rpc::RequestContext, promql::Query) -> Answer {
        return fail_with(ErrorKind::unavailable, "lost");
    };
    const auto got = f.evaluate(0, 0, 100);
    REQUIRE_FALSE(got);
    CHECK(got.error().message == "lost");
    CHECK(f.querier.tries[0] == 3);
    CHECK(f.metrics.retries.state().sum == 2);
}

TEST_CASE("what would fail elsewhere too is not tried again") {
    for (const ErrorKind kind : {ErrorKind::invalid, ErrorKind::limit, ErrorKind::canceled}) {
        CAPTURE(to_string(kind));
        Fixture f;
        f.querier.script = [&](rpc::RequestContext, promql::Query) -> Answer {
            return fail_with(kind, "no");
        };
        const auto got = f.evaluate(0, 0, 100);
        REQUIRE_FALSE(got);
        CHECK(got.error().kind == kind);
        CHECK(f.querier.tries[0] == 1);
    }
}

TEST_CASE("nothing is tried again once the request is canceled or its time is up") {
    Fixture f;
    f.querier.script = [&](rpc::RequestContext, promql::Query) -> Answer {
        f.context.cancellation.cancel();
        return fail_with(ErrorKind::unavailable, "lost");
    };
    CHECK_FALSE(f.evaluate(0, 0, 100));
    CHECK(f.querier.tries[0] == 1);

    Fixture late;
    late.context.cancellation = CancellationToken::create(std::chrono::steady_clock::now() - 1s);
    late.querier.script = [](rpc::RequestContext, promql::Query) -> Answer {
        return fail_with(ErrorKind::timeout, "late");
    };
    CHECK_FALSE(late.evaluate(0, 0, 100));
    CHECK(late.querier.tries[0] == 1);
}

Answer wait_for_the_end(rpc::RequestContext context, std::shared_ptr<bool> stopped) {
    while (context.cancellation.check()) co_await runtime::sleep_for(1ms);
    *stopped = true;
    co_return fail(ErrorKind::canceled, "given up");
}

TEST_CASE("when one part fails the others are given up, and those that wait are not begun") {
    Fixture f;
    f.limits.replace_defaults({.max_query_parallelism = 2});
    const auto stopped = std::make_shared<bool>(false);
    f.querier.script = [&](rpc::RequestContext context, promql::Query query) -> Answer {
        if (query.start.ms == 0) return wait_for_the_end(std::move(context), stopped);
        return fail_with(ErrorKind::limit, "too much");
    };
    const auto got = f.evaluate(0, 999, 100);
    REQUIRE_FALSE(got);
    CHECK(got.error().message == "too much");
    CHECK(*stopped);
    CHECK(f.querier.tries == std::map<std::int64_t, int>{{0, 1}, {100, 1}});
    CHECK_FALSE(f.context.cancellation.canceled());
    CHECK(f.dispatch.held == 0);
}

TEST_CASE("a request that is canceled takes all of its parts with it") {
    Fixture f;
    const auto stopped = std::make_shared<bool>(false);
    f.querier.script = [&](rpc::RequestContext context, promql::Query query) -> Answer {
        if (query.start.ms == 400) f.context.cancellation.cancel();
        return wait_for_the_end(std::move(context), stopped);
    };
    const auto got = f.evaluate(0, 499, 100);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == ErrorKind::canceled);
    CHECK(f.dispatch.held == 0);
}

TEST_CASE("what the dispatch refuses is not asked for again") {
    Fixture f;
    f.dispatch.refusal = fail(ErrorKind::unavailable, "no query-scheduler");
    const auto got = f.evaluate(0, 0, 100);
    REQUIRE_FALSE(got);
    CHECK(got.error().message == "no query-scheduler");
    CHECK(f.dispatch.acquired == 1);
}

// Split and whole.

/// Evaluates what it is asked from its text, as a querier far away does.
class EngineQuerier final : public FakeQuerier {
  public:
    explicit EngineQuerier(promql::Queryable& storage) : storage_(storage) {}

    Answer<promql::QueryResult> query(rpc::RequestContext, promql::Query query, promql::ExprPtr)
        override {
        co_return engine.execute(query, storage_);
    }

    const promql::Engine engine{{.parser = promql::ParserOptions::everything()}};

  private:
    promql::Queryable& storage_;
};

constexpr std::string_view kData = R"(load 1m
  requests{job="a",pod="1"} 0+3x90 5+7x120
  requests{job="a",pod="2"} 10+1x40 _x30 stale _x20 0+4x100
  requests{job="b",pod="1"} _x60 100-1x150
  load{job="a",pod="1"} 1 5 2 8 3 NaN 4 7x30 3 9 2 1x40 -5+1x120
  load{job="b",pod="2"} 4x20 stale 6+2x60 stale _x10 3-1x120
  limit{job="a"} 5x70 9x130
  limit{job="b"} 2x200
  bucket{job="a",le="1"} 0+1x200
  bucket{job="a",le="5"} 0+4x200
  bucket{job="a",le="+Inf"} 0+5x200
  native{job="a"} {{schema:1 sum:3 count:22 buckets:[5 10 7]}}+{{schema:1 sum:2 count:6 buckets:[1 2 3]}}x120
  native{job="b"} {{schema:0 sum:1 count:4 buckets:[1 2 1]}}x60 stale {{schema:0 sum:1 count:4 buckets:[1 2 1]}}x90
  mixed{job="a"} 1x50 {{schema:0 sum:1 count:4 buckets:[1 2 1]}}x50 7x80
)";

/// A selection, and up to so many things done to it.
class Expressions {
  public:
    explicit Expressions(Random& random) : random_(random) {}

    std::string vector(int depth) {
        if (depth == 0) return selector() + modifier();
        if (random_.below(3) == 0) {
            return one_of(
                {"rate(#)",
                 "increase(#)",
                 "delta(#)",
                 "irate(#)",
                 "idelta(#)",
                 "avg_over_time(#)",
                 "sum_over_time(#)",
                 "max_over_time(#)",
                 "count_over_time(#)",
                 "changes(#)",
                 "last_over_time(#)",
                 "resets(#)",
                 "deriv(#)",
                 "stddev_over_time(#)",
                 "absent_over_time(#)",
                 "quantile_over_time(0.4, #)",
                 "predict_linear(#, 300)",
                 "present_over_time(#)"},
                matrix(depth)
            );
        }
        if (random_.below(3) == 0) {
            return one_of(
                       {"(#) + on (job) group_left () ",
                        "(#) / ignoring (pod) ",
                        "(#) and ",
                        "(#) or ",
                        "(#) unless ",
                        "(#) > bool on (job, pod) ",
                        "(#) == "},
                       vector(depth - 1)
                   ) +
                   "(" + vector(depth - 1) + ")";
        }
        // Which of equal values these take depends on the order of the series, and that, for what is
        // made of others, on what there is: here they are of stored ones.
        if (random_.below(5) == 0) {
            return one_of(
                {"topk(1, #)", "bottomk(2, #)", "limitk(1, #)", "limit_ratio(0.5, #)"}, vector(0)
            );
        }
        return one_of(
            {"sum by (job) (#)",
             "max(#)",
             "avg without (pod) (#)",
             "count(#)",
             "quantile(0.3, #)",
             "stddev(#)",
             "count_values(\"v\", #)",
             "group by (pod) (#)",
             "absent(#)",
             "-(#)",
             "(#) > 3",
             "2 * (#)",
             "sort(#)",
             "abs(#)",
             "clamp_max(#, 6)",
             "timestamp(#)",
             "histogram_quantile(0.8, #)",
             "histogram_count(#)",
             "vector(scalar(#))",
             "label_replace(#, \"x\", \"$1\", \"job\", \"(.*)\")",
             "(#) + time()",
             "(#) - start() + end() * range()",
             "hour(#)"},
            vector(depth - 1)
        );
    }

  private:
    /// One of the texts, with the inner one for #.
    std::string one_of(std::initializer_list<const char*> texts, std::string_view inner = {}) {
        std::string text = std::data(texts)[random_.below(texts.size())];
        if (const auto at = text.find('#'); at != std::string::npos) text.replace(at, 1, inner);
        return text;
    }
    std::string selector() {
        return one_of(
            {"requests",
             "load",
             "limit",
             "native",
             "mixed",
             "bucket",
             "requests{job=\"a\"}",
             "load{pod=~\"1|2\"}",
             "nothing",
             "{job=\"b\"}"}
        );
    }
    std::string modifier() {
        return one_of(
            {"",
             "",
             "",
             "",
             " offset 7m",
             " offset -13m",
             " @ start()",
             " @ end()",
             " @ 3000",
             " @ end() offset 20m",
             " offset 1h"}
        );
    }
    std::string matrix(int depth) {
        if (random_.below(3) == 0) {
            return "(" + vector(depth - 1) + ")" +
                   one_of({"[20m:3m]", "[1h:]", "[7m:90s]", "[10m:10m]", "[range():5m]"}) +
                   modifier();
        }
        return selector() +
               one_of({"[5m]", "[17m]", "[40m]", "[90s]", "[range()]", "[2 * step()]"}) +
               modifier();
    }

    Random& random_;
};

std::string text_of(const promql::MatrixSeries& series) {
    std::string text = fmt::format("{}:", series.labels.to_string());
    for (const auto& point : series.floats) {
        // All NaN are one; sums may round differently in the last digits.
        const double value = std::isnan(point.value) ? NAN : point.value;
        text += fmt::format(" {:.12g}@{}", value, point.time.ms);
    }
    for (const auto& point : series.histograms) {
        const model::FloatHistogram& h = *point.value;
        text += fmt::format(" h{}/{}/{}@{}", h.count, h.sum, h.schema, point.time.ms);
    }
    return text + "\n";
}

std::string series_of(const promql::QueryResult& result) {
    std::string text;
    for (const auto& series : std::get<promql::Matrix>(result.value)) text += text_of(series);
    return text;
}

std::vector<std::string> annotations_of(const promql::QueryResult& result) {
    std::vector<std::string> texts = result.annotations.warnings;
    const auto& infos = result.annotations.infos;
    texts.insert(texts.end(), infos.begin(), infos.end());
    std::ranges::sort(texts);
    return texts;
}

TEST_CASE("a split query gives what the whole one gives") {
    conformance::MemoryStorage storage;
    const auto script = conformance::parse_script(kData);
    REQUIRE_OK(script);
    for (const auto& command : *script)
        REQUIRE_OK(storage.load(std::get<conformance::Load>(command)));
    EngineQuerier querier(storage);
    FakeDispatch dispatch(querier);
    Fixture f;
    const QueryFrontend frontend(
        {.split_queries_by_interval = 30min, .max_retries = 0},
        {f.limits, dispatch, f.executors.query, f.metrics, {}}
    );

    SeededRandom random = test::seeded_random();
    Expressions expressions(random);
    int compared = 0;
    int with_series = 0;
    for (int i = 0; i < 600; ++i) {
        promql::Query query;
        query.text = expressions.vector(1 + static_cast<int>(random.below(3)));
        query.start = {static_cast<std::int64_t>(random.below(7'200'000)) - 600'000};
        query.end = query.start + milliseconds(random.below(10'800'000));
        constexpr milliseconds kSteps[] = {1min, 5min, 97s, 7min, 30min, 45min};
        query.step = kSteps[random.below(std::size(kSteps))];
        CAPTURE(query.text);
        CAPTURE(query.start.ms);
        CAPTURE(query.end.ms);
        CAPTURE(query.step.count());
        const auto whole = querier.engine.execute(query, storage);
        // What two series of one name make of a query may show at some steps alone.
        if (!whole) continue;
        const auto expr = promql::parse_expr(query.text, querier.engine.options().parser);
        REQUIRE_OK(expr);
        const auto split =
            runtime::wait(f.executors.io, frontend.evaluate(f.context, query, *expr));
        REQUIRE_OK(split);
        const std::string expected = series_of(*whole);
        REQUIRE(series_of(split->result) == expected);
        const auto all = annotations_of(*whole);
        const auto found = annotations_of(split->result);
        // A whole subquery is also evaluated between the windows of its steps, and warns of that.
        const bool has_subquery = query.text.find(':') != std::string::npos;
        if (has_subquery) REQUIRE(std::ranges::includes(all, found));
        if (!has_subquery) REQUIRE(found == all);
        compared += split->parts > 1 ? 1 : 0;
        with_series += split->parts > 1 && !std::get<promql::Matrix>(whole->value).empty() ? 1 : 0;
    }
    CHECK(compared > 200);
    CHECK(with_series > 100);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::query_frontend
