#include "base/nearest.hpp"

#include <array>

#include "support/test_support.hpp"

namespace mimir {

TEST_SUITE("base/nearest") {
    TEST_CASE("a typo finds the word that was meant, and another word finds none") {
        constexpr std::array<std::string_view, 4> kWords = {
            "distributor", "ingester", "querier", "query-frontend"
        };
        struct Case {
            std::string_view typed;
            std::string_view meant;  // empty: none
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"ingestor", "ingester"},
                 {"ignester", "ingester"},
                 {"quering", "querier"},
                 {"query-fronted", "query-frontend"},
                 {"querier", "querier"},
                 {"compactor", ""},
                 {"x", ""},
                 {"", ""},
             }) {
            CAPTURE(c.typed);
            CHECK(nearest(c.typed, kWords).value_or("") == c.meant);
        }
        CHECK(did_you_mean("ingestor", kWords) == "; did you mean \"ingester\"?");
        CHECK(did_you_mean("zzz", kWords).empty());
    }
}

}  // namespace mimir
