#include "app/settings.hpp"

#include <cctype>

#include "app/load_settings.hpp"
#include "app/module_table.hpp"
#include "support/test_support.hpp"

namespace mimir::app {

TEST_SUITE("app/settings") {
    TEST_CASE("every setting says in sentences what it does") {
        const Loaded loaded;
        for (const config::Option& option : loaded.declared.options()) {
            CAPTURE(option.flag);
            CHECK(option.help.ends_with('.'));
            CHECK(std::isupper(static_cast<unsigned char>(option.help.front())) != 0);
            CHECK(option.help.find("  ") == std::string_view::npos);
        }
    }

    TEST_CASE("keys are spelled as in Mimir's YAML, flags with dashes") {
        const Loaded loaded;
        for (const config::Option& option : loaded.declared.options()) {
            CAPTURE(option.flag);
            CHECK(
                option.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") ==
                std::string_view::npos
            );
            CHECK(
                option.flag.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") ==
                std::string_view::npos
            );
        }
    }

    TEST_CASE("Mimir's flags have Mimir's names") {
        const Loaded loaded;
        for (const auto& [key, flag] :
             std::initializer_list<std::pair<std::string_view, std::string_view>>{
                 {"target", "target"},
                 {"multitenancy_enabled", "auth.multitenancy-enabled"},
                 {"server.http_listen_port", "server.http-listen-port"},
                 {"server.log_level", "log.level"},
                 {"limits.ingestion_rate", "distributor.ingestion-rate-limit"},
                 {"limits.max_global_series_per_user", "ingester.max-global-series-per-user"},
                 {"limits.max_fetched_chunks_per_query", "querier.max-fetched-chunks-per-query"},
                 {"runtime_config.period", "runtime-config.reload-period"},
                 {"blocks_storage.tsdb.dir", "blocks-storage.tsdb.dir"},
             }) {
            CAPTURE(key);
            const config::Option* option = loaded.declared.find_key(key);
            REQUIRE(option != nullptr);
            CHECK(option->flag == flag);
        }
    }

    TEST_CASE("settings that contradict each other are all named") {
        Settings settings;
        settings.no_auth_tenant = "a/b";
        settings.self_monitoring.tenant = "";
        settings.querier.timeout = std::chrono::minutes(3);
        config::Findings findings;
        validate(settings, findings);
        CHECK(findings.size() == 3);
        CHECK(
            findings.result().error().message.find(
                "querier.timeout: must be at most server.http_server_write_timeout, "
                "which is 2m; it is 3m"
            ) != std::string::npos
        );
        config::Findings none;
        validate(Settings{}, none);
        CHECK(none.empty());
    }

    TEST_CASE("the module table hangs together, and all is there") {
        Settings settings;
        const auto table = module_table(settings, nullptr);
        CHECK(table.check_targets({"all", "distributor"}).has_value());
        CHECK_FALSE(table.check_targets({"server"}).has_value());
        CHECK_FALSE(table.depends_on("all", "self-monitoring"));
        settings.self_monitoring.enabled = true;
        CHECK(module_table(settings, nullptr).depends_on("all", "self-monitoring"));
    }
}

}  // namespace mimir::app
