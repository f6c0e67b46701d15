#include <fstream>
#include <iterator>

#include "app/load_settings.hpp"
#include "config/print.hpp"
#include "support/test_support.hpp"

namespace mimir::app {

TEST_SUITE("app/docs") {
    TEST_CASE("docs/options.md is what the declarations say; `make docs` writes it") {
        std::ifstream file(MIMIR_SOURCE_DIR "/docs/options.md");
        const std::string written{std::istreambuf_iterator<char>(file), {}};
        const Loaded loaded;
        CHECK_MESSAGE(
            written == print_markdown(loaded.declared), "docs/options.md is stale: run `make docs`"
        );
    }
}

}  // namespace mimir::app
