#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "app/docs/pages.hpp"
#include "support/test_support.hpp"

namespace mimir::app {
namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// What a shell prints.
std::string run(const std::string& command) {
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
    CHECK(::pclose(pipe) == 0);
    return out;
}

/// What bash offers for a word of the command line "mimird WORD...".
std::string offered(const std::vector<std::string>& words) {
    const test::TempDir folder;
    const auto script = folder.path() / "completion";
    std::ofstream(script) << daemon_completion("bash").value();
    std::string list;
    for (const std::string& word : words) list += " '" + word + "'";
    return run(fmt::format(
        "bash -c \"source {}; COMP_WORDS=(mimird {}); COMP_CWORD={}; _mimird; echo \\${{COMPREPLY[*]}}\"",
        script.string(),
        list,
        words.size()
    ));
}

}  // namespace

TEST_SUITE("app/docs") {
    TEST_CASE("mimird(8) has the flags and targets, and mimird.yaml(5) every setting") {
        const std::string daemon = daemon_man_page();
        CHECK(daemon.starts_with(".TH \"MIMIRD\" 8 "));
        CHECK(has(daemon, "\\-config.file="));
        CHECK(has(daemon, "query\\-frontend *"));
        CHECK(!has(daemon, "max\\-exemplars"));
        const std::string settings = settings_man_page();
        CHECK(has(settings, ".SH \"blocks_storage\""));
        CHECK(has(settings, "server.http_listen_port: integer"));
        CHECK(has(settings, "default 8080"));
    }

    TEST_CASE("bash completes flags, values of enumerations, and lists of targets") {
        CHECK(offered({"-server.http-listen-po"}) == "-server.http-listen-port\n");
        CHECK(offered({"-log.level", "=", "w"}) == "warn\n");
        CHECK(offered({"-log.level", "=", ""}) != "\n");
        CHECK(offered({"-target", "ing"}) == "ingester\n");
        CHECK(offered({"-target", "=", "ingester,query-f"}) == "ingester,query-frontend\n");
    }

    TEST_CASE("there are completions for three shells") {
        CHECK(has(daemon_completion("zsh").value(), "#compdef mimird\n"));
        CHECK(has(daemon_completion("fish").value(), "complete -c mimird -o target -x -a "));
        CHECK(!daemon_completion("tcsh"));
    }
}

}  // namespace mimir::app
