#include "config/load.hpp"
#include "support/test_support.hpp"

namespace mimir::config {

TEST_SUITE("config/expand") {
    TEST_CASE("variables are replaced by their value, their default, or nothing") {
        const auto lookup = [](std::string_view name) -> std::optional<std::string> {
            if (name == "PORT") return "9009";
            if (name == "EMPTY") return "";
            return std::nullopt;
        };
        struct Case {
            std::string_view text;
            std::string_view expanded;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"port: ${PORT}", "port: 9009"},
                 {"port: $PORT, $PORT.", "port: 9009, 9009."},
                 {"${PORT:80} ${NONE:80} ${NONE:-81} ${EMPTY:82}", "9009 80 81 82"},
                 {"a${NONE}b$NONE", "ab"},
                 {"${NONE:http://x:80/}", "http://x:80/"},
                 {"cost: $$5 and $", "cost: $5 and $"},
                 {"${PORT", "${PORT"},
                 {"$-x ${}", "$-x $"},
                 {"", ""},
             }) {
            CAPTURE(c.text);
            CHECK(expand_env(c.text, lookup) == c.expanded);
        }
    }
}

}  // namespace mimir::config
