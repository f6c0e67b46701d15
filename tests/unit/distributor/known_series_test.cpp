#include "components/distributor/known_series.hpp"

#include <thread>
#include <vector>

#include "support/test_support.hpp"

namespace mimir::distributor {
namespace {

model::LabelsHash next_hash(Random& random) { return {.low = random.next(), .high = 0}; }

TEST_SUITE_BEGIN("distributor/known_series");

TEST_CASE("what was added is known, what was not is unknown") {
    auto random = test::seeded_random();
    KnownSeries known(1 << 20);
    std::vector<model::LabelsHash> added;
    for (int i = 0; i < 100'000; ++i) known.add(added.emplace_back(next_hash(random)));
    const auto reader = known.reader();
    std::size_t found = 0;
    for (const auto& hash : added) found += reader.contains(hash) ? 1 : 0;
    CHECK(found >= added.size() * 98 / 100);  // few are forgotten because their bucket was full
    for (int i = 0; i < 100'000; ++i) CHECK_FALSE(reader.contains(next_hash(random)));
}

TEST_CASE("it stays within its size and remembers the newest") {
    SeededRandom random(1);
    KnownSeries known(1000);
    for (int i = 0; i < 100'000; ++i) {
        const auto hash = next_hash(random);
        known.add(hash);
        CHECK(known.reader().contains(hash));
    }
}

TEST_CASE("readers and writers do not disturb one another") {
    KnownSeries known(1 << 16);
    std::vector<std::thread> threads;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        threads.emplace_back([&known, seed] {
            SeededRandom random(seed);
            for (int i = 0; i < 5'000; ++i) {
                const auto hash = next_hash(random);
                known.reader().prefetch(hash);
                known.add(hash);
                static_cast<void>(known.reader().contains(hash));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    SeededRandom random(0);
    std::size_t found = 0;
    for (int i = 0; i < 5'000; ++i) found += known.reader().contains(next_hash(random)) ? 1 : 0;
    // A few of a hundred lose their place to another, more of them the fuller the table was on the way.
    CHECK(found > 4'700);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::distributor
