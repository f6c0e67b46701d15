#include "components/distributor/rate_limiter.hpp"

#include "support/test_support.hpp"

namespace mimir::distributor {
namespace {

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("distributor/rate_limiter");

TEST_CASE("a burst is taken at once, then the rate holds") {
    RateLimiter limiter;
    const RateLimiter::Limit limit{.per_second = 10, .burst = 100};
    const RateLimiter::TimePoint start(1000s);
    CHECK(limiter.take(100, limit, start));
    CHECK_FALSE(limiter.take(1, limit, start));
    CHECK_FALSE(limiter.take(11, limit, start + 1s));
    CHECK(limiter.take(10, limit, start + 1s));
    CHECK_FALSE(limiter.take(101, limit, start + 1000s));
    CHECK(limiter.take(100, limit, start + 1000s));
}

TEST_CASE("a raised limit holds at once") {
    RateLimiter limiter;
    const RateLimiter::TimePoint start(1000s);
    CHECK(limiter.take(1, {.per_second = 1, .burst = 1}, start));
    CHECK_FALSE(limiter.take(50, {.per_second = 1, .burst = 1}, start + 1s));
    CHECK(limiter.take(50, {.per_second = 50, .burst = 100}, start + 2s));
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::distributor
