#include "tsdb/compaction/merge_planner.hpp"

#include "support/test_support.hpp"

namespace mimir::tsdb {
namespace {

using Indices = std::vector<std::size_t>;
using std::chrono::milliseconds;

TEST_SUITE_BEGIN("tsdb/compaction/merge_planner");

Indices plan(
    const std::vector<std::pair<std::int64_t, std::int64_t>>& blocks,
    const std::vector<milliseconds>& ranges
) {
    std::vector<BlockMeta> metas;
    for (const auto& [min, max] : blocks) metas.push_back({.min_time = {min}, .max_time = {max}});
    return plan_merge(metas, ranges);
}

const std::vector<milliseconds> kRanges = {milliseconds(30), milliseconds(90)};

TEST_CASE("blocks that overlap are merged whatever their ranges") {
    CHECK(plan({{0, 10}, {5, 15}, {14, 20}, {20, 30}}, {}) == Indices{0, 1, 2});
    CHECK(plan({{0, 10}, {10, 100}, {20, 30}, {30, 40}}, {}) == Indices{1, 2, 3});
    CHECK(plan({{0, 10}, {10, 20}, {25, 30}}, {}).empty());
}

TEST_CASE("a window is merged once blocks reach to its end") {
    CHECK(plan({{0, 10}, {10, 20}}, kRanges).empty());
    CHECK(plan({{0, 10}, {10, 20}, {20, 30}}, kRanges) == Indices{0, 1, 2});
    CHECK(plan({{0, 10}, {10, 20}, {30, 40}}, kRanges) == Indices{0, 1});
    CHECK(plan({{-30, -10}, {-10, 0}, {0, 10}}, kRanges) == Indices{0, 1});
}

TEST_CASE("a block that fills its window, or is alone in it, is left to the next range") {
    CHECK(plan({{0, 30}, {30, 60}}, kRanges).empty());
    CHECK(plan({{0, 30}, {30, 60}, {60, 90}}, kRanges) == Indices{0, 1, 2});
    CHECK(plan({{0, 10}, {30, 60}, {90, 100}}, kRanges) == Indices{0, 1});
}

TEST_CASE("a block larger than the window is left alone") {
    CHECK(plan({{0, 90}, {90, 100}, {100, 120}}, {milliseconds(30)}) == Indices{1, 2});
    CHECK(plan({{0, 200}, {200, 210}}, kRanges).empty());
}

TEST_CASE("windows are aligned to the epoch, before it too") {
    CHECK(window_start({29}, milliseconds(30)) == TimestampMs{0});
    CHECK(window_start({30}, milliseconds(30)) == TimestampMs{30});
    CHECK(window_start({-1}, milliseconds(30)) == TimestampMs{-30});
    CHECK(window_start({-30}, milliseconds(30)) == TimestampMs{-30});
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
