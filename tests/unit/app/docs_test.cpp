#include <fstream>
#include <iterator>

#include "api/openapi.hpp"
#include "app/load_settings.hpp"
#include "config/print.hpp"
#include "support/test_support.hpp"

namespace mimir::app {

namespace {

std::string page(std::string_view name) {
    std::ifstream file(std::string(MIMIR_SOURCE_DIR "/docs/") + std::string(name));
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_SUITE("app/docs") {
    TEST_CASE("docs/admin-api.md is what the declarations say; `make docs` writes it") {
        CHECK_MESSAGE(
            page("admin-api.md") == api::reference_markdown(),
            "docs/admin-api.md is stale: run `make docs`"
        );
    }
    TEST_CASE("docs/options.md is what the declarations say; `make docs` writes it") {
        const Loaded loaded;
        CHECK_MESSAGE(
            page("options.md") == print_markdown(loaded.declared),
            "docs/options.md is stale: run `make docs`"
        );
    }
}

}  // namespace mimir::app
