#include "app/load_settings.hpp"

#include <cstdlib>
#include <fstream>

#include "config/print.hpp"
#include "support/test_support.hpp"

namespace mimir::app {
namespace {

/// A configuration file with the text, and a command line that names it.
class ConfigFile {
  public:
    explicit ConfigFile(std::string_view text) : path_((folder_.path() / "m.yaml").string()) {
        std::ofstream(path_) << text;
        flag_ = "-config.file=" + path_;
    }
    [[nodiscard]] std::string_view flag() const { return flag_; }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    test::TempDir folder_;
    std::string path_;
    std::string flag_;
};

tl::expected<void, LoadFailure> load(
    const std::vector<std::string_view>& arguments, Loaded& loaded
) {
    return app::load(std::span<const std::string_view>(arguments), loaded);
}

}  // namespace

TEST_SUITE("app/load_settings") {
    TEST_CASE("flags win over the file, the file over the defaults, wherever the flag stands") {
        const ConfigFile file("server: {http_listen_port: 1, log_level: warn}\n");
        for (const std::vector<std::string_view>& arguments :
             std::initializer_list<std::vector<std::string_view>>{
                 {file.flag(), "-server.http-listen-port=2"},
                 {"-server.http-listen-port=2", file.flag()},
             }) {
            Loaded loaded;
            REQUIRE(load(arguments, loaded).has_value());
            CHECK(loaded.settings.server.http_listen_port == 2);
            CHECK(loaded.settings.server.log_level == telemetry::LogLevel::warn);
            CHECK(loaded.settings.server.log_format == telemetry::LogFormat::logfmt);
        }
    }

    TEST_CASE("flags of a file count where the file is named, and no such file is no flags") {
        const test::TempDir folder;
        const std::string path = (folder.path() / "querier.flags").string();
        const std::string named = "-config.flags-file=" + path;
        const std::vector<std::string_view> arguments = {
            "-target=all", "-log.level=debug", named, "-log.level=warn"
        };
        Loaded without;
        REQUIRE(load(arguments, without).has_value());
        CHECK(without.settings.target == std::vector<std::string>{"all"});

        using namespace std::string_view_literals;
        std::ofstream(path) << "-target=querier\0-common.instance-id=a b\n\0-log.level=error\0"sv;
        Loaded with;
        REQUIRE(load(arguments, with).has_value());
        CHECK(with.settings.target == std::vector<std::string>{"querier"});
        CHECK(with.settings.common.instance_id == "a b\n");
        CHECK(with.settings.server.log_level == telemetry::LogLevel::warn);

        std::ofstream(path) << "-tarket=querier";
        Loaded wrong;
        const auto failure = load(arguments, wrong);
        REQUIRE(!failure);
        CHECK(failure.error().exit_status == 2);
    }

    TEST_CASE("wrong usage exits with 2, a wrong configuration with 1") {
        const ConfigFile good("");
        const ConfigFile bad("server: {http_listen_prot: 1}\n");
        struct Case {
            std::vector<std::string_view> arguments;
            int status;
            std::string text;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {{"-server.http-listen-prot=1"},
                  2,
                  "-server.http-listen-prot: unknown flag; did you mean -server.http-listen-port?\n"
                  "`mimird -help` shows the flags"},
                 {{bad.flag()},
                  1,
                  bad.path() +
                      ":1: server.http_listen_prot: unknown key; did you mean \"http_listen_port\"?"
                 },
                 {{good.flag(), "-auth.no-auth-tenant=a/b"}, 1, "no_auth_tenant: "},
             }) {
            Loaded loaded;
            const auto result = load(c.arguments, loaded);
            REQUIRE_FALSE(result.has_value());
            CHECK(result.error().exit_status == c.status);
            CHECK(result.error().text.starts_with(c.text));
        }
    }

    TEST_CASE("a missing file is named") {
        Loaded loaded;
        const auto result = load({"-config.file=/does/not/exist.yaml"}, loaded);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().exit_status == 1);
        CHECK(result.error().text.find("/does/not/exist.yaml") != std::string::npos);
    }

    TEST_CASE("variables are expanded when that is asked for") {
        ::setenv("MIMIRD_TEST_PORT", "4711", 1);
        const ConfigFile file("server: {http_listen_port: \"${MIMIRD_TEST_PORT}\"}\n");
        Loaded expanded;
        REQUIRE(load({file.flag(), "-config.expand-env"}, expanded).has_value());
        CHECK(expanded.settings.server.http_listen_port == 4711);
        Loaded plain;
        CHECK_FALSE(load({file.flag()}, plain).has_value());
    }

    TEST_CASE("help and version are shown whatever the file says") {
        for (const std::string_view flag : {"-h", "--help", "-help-all", "-version"}) {
            CAPTURE(flag);
            Loaded loaded;
            CHECK(load({"-config.file=/does/not/exist.yaml", flag}, loaded).has_value());
        }
    }

    TEST_CASE("what -print.config prints is read back the same") {
        Loaded before;
        REQUIRE(
            load({"-target=distributor,ingester", "-limits-are-not-here=1"}, before)
                .error()
                .exit_status == 2
        );
        REQUIRE(load({"-target=distributor,ingester", "-shutdown-delay=90s"}, before).has_value());
        const std::string printed = print_yaml(before.declared, config::Printed::effective);
        const ConfigFile file(printed);
        Loaded after;
        REQUIRE(load({file.flag()}, after).has_value());
        CHECK(print_yaml(after.declared, config::Printed::effective) == printed);
        CHECK(after.settings.shutdown_delay == std::chrono::seconds(90));
    }

    TEST_CASE("the example configurations are right") {
        for (const std::string_view name : {"quickstart", "monolithic"}) {
            CAPTURE(name);
            Loaded loaded;
            const std::string flag =
                fmt::format("-config.file={}/configs/{}.yaml", MIMIR_SOURCE_DIR, name);
            const auto result = load({flag}, loaded);
            REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().text));
        }
    }
}

}  // namespace mimir::app
