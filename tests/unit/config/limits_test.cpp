#include "config/limits.hpp"

#include "config/runtime_config.hpp"
#include "support/test_support.hpp"

namespace mimir::config {
namespace {

Result<LimitsOverrides> parse(const std::vector<NamedText>& files, const Limits& defaults = {}) {
    return parse_overrides(files, defaults);
}

}  // namespace

TEST_SUITE("config/limits") {
    TEST_CASE("a tenant has the configured defaults but for what it overrides") {
        Limits defaults;
        defaults.max_label_names_per_series = 40;
        const auto overrides = parse(
            {{"r.yaml",
              "overrides:\n  team-a:\n    ingestion_rate: 5\n    creation_grace_period: 1h\n  "
              "team-b:\n"}},
            defaults
        );
        REQUIRE_OK(overrides);
        LimitsProvider limits(defaults);
        limits.replace_overrides(*overrides);
        CHECK(limits.of("team-a")->ingestion_rate == 5);
        CHECK(limits.of("team-a")->creation_grace_period == std::chrono::hours(1));
        CHECK(limits.of("team-a")->max_label_names_per_series == 40);
        CHECK(*limits.of("team-b") == defaults);
        CHECK(*limits.of("nobody") == defaults);
    }

    TEST_CASE("who holds limits keeps them through a reload") {
        LimitsProvider limits(Limits{});
        limits.replace_overrides(*parse({{"r", "overrides: {a: {ingestion_rate: 5}}"}}));
        const auto held = limits.of("a");
        limits.replace_overrides({});
        CHECK(held->ingestion_rate == 5);
        CHECK(limits.of("a")->ingestion_rate == 10'000);
    }

    TEST_CASE("of several files the later wins, limit by limit") {
        const auto overrides = parse({
            {"1", "overrides: {a: {ingestion_rate: 1, ingestion_burst_size: 2}}"},
            {"2", "overrides: {a: {ingestion_rate: 3}, b: {ingestion_rate: 4}}"},
        });
        REQUIRE_OK(overrides);
        CHECK(overrides->at("a")->ingestion_rate == 3);
        CHECK(overrides->at("a")->ingestion_burst_size == 2);
        CHECK(overrides->at("b")->ingestion_rate == 4);
    }

    TEST_CASE("an empty file overrides nothing") {
        for (const std::string text : {"", "{}", "overrides:", "overrides: {}"}) {
            CAPTURE(text);
            const auto overrides = parse({{"r", text}});
            REQUIRE_OK(overrides);
            CHECK(overrides->empty());
        }
    }

    TEST_CASE("what is wrong is said with file, line, tenant and limit") {
        struct Case {
            std::string text;
            std::string_view findings;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"overrides:\n  a:\n    ingestion_rat: 5\n",
                  "r.yaml:3: overrides.a.ingestion_rat: unknown key; did you mean "
                  "\"ingestion_rate\"?"},
                 {"overrides:\n  a:\n    ingestion_rate: fast\n    max_query_lookback: 5\n",
                  "r.yaml:3: overrides.a.ingestion_rate: expected a number, not \"fast\"\n"
                  "r.yaml:4: overrides.a.max_query_lookback: expected a duration such as 30s, "
                  "1h30m or 7d, not \"5\""},
                 {"override: {}\n",
                  "r.yaml:1: unknown key \"override\"; the one known key is \"overrides\""},
                 {"overrides: [a]\n",
                  "r.yaml:1: expected tenants below \"overrides\", each with its limits"},
                 {"overrides: {a: 5}\n",
                  "r.yaml:1: overrides.a: expected a section with keys below it"},
                 {"5\n", "r.yaml:1: expected the section \"overrides\""},
             }) {
            CAPTURE(c.text);
            const auto overrides = parse({{"r.yaml", c.text}});
            REQUIRE_FALSE(overrides.has_value());
            CHECK(overrides.error().message == c.findings);
        }
    }

    TEST_CASE("overrides are printed with all limits, or with those that differ") {
        const auto overrides = parse({{"r", "overrides: {a: {ingestion_rate: 5}, \"1\": {}}"}});
        REQUIRE_OK(overrides);
        CHECK(
            print_overrides(*overrides, Limits{}, true) ==
            "overrides:\n  \"1\":\n  a:\n    ingestion_rate: 5\n"
        );
        const std::string all = print_overrides(*overrides, Limits{}, false);
        CHECK(
            all.find("    ingestion_rate: 5\n    ingestion_burst_size: 200000\n") !=
            std::string::npos
        );
        CHECK(parse({{"printed", all}}).has_value());
        CHECK(print_overrides({}, Limits{}, true) == "overrides: {}\n");
    }

    TEST_CASE("every limit may be overridden, and lies under limits in YAML") {
        Limits limits;
        Declarer declared;
        declare(declared, limits);
        CHECK(declared.options().size() > 20);
        for (const Option& option : declared.options()) {
            CAPTURE(option.key);
            CHECK(option.key.starts_with("limits."));
            CHECK(option.per_tenant);
        }
    }
}

}  // namespace mimir::config
