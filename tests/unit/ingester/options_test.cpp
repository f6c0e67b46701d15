#include "components/ingester/options.hpp"

#include "support/test_support.hpp"

namespace mimir::ingester {
namespace {

using namespace std::chrono_literals;

TEST_SUITE_BEGIN("ingester/options");

TEST_CASE("block ranges are durations, each a multiple of the one before") {
    const auto ranges = [](std::vector<std::string> texts) {
        return block_ranges(Options{.block_ranges_period = std::move(texts)});
    };
    CHECK(*ranges({"2h"}) == std::vector<std::chrono::milliseconds>{2h});
    CHECK(*ranges({"2h", "12h", "24h"}) == std::vector<std::chrono::milliseconds>{2h, 12h, 24h});
    for (const auto& bad :
         std::vector<std::vector<std::string>>{{}, {"x"}, {"0s"}, {"2h", "3h"}, {"-2h"}}) {
        CHECK_FALSE(ranges(bad).has_value());
    }
    config::Findings findings;
    validate(Options{.block_ranges_period = {"2h", "3h"}}, findings);
    CHECK(findings.size() == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::ingester
