#include "rpc/detail/breaker.hpp"

#include "support/test_support.hpp"

namespace mimir::rpc::detail {
namespace {

using namespace std::chrono_literals;
using Verdict = Breaker::Verdict;

struct Fixture {
    Breaker breaker{{.failures_max = 3, .open_min = 100ms, .open_max = 2s}};
    Breaker::TimePoint now;

    void fail(std::string why = "refused") {
        breaker.failed({ErrorKind::unavailable, {}, std::move(why)}, now);
    }
    void open() {
        for (int i = 0; i < 3; ++i) fail();
        REQUIRE(breaker.is_open());
    }
    /// A trial that fails after so long.
    void try_for(std::chrono::milliseconds took) {
        REQUIRE(breaker.admit(now) == Verdict::trial);
        now += took;
        fail();
    }
    /// How long it refuses from now on, in milliseconds.
    [[nodiscard]] int open_ms() const {
        int ms = 0;
        while (!breaker.is_due(now + std::chrono::milliseconds(ms))) ++ms;
        return ms;
    }
};

TEST_SUITE("rpc/breaker") {
    TEST_CASE("it opens after failures in a row, and one call at a time tries") {
        Fixture f;
        f.fail();
        f.fail();
        f.breaker.reached();
        f.fail();
        f.fail();
        CHECK(f.breaker.admit(f.now) == Verdict::pass);
        f.fail("again");
        CHECK(f.breaker.last().message == "again");
        CHECK(f.breaker.admit(f.now) == Verdict::refuse);
        f.now += 100ms;
        CHECK(f.breaker.admit(f.now) == Verdict::trial);
        CHECK(f.breaker.admit(f.now) == Verdict::refuse);
        f.breaker.undecided();
        CHECK(f.breaker.admit(f.now) == Verdict::trial);
        f.breaker.reached();
        CHECK(f.breaker.admit(f.now) == Verdict::pass);
    }

    TEST_CASE("a host that refuses is tried as often after a minute as at first") {
        Fixture f;
        f.open();
        for (int i = 0; i < 600; ++i) {
            REQUIRE(f.open_ms() == 100);
            f.now += 100ms;
            f.try_for(0ms);
        }
    }

    TEST_CASE("a host that is silent is tried no more than half of the time") {
        Fixture f;
        f.open();
        f.now += 100ms;
        f.try_for(700ms);
        CHECK(f.open_ms() == 700);
        f.now += 700ms;
        f.try_for(5s);
        CHECK(f.open_ms() == 2000);
        // Somebody is there again, though nobody listens yet.
        f.now += 2s;
        f.try_for(1ms);
        CHECK(f.open_ms() == 100);
    }

    TEST_CASE("what is certain opens it at once") {
        Fixture f;
        f.breaker.open({ErrorKind::unavailable, {}, "hangs"}, f.now, 5s);
        CHECK(f.open_ms() == 2000);
        f.breaker.reached();
        CHECK_FALSE(f.breaker.is_open());
        f.fail();
        CHECK_FALSE(f.breaker.is_open());
    }
}

}  // namespace
}  // namespace mimir::rpc::detail
