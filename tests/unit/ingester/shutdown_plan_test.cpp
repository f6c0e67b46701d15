#include "components/ingester/shutdown_plan.hpp"

#include "fs/memory_file_system.hpp"
#include "support/test_support.hpp"

namespace mimir::ingester {
namespace {

struct Fixture {
    std::unique_ptr<ShutdownPlan> open(ShutdownPlan::Defaults defaults = {}) {
        auto plan = ShutdownPlan::open(files, "/data", defaults);
        REQUIRE_OK(plan);
        return *std::move(plan);
    }
    fs::MemoryFileSystem files;
};

TEST_SUITE_BEGIN("ingester/shutdown_plan");

TEST_CASE("without being told, an ingester stops as its options say") {
    Fixture f;
    CHECK_FALSE(f.open()->flush());
    CHECK(f.open()->unregister());
    CHECK(f.open({.flush = true})->flush());
    CHECK_FALSE(f.open({.unregister = false})->unregister());
}

TEST_CASE("a preparation outlives a restart, until it is carried out or taken back") {
    Fixture f;
    const auto plan = f.open({.unregister = false});
    REQUIRE_OK(plan->prepare());
    CHECK(plan->prepared());
    for (int restart = 0; restart < 2; ++restart) {
        const auto later = f.open({.unregister = false});
        CHECK(later->prepared());
        CHECK(later->flush());
        CHECK(later->unregister());
    }
    SUBCASE("carried out") { REQUIRE_OK(f.open()->carried_out()); }
    SUBCASE("taken back") { REQUIRE_OK(f.open()->revert()); }
    CHECK_FALSE(f.open()->prepared());
    CHECK_FALSE(f.open({.unregister = false})->unregister());
}

TEST_CASE("taking back what was not prepared is no error") {
    Fixture f;
    REQUIRE_OK(f.open()->revert());
}

TEST_CASE("whether to leave the ring is set for this life") {
    Fixture f;
    const auto plan = f.open();
    plan->set_unregister(false);
    CHECK_FALSE(plan->unregister());
    plan->set_unregister({});
    CHECK(plan->unregister());
    plan->set_unregister(false);
    plan->stop_for_good();
    CHECK(plan->unregister());
    CHECK(plan->flush());
    CHECK_FALSE(plan->prepared());
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::ingester
