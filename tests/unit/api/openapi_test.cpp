#include "api/openapi.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "api/endpoints.hpp"
#include "api/problems.hpp"
#include "support/test_support.hpp"

namespace mimir::api {
namespace {

void collect_references(const nlohmann::json& value, std::set<std::string>& found) {
    if (value.is_object() && value.contains("$ref")) found.insert(value["$ref"].get<std::string>());
    if (value.is_structured()) {
        for (const auto& part : value) collect_references(part, found);
    }
}

}  // namespace

TEST_SUITE("api/openapi") {
    TEST_CASE("every endpoint is in the document, and every reference leads somewhere") {
        const auto document = nlohmann::json::parse(openapi_json("1.2.3"));
        CHECK(document["info"]["version"] == "1.2.3");
        std::size_t operations = 0;
        for (const auto& path : document["paths"]) operations += path.size();
        CHECK(operations == endpoints().size());
        std::set<std::string> references;
        collect_references(document, references);
        CHECK(references.size() > 10);
        for (const std::string& reference : references) {
            CAPTURE(reference);
            CHECK(document.contains(nlohmann::json::json_pointer(reference.substr(1))));
        }
    }

    TEST_CASE("endpoints are unique, change nothing by GET, and their problems are in the catalogue"
    ) {
        std::set<std::string_view> ids;
        std::set<std::pair<Method, std::string_view>> places;
        for (const Endpoint* endpoint : endpoints()) {
            CAPTURE(endpoint->id);
            CHECK(ids.insert(endpoint->id).second);
            CHECK(places.emplace(endpoint->method, endpoint->path).second);
            CHECK_FALSE((endpoint->role == Role::change && endpoint->method == Method::get));
            CHECK_FALSE((endpoint->is_public && endpoint->method != Method::get));
            for (const std::string_view code : endpoint->problems) CHECK(find_problem_kind(code));
        }
    }

    TEST_CASE("the reference page names every endpoint and every problem") {
        const std::string page = reference_markdown();
        for (const Endpoint* endpoint : endpoints()) {
            CHECK(
                page.find(fmt::format("`{} {}`", to_string(endpoint->method), endpoint->path)) !=
                std::string::npos
            );
        }
        for (const ProblemKind& kind : problem_kinds()) {
            CHECK(page.find(fmt::format("| `{}` |", kind.code)) != std::string::npos);
        }
    }
}

}  // namespace mimir::api
