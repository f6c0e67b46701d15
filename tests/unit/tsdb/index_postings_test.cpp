#include "tsdb/index/postings.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "support/test_support.hpp"

namespace mimir::tsdb {
namespace {

TEST_SUITE_BEGIN("tsdb/index/postings");

Postings random_postings(Random& random, std::size_t count, std::uint32_t bound) {
    std::set<std::uint32_t> picked;
    for (std::size_t i = 0; i < count; ++i) {
        picked.insert(static_cast<std::uint32_t>(random.below(bound)));
    }
    return {picked.begin(), picked.end()};
}

TEST_CASE("intersection and difference agree with the standard library's") {
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 500; ++round) {
        const auto bound = static_cast<std::uint32_t>(1 + random.below(2000));
        const Postings a = random_postings(random, random.below(300), bound);
        const Postings b = random_postings(random, random.below(300), bound);
        Postings both;
        std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
        Postings only_a;
        std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only_a));

        Postings result = a;
        intersect(result, b);
        CHECK(result == both);
        result = a;
        subtract(result, b);
        CHECK(result == only_a);
    }
}

TEST_CASE("runs, dense or sparse, overlapping or not, unite into one list") {
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 200; ++round) {
        const std::uint32_t bound = random.below(2) == 0 ? 3000 : 4'000'000'000;
        Postings runs;
        std::vector<std::size_t> begins;
        std::set<std::uint32_t> expected;
        for (std::uint64_t run = random.below(9); run > 0; --run) {
            const Postings one = random_postings(random, random.below(100), bound);
            begins.push_back(runs.size());
            runs.insert(runs.end(), one.begin(), one.end());
            expected.insert(one.begin(), one.end());
        }
        unite_runs(runs, begins);
        CHECK(runs == Postings(expected.begin(), expected.end()));
    }
}

TEST_CASE("the largest reference is an ordinary one") {
    Postings runs = {0, UINT32_MAX, UINT32_MAX};
    unite_runs(runs, std::vector<std::size_t>{0, 2});
    CHECK(runs == Postings{0, UINT32_MAX});
    intersect(runs, Postings{UINT32_MAX});
    CHECK(runs == Postings{UINT32_MAX});
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
