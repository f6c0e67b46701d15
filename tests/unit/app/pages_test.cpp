#include "app/pages.hpp"

#include "app/build_info.hpp"
#include "support/test_support.hpp"

namespace mimir::app {
namespace {

const TimestampMs kNow{1'700'000'000'000};

std::vector<modules::ModuleStatus> modules() {
    using std::chrono::seconds;
    return {
        {.name = "server",
         .state = modules::State::running,
         .since = kNow - seconds(90),
         .error = ""},
        {.name = "ingester",
         .state = modules::State::failed,
         .since = kNow - seconds(5),
         .error = "disk <full>"},
    };
}

}  // namespace

TEST_SUITE("app/pages") {
    TEST_CASE("services are shown by name with their state, and errors cannot break the page") {
        const std::string page = services_page(modules(), kNow);
        CHECK(
            page.find("<td>ingester</td><td class=\"Failed\">Failed</td>") <
            page.find("<td>server</td>")
        );
        CHECK(page.find("(1m30s ago)") != std::string::npos);
        CHECK(page.find("disk &lt;full&gt;") != std::string::npos);
    }

    TEST_CASE("services are JSON for those who ask") {
        CHECK(
            services_json(modules(), kNow) ==
            R"({"now":"2023-11-14T22:13:20Z","services":[)"
            R"({"name":"ingester","status":"Failed","since":"2023-11-14T22:13:15Z","error":"disk <full>"},)"
            R"({"name":"server","status":"Running","since":"2023-11-14T22:11:50Z"}]})"
        );
    }

    TEST_CASE("build information has Prometheus' envelope and Grafana's features") {
        const std::string json = buildinfo_json();
        CHECK(json.starts_with(R"({"status":"success","data":{"application":"mimird","version":")")
        );
        CHECK(json.find(R"("features":{"ruler_config_api":"false")") != std::string::npos);
        CHECK(version_text().starts_with("mimird, version "));
    }
}

}  // namespace mimir::app
