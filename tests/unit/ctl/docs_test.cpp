#include <fstream>
#include <iterator>

#include "ctl/command_table.hpp"
#include "ctl/docs/pages.hpp"
#include "support/test_support.hpp"

namespace mimir::ctl {
namespace {

TEST_SUITE("ctl/docs") {
    TEST_CASE("docs/mimirctl.md is what the command table says; `make docs` writes it") {
        std::ifstream file(MIMIR_SOURCE_DIR "/docs/mimirctl.md");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        CHECK_MESSAGE(text == reference_markdown(), "docs/mimirctl.md is stale: run `make docs`");
    }

    TEST_CASE("every verb has a man page, and no line of text is taken for a request") {
        const auto pages = man_pages();
        CHECK(pages.size() == top_level_names().size() + 1);
        for (const ManPage& page : pages) {
            CAPTURE(page.file);
            CHECK(page.text.starts_with(".TH \""));
            CHECK(page.text.find(".SH EXIT STATUS\n") != std::string::npos);
            CHECK(page.text.find("__complete") == std::string::npos);
        }
    }

    TEST_CASE("names in the table are unique") {
        for (const Command& command : commands()) CHECK(find_command(command.name) == &command);
    }
}

}  // namespace
}  // namespace mimir::ctl
