#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "canned_daemon.hpp"
#include "ctl/completion.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// Candidates without their help.
std::string completed(const CannedDaemon& daemon, std::vector<std::string> words) {
    words.insert(words.begin(), "__complete");
    std::string names;
    std::istringstream lines(run_ctl(daemon, words).out);
    for (std::string line; std::getline(lines, line);)
        names += line.substr(0, line.find('\t')) + " ";
    return names;
}

void serve(CannedDaemon& daemon) {
    daemon.on_get(
        "/admin/v1/modules", R"([{"name":"querier"},{"name":"query-frontend"},{"name":"ruler"}])"
    );
    daemon.on_get(
        "/admin/v1/targets", R"([{"name":"all"},{"name":"ingester"},{"name":"querier"}])"
    );
    daemon.on_get(
        "/admin/v1/operations",
        R"([{"id":"op-2","summary":"stop querier","state":"done"},{"id":"op-1"}])"
    );
}

/// What a shell prints for the script, with the mimirctl that was built and the daemon's socket in its environment.
std::string shell_output(
    const CannedDaemon& daemon, const std::string& shell, std::string_view script
) {
    const std::string file = daemon.dir() / "script";
    std::ofstream(file) << script << std::flush;
    const std::string command = fmt::format(
        "PATH='{}':\"$PATH\" MIMIRCTL_SOCKET='{}' {} {} 2>&1",
        std::filesystem::path(MIMIRCTL).parent_path().string(),
        daemon.socket(),
        shell,
        file
    );
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 4096> buffer{};
    while (const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        text.append(buffer.data(), bytes);
    }
    CAPTURE(text);
    CHECK(::pclose(pipe) == 0);
    return text;
}

bool has_program(const std::string& name) {
    return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

TEST_SUITE("ctl/completion") {
    TEST_CASE("commands, verbs, options and values are completed") {
        CannedDaemon daemon;
        serve(daemon);
        CHECK(completed(daemon, {"st"}) == "status start stop ");
        CHECK(completed(daemon, {"config", ""}) == "check show diff reload ");
        CHECK(completed(daemon, {"operations", ""}) == "list watch cancel op-2 op-1 ");
        CHECK(completed(daemon, {"operations", "watch", ""}) == "op-2 op-1 ");
        CHECK(completed(daemon, {"stop", "--cas"}) == "--cascade ");
        CHECK(completed(daemon, {"modules", "-o", "j"}) == "json jsonl ");
        CHECK(completed(daemon, {"modules", "--output=y"}) == "--output=yaml ");
        CHECK(completed(daemon, {"stop", "quer"}) == "querier query-frontend ");
        CHECK(completed(daemon, {"stop", "querier", ""}) == "query-frontend ruler ");
        CHECK(completed(daemon, {"--socket", daemon.socket(), "start", "ru"}) == "ruler ");
        CHECK(completed(daemon, {"set-target", "ingester,qu"}) == "ingester,querier ");
        CHECK(completed(daemon, {"set-target", "all", ""}) == "");
        CHECK(completed(daemon, {"explain", "module-n"}) == "module-needed module-none-named ");
        CHECK(completed(daemon, {"explain", "rul"}) == "ruler ");
        CHECK(completed(daemon, {"log-level", "w"}) == "warn ");
        CHECK(completed(daemon, {"completion", ""}) == "bash zsh fish ");
        CHECK(completed(daemon, {"nonsense", ""}).starts_with("status "));
        CHECK_FALSE(contains(completed(daemon, {""}), "__complete"));
        CHECK(completed(daemon, {}).starts_with("status "));
    }

    TEST_CASE("without a daemon it is silent and quick") {
        const auto begin = std::chrono::steady_clock::now();
        const Ran ran = run_ctl({"__complete", "--socket", "/nonexistent/socket", "stop", ""});
        CHECK(ran.code == 0);
        CHECK(ran.out == "");
        CHECK(ran.err == "");
        CHECK(std::chrono::steady_clock::now() - begin < 2s);
    }

    TEST_CASE("a daemon that does not answer holds nobody up") {
        CannedDaemon daemon;
        daemon.on(http::Method::get, "/admin/v1/modules", [&](const http::Request&) {
            return daemon.waiting_stream({});
        });
        const auto begin = std::chrono::steady_clock::now();
        CHECK(completed(daemon, {"stop", ""}) == "");
        CHECK(std::chrono::steady_clock::now() - begin < 3s);
    }

    TEST_CASE("bash completes with the script") {
        CannedDaemon daemon;
        serve(daemon);
        constexpr std::string_view kScript = R"(
source <(mimirctl completion bash) || exit 1
try() { COMP_LINE=$1; COMP_POINT=${#1}; _mimirctl; printf '[%s]\n' "${COMPREPLY[*]}"; }
try "mimirctl set-t"
try "mimirctl stop que"
try "mimirctl stop "
try "mimirctl modules --output=j"
complete -p mimirctl
)";
        CHECK(
            shell_output(daemon, "bash --norc", kScript) ==
            "[set-target]\n[querier query-frontend]\n[querier query-frontend ruler]\n[json jsonl]\n"
            "complete -o default -F _mimirctl mimirctl\n"
        );
    }

    TEST_CASE(
        "zsh reads its script and calls for candidates" * doctest::skip(!has_program("zsh"))
    ) {
        CannedDaemon daemon;
        serve(daemon);
        constexpr std::string_view kScript = R"(
source <(mimirctl completion zsh) || exit 1
_describe() { print -l -- "${(@P)2}"; }
_files() { print files; }
words=(mimirctl stop que) CURRENT=3
_mimirctl
)";
        CHECK(
            shell_output(daemon, "zsh -f", kScript) == "querier:stopped\nquery-frontend:stopped\n"
        );
    }

    TEST_CASE("fish completes with the script" * doctest::skip(!has_program("fish"))) {
        CannedDaemon daemon;
        serve(daemon);
        constexpr std::string_view kScript = R"(
mimirctl completion fish | source; or exit 1
complete -C "mimirctl stop que"
)";
        CHECK(
            shell_output(daemon, "fish --no-config", kScript) ==
            "querier\tstopped\nquery-frontend\tstopped\n"
        );
    }

    TEST_CASE("there is a script for each shell that is listed") {
        for (const std::string_view shell : shells())
            CHECK(contains(completion_script(shell), "__complete"));
        CHECK(completion_script("csh") == "");
    }
}

}  // namespace
}  // namespace mimir::ctl::test
