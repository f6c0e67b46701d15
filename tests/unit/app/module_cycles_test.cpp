#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "test_node.hpp"

namespace mimir::app {
namespace {

std::size_t entries(const char* folder) {
    const std::filesystem::directory_iterator begin(folder);
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

/// What modules hold and must give back.
struct Holdings {
    std::size_t descriptors = 0;
    std::size_t threads = 0;
    std::size_t routes = 0;
    std::size_t metric_families = 0;

    bool operator==(const Holdings&) const = default;
    static Holdings of(TestNode& node) {
        return {
            .descriptors = entries("/proc/self/fd"),
            .threads = entries("/proc/self/task"),
            .routes = node.wiring().router.list().size(),
            .metric_families = node.wiring().registry.collect().size(),
        };
    }
};

std::ostream& operator<<(std::ostream& out, const Holdings& held) {
    return out << held.descriptors << " descriptors, " << held.threads << " threads, "
               << held.routes << " routes, " << held.metric_families << " metric families";
}

std::int64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t virtual_pages = 0;
    std::int64_t resident_pages = 0;
    statm >> virtual_pages >> resident_pages;
    return resident_pages * ::sysconf(_SC_PAGESIZE);
}

/// Sanitizers keep freed memory, to see who still uses it.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// MIMIR_CYCLES, for a long run by hand.
int cycles() {
    const char* asked = std::getenv("MIMIR_CYCLES");
    constexpr int kCycles = kSanitized ? 50 : 200;
    return asked != nullptr ? std::atoi(asked) : kCycles;
}

}  // namespace

TEST_SUITE("app/module_cycles") {
    TEST_CASE("modules that start and stop many times leave nothing behind") {
        constexpr int kWarmUp = 50;
        // Fragmentation and what is lazily allocated; of 200 cycles, 40 KiB each.
        constexpr std::int64_t kGrowthBytesMax = 8 << 20;

        // The others end by themselves.
        const modules::Names kEverything{"all", "gateway", "self-monitoring"};
        const test::TempDir folder;
        const auto data = folder.path() / "tsdb";
        const std::string flag = "-blocks-storage.tsdb.dir=" + data.string();
        TestNode node({flag});
        const auto cycle = [&](int number) {
            // Own metrics are stored at every start: at times from nothing, else after a replay.
            if (number % 10 == 0) std::filesystem::remove_all(data);
            REQUIRE_OK(node.start(kEverything));
            for (const auto& module : node.manager().statuses()) {
                if (module.name == "flusher" || module.name == "continuous-test") continue;
                CAPTURE(module.name);
                CHECK(module.state == modules::State::running);
            }
            CHECK(node.get("/ready").status == 200);
            const Holdings up = Holdings::of(node);
            REQUIRE_OK(node.stop(kEverything));
            return up;
        };
        const auto is_level = [&](const Holdings& before) {
            // A thread that was joined may be listed for a moment.
            return test::eventually(std::chrono::seconds(5), [&] {
                return Holdings::of(node) == before;
            });
        };

        for (int i = 0; i < kWarmUp; ++i) cycle(i);
        const Holdings down = Holdings::of(node);
        const std::int64_t resident = resident_bytes();
        bool stored = false;
        for (int i = 0; i < cycles(); ++i) {
            const Holdings up = cycle(i);
            CHECK(up.routes > down.routes + 10);
            CHECK(up.metric_families > down.metric_families + 10);
            stored = stored || std::filesystem::exists(data);
            if (i % 100 == 0) REQUIRE(is_level(down));
        }
        const std::int64_t growth = resident_bytes() - resident;
        CAPTURE(down);
        CAPTURE(Holdings::of(node));
        CHECK(is_level(down));
        CHECK(stored);
        if (!kSanitized) CHECK(growth < kGrowthBytesMax);
        MESSAGE(
            cycles(),
            " cycles: ",
            Holdings::of(node),
            "; resident memory was ",
            resident >> 10,
            " KiB after the warm-up and grew by ",
            growth >> 10,
            " KiB"
        );
    }
}

}  // namespace mimir::app
