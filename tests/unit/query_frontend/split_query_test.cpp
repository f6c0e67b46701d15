#include "components/query_frontend/split_query.hpp"

#include <algorithm>

#include "support/test_support.hpp"

namespace mimir::query_frontend {
namespace {

using std::chrono::milliseconds;
using test::labels;

promql::Query range_query(std::int64_t start, std::int64_t end, std::int64_t step) {
    return {.text = "up", .start = {start}, .end = {end}, .step = milliseconds(step)};
}

std::vector<std::pair<std::int64_t, std::int64_t>> cuts(const promql::Query& query, int interval) {
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
    for (const auto& part : split_by_interval(query, milliseconds(interval))) {
        CHECK(part.step == query.step);
        CHECK(part.text == query.text);
        ranges.emplace_back(part.start.ms, part.end.ms);
    }
    return ranges;
}

promql::MatrixSeries series(std::string_view name, std::vector<promql::FloatPoint> floats) {
    return {labels(name), std::move(floats), {}};
}

TEST_SUITE_BEGIN("query_frontend/split_query");

TEST_CASE("a range query is cut at multiples of the interval, and steps stay where they are") {
    using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;
    CHECK(cuts(range_query(5, 35, 10), 20) == Ranges{{5, 15}, {25, 35}});
    CHECK(cuts(range_query(0, 40, 10), 20) == Ranges{{0, 10}, {20, 30}, {40, 40}});
    CHECK(cuts(range_query(7, 50, 7), 20) == Ranges{{7, 14}, {21, 35}, {42, 49}});
    CHECK(cuts(range_query(0, 100, 50), 20) == Ranges{{0, 0}, {50, 50}, {100, 100}});
    CHECK(cuts(range_query(-15, 15, 10), 20) == Ranges{{-15, -5}, {5, 15}});
    CHECK(cuts(range_query(-20, 19, 10), 20) == Ranges{{-20, -10}, {0, 10}});
}

TEST_CASE("what lies within one interval is not split, nor is what has no interval") {
    CHECK(cuts(range_query(20, 39, 1), 20).empty());
    CHECK(cuts(range_query(5, 24, 10), 20).empty());  // the last step is at 15
    CHECK(cuts(range_query(0, 1000, 10), 0).empty());
    CHECK(split_by_interval(promql::Query::instant("up", {5}), milliseconds(1)).empty());
    const std::int64_t far = std::int64_t{1} << 62;
    CHECK(cuts(range_query(-far, far, far / 2), 20).empty());
}

TEST_CASE("what depends on the query's start and end is put as numbers") {
    const struct {
        const char* text;
        const char* pinned;
    } cases[] = {
        {"up @ start() + up @ end ( )", "up @ -1.500 + up @ 3.000"},
        {"rate(up[range()] @ end())", "rate(up[4.500] @ 3.000)"},
        {"start() ^ 2 - end()", "(-1.500) ^ 2 - 3.000"},
        {"up{a=\"start()\"} # end()", "up{a=\"start()\"} # end()"},
        {"sum by (start) (end)", "sum by (start) (end)"},
        {"up[step():]", "up[step():]"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.text);
        auto query = range_query(-1500, 3000, 1000);
        query.text = c.text;
        const PinnedQuery pinned(query);
        CHECK(pinned.text() == c.pinned);
        CHECK(pinned.changed() == (query.text != c.pinned));
    }
}

TEST_CASE("annotations of a pinned query have the positions of the query as it was asked") {
    auto query = range_query(1600000000000, 1700000000000, 1000);
    query.text = "a @ start() + rate(b @ end()) +\n  c @ end() + z";
    const PinnedQuery pinned(query);
    const std::string text = pinned.text();
    for (const char name : {'a', 'r', 'b', 'c', 'z'}) {
        CAPTURE(name);
        const auto at = [&](const std::string& in) {
            const auto begin = static_cast<std::uint32_t>(
                name == 'a' ? 0 : in.find(name, name == 'r' ? in.find('+') : in.find("rate") + 3)
            );
            return promql::position_text(in, {begin, begin});
        };
        promql::Annotations annotations{.warnings = {"w(1:2) (" + at(text) + ")"}};
        pinned.restore_positions(annotations);
        CHECK(annotations.warnings.front() == "w(1:2) (" + at(query.text) + ")");
    }
    promql::Annotations strange{.infos = {"none", "(", "(1:)", "(9:9)", "(0:0)", "a (1:2) b"}};
    const auto before = strange.infos;
    pinned.restore_positions(strange);
    CHECK(strange.infos == before);
}

TEST_CASE("parts are merged by series, in order") {
    std::vector<promql::QueryResult> parts;
    parts.push_back(
        {promql::Matrix{series("a", {{{1}, 1}}), series("c", {{{1}, 3}, {{2}, 4}})},
         {.warnings = {"w"}, .infos = {"i"}},
         {.series = 1, .samples = 2, .samples_peak = 3, .chunks = 4, .chunk_bytes = 5}}
    );
    parts.push_back({promql::Matrix{}, {}, {}});
    parts.push_back(
        {promql::Matrix{series("b", {{{3}, 5}}), series("c", {{{4}, 6}})},
         {.warnings = {"w", "v"}, .infos = {"i"}},
         {.series = 10, .samples = 20, .samples_peak = 1, .chunks = 40, .chunk_bytes = 50}}
    );
    const auto merged = merge_parts(std::move(parts));
    const auto& matrix = std::get<promql::Matrix>(merged.value);
    REQUIRE(matrix.size() == 3);
    CHECK(matrix[0].labels == labels("a"));
    CHECK(matrix[1].labels == labels("b"));
    CHECK(matrix[2].labels == labels("c"));
    REQUIRE(matrix[2].floats.size() == 3);
    CHECK(matrix[2].floats[2].value == 6);
    CHECK(merged.annotations.warnings == std::vector<std::string>{"w", "v"});
    CHECK(merged.annotations.infos == std::vector<std::string>{"i"});
    CHECK(merged.statistics.series == 11);
    CHECK(merged.statistics.samples == 22);
    CHECK(merged.statistics.samples_peak == 3);
    CHECK(merged.statistics.chunks == 44);
    CHECK(merged.statistics.chunk_bytes == 55);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::query_frontend
