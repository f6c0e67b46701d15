#include "config/print.hpp"

#include "config/limits.hpp"
#include "config/load.hpp"
#include "support/test_support.hpp"
#include "unit/config/example.hpp"

namespace mimir::config {

TEST_SUITE("config/print") {
    TEST_CASE(
        "settings are printed by section, secrets masked, what only the command line has left out"
    ) {
        Example e;
        Declarer declared;
        declare(declared, e);
        e.password = "s3cret";
        e.sync = Example::Sync::none;
        CHECK(
            print_yaml(declared, Printed::effective) ==
            "target: [all]\n"
            "server:\n"
            "  enabled: true\n"
            "  http_port: 8080\n"
            "  offset: -1\n"
            "  timeout: 2s\n"
            "store:\n"
            "  ratio: 0.5\n"
            "  size: 104857600\n"
            "  wal:\n"
            "    sync: none\n"
            "  dir: ./data\n"
            "  password: \"********\"\n"
        );
        CHECK(
            print_yaml(declared, Printed::diff) ==
            "store:\n  wal:\n    sync: none\n  password: \"********\"\n"
        );
        CHECK(print_yaml(declared, Printed::defaults).find("sync: interval") != std::string::npos);
        CHECK(print_yaml(declared, Printed::defaults).find("********") == std::string::npos);
    }

    TEST_CASE("what is printed reads back as it was") {
        for (const std::string_view text :
             {"",          " ",         "plain",        "yes",         "null",       "1",
              "-",         "a: b",      "# no comment", "it's",        "\"quoted\"", "back\\slash",
              "new\nline", "tab\there", "[x]",          "./x",         ".5",         ".inf",
              "1e3",       "0x1f",      "12:30",        "{x}",         "*a",         "&a",
              "!t",        "%d",        "@x",           "caf\xC3\xA9", "a,b",        "~"}) {
            CAPTURE(text);
            Example before;
            Declarer declared;
            declare(declared, before);
            before.dir = text;
            before.target = {std::string(text), "other"};
            before.timeout = std::chrono::milliseconds(90'061'001);

            Example after;
            Declarer read;
            declare(read, after);
            Findings findings;
            const auto root =
                parse_yaml(print_yaml(declared, Printed::effective), "printed", findings);
            REQUIRE(root);
            apply_yaml(*root, YamlPlace{.file = "printed"}, read, findings);
            REQUIRE_OK(findings.result());
            CHECK(after.dir == before.dir);
            CHECK(after.target == before.target);
            CHECK(after.timeout == before.timeout);
        }
    }

    TEST_CASE("nothing that differs prints an empty map") {
        Example e;
        Declarer declared;
        declare(declared, e);
        CHECK(print_yaml(declared, Printed::diff) == "{}\n");
    }

    TEST_CASE("-help shows the basic flags in order, -help-all all") {
        Example e;
        Declarer declared;
        declare(declared, e);
        const std::string help = print_help(declared, false);
        CHECK(
            help.find("  -server.http-port integer\n        Port. (default 8080, 1 to 65535)\n") !=
            std::string::npos
        );
        CHECK(
            help.find("  -store.wal.sync none|interval|always\n        Sync. (default interval)\n"
            ) != std::string::npos
        );
        CHECK(
            help.find("  -store.size bytes\n        Size. (default 100 MiB)\n") != std::string::npos
        );
        CHECK(help.find("  -verbose\n        Talk.\n") != std::string::npos);
        CHECK(help.find("-server.offset") == std::string::npos);
        CHECK(help.find("-help-all") != std::string::npos);
        CHECK(
            print_help(declared, true)
                .find("  -server.offset integer\n        [advanced] Offset. (default -1)\n") !=
            std::string::npos
        );
    }

    TEST_CASE("the page of settings has a table a section") {
        Example e;
        Declarer declared;
        declare(declared, e);
        const std::string page = print_markdown(declared);
        CHECK(page.find("## Command line only\n") != std::string::npos);
        CHECK(
            page.find("| `store.wal.sync` | `-store.wal.sync` | none\\|interval\\|always | "
                      "`interval` | Sync. Needs a restart of mimird. |\n") != std::string::npos
        );
        CHECK(page.find("\n## store\n") != std::string::npos);
    }
}

}  // namespace mimir::config
