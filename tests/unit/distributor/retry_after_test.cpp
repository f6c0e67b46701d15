#include "components/distributor/retry_after.hpp"

#include "support/test_support.hpp"

namespace mimir::distributor {
namespace {

TEST_SUITE_BEGIN("distributor/retry_after");

TEST_CASE("the wait doubles with each attempt, within its bounds") {
    SeededRandom random(1);
    const Options options;
    const struct {
        std::string_view attempt;
        std::int64_t min;
        std::int64_t max;
    } cases[] = {
        {"", 6, 9},
        {"1", 6, 9},
        {"2", 6, 18},
        {"3", 12, 36},
        {"5", 48, 96},
        {"1000", 48, 96},
        {"-5", 6, 9},
        {"x", 6, 9},
    };
    for (const auto& c : cases) {
        CAPTURE(c.attempt);
        for (int i = 0; i < 1000; ++i) {
            const auto wait = retry_after(options, c.attempt, random).count();
            CHECK(wait >= c.min);
            CHECK(wait <= c.max);
        }
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::distributor
