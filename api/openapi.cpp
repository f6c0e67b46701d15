#include "api/openapi.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "api/endpoints.hpp"
#include "api/problems.hpp"

namespace mimir::api {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json schema_of() {
    if constexpr (is_vector<T>) {
        return {{"type", "array"}, {"items", schema_of<typename T::value_type>()}};
    } else if constexpr (is_optional<T>) {
        return schema_of<typename T::value_type>();
    } else if constexpr (Described<T>) {
        return {{"$ref", "#/components/schemas/" + std::string(T::kSchema)}};
    } else if constexpr (std::is_enum_v<T>) {
        return {{"type", "string"}, {"enum", enum_names(T{})}};
    } else if constexpr (std::same_as<T, TimestampMs>) {
        return {{"type", "string"}, {"format", "date-time"}};
    } else if constexpr (std::same_as<T, std::string>) {
        return {{"type", "string"}};
    } else if constexpr (std::same_as<T, bool>) {
        return {{"type", "boolean"}};
    } else {
        return {{"type", "integer"}};
    }
}

/// The schema of a described type, under its name.
template <class T>
void add_schema(Json& schemas) {
    Json properties = Json::object();
    Json required = Json::array();
    T::fields([&](std::string_view name, auto member, std::string_view help) {
        using Field = std::remove_cvref_t<decltype(std::declval<T>().*member)>;
        Json property = schema_of<Field>();
        property["description"] = help;
        properties[std::string(name)] = std::move(property);
        if constexpr (!is_optional<Field>) required.push_back(name);
    });
    Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
    // What requests leave out has a default.
    const bool is_request = T::kSchema.ends_with("Request");
    if (!is_request) schema["required"] = std::move(required);
    schemas[std::string(T::kSchema)] = std::move(schema);
}

Json all_schemas() {
    Json schemas = Json::object();
    const auto add = [&]<class... T>() { (add_schema<T>(schemas), ...); };
    add.operator(
    )<ApiVersion,
      Status,
      Module,
      Target,
      TargetView,
      TargetRequest,
      ChangeRequest,
      ChangeResult,
      Operation,
      Step,
      Event,
      AuditEntry,
      ConfigView,
      ConfigCheckRequest,
      ConfigFindings,
      ConfigDiff,
      ConfigDifference,
      LogLevel,
      RingMember,
      Ring,
      ForgetRequest,
      MigrationReport,
      MigrationRequest,
      Process,
      DoctorCheck,
      Message,
      Problem>();
    return schemas;
}

Json reference(std::string_view schema, bool is_list) {
    Json one = {{"$ref", "#/components/schemas/" + std::string(schema)}};
    return is_list ? Json{{"type", "array"}, {"items", std::move(one)}} : one;
}

Json parameter(
    std::string_view name, std::string_view in, std::string_view help, std::string_view type
) {
    return {
        {"name", name},
        {"in", in},
        {"required", in == "path"},
        {"description", help},
        {"schema", {{"type", type}}}
    };
}

Json parameters_of(const Endpoint& endpoint) {
    Json list = Json::array();
    const std::size_t open = endpoint.path.find('{');
    if (open != std::string_view::npos) {
        const std::string_view name =
            endpoint.path.substr(open + 1, endpoint.path.find('}') - open - 1);
        list.push_back(
            parameter(name, "path", name == "id" ? "Of an operation." : "Of a module.", "string")
        );
    }
    for (const Parameter& query : endpoint.query) {
        list.push_back(parameter(query.name, "query", query.help, "string"));
    }
    if (endpoint.response == ChangeResult::kSchema) {
        list.push_back(parameter(
            "If-Match",
            "header",
            "Refuse when the daemon is at another revision than this ETag.",
            "string"
        ));
        list.push_back(parameter(
            "Idempotency-Key",
            "header",
            "Repeating the request with the same key returns the first result.",
            "string"
        ));
    }
    return list;
}

/// What every endpoint may answer besides its own problems.
constexpr std::string_view kCommonProblems[] = {
    "forwarded-by-browser",
    "host-unknown",
    "internal",
    "not-permitted",
    "token-missing",
    "unavailable"
};

Json responses_of(const Endpoint& endpoint) {
    Json ok = {{"description", endpoint.summary}};
    if (!endpoint.response.empty()) {
        const bool stream_only = endpoint.body == Body::ndjson && endpoint.id == kWatchOperation.id;
        if (!stream_only) {
            ok["content"]["application/json"]["schema"] =
                reference(endpoint.response, endpoint.response_is_list);
        }
        if (endpoint.body == Body::ndjson) {
            ok["content"]["application/x-ndjson"]["schema"] = reference(endpoint.response, false);
        }
    } else {
        ok["content"]["application/json"]["schema"] = Json::object();
    }
    Json responses = {{"200", ok}};
    if (endpoint.response == ChangeResult::kSchema) {
        responses["202"] = ok;
        responses["202"]["description"] =
            "Begun: the operation is in the body, its path in Location.";
    }
    std::map<std::uint32_t, std::string> codes;
    const auto add = [&](std::string_view code) {
        std::string& names = codes[find_problem_kind(code)->status];
        names += fmt::format("{}{}", names.empty() ? "" : ", ", code);
    };
    for (const std::string_view code : kCommonProblems) add(code);
    for (const std::string_view code : endpoint.problems) add(code);
    if (endpoint.role == Role::change) add("shutting-down");
    if (!endpoint.request.empty()) add("body-too-large");
    if (!endpoint.request.empty() || !endpoint.query.empty()) add("request-malformed");
    for (const auto& [status, names] : codes) {
        responses[std::to_string(status)] = {
            {"description", names},
            {"content",
             {{"application/problem+json", {{"schema", reference(Problem::kSchema, false)}}}}}
        };
    }
    return responses;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

Json operation_of(const Endpoint& endpoint) {
    Json operation = {
        {"operationId", endpoint.id},
        {"summary", endpoint.summary},
        {"x-role", to_string(endpoint.role)},
        {"parameters", parameters_of(endpoint)},
    };
    if (!endpoint.request.empty()) {
        operation["requestBody"]["content"]["application/json"]["schema"] =
            reference(endpoint.request, false);
    }
    operation["responses"] = responses_of(endpoint);
    return operation;
}

/// "string", "integer", "Step", "list of Step", "running|stopped".
std::string type_text(const Json& schema) {
    if (schema.contains("$ref")) {
        const std::string ref = schema["$ref"];
        return ref.substr(ref.rfind('/') + 1);
    }
    if (schema.contains("enum")) {
        std::string names;
        for (const std::string name : schema["enum"]) {
            names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
        }
        return names;
    }
    if (schema["type"] == "array") return "list of " + type_text(schema["items"]);
    if (schema.contains("format")) return "time";
    return schema["type"];
}

}  // namespace

std::string openapi_json(std::string_view version) {
    Json document = {
        {"openapi", "3.1.0"},
        {"info",
         {{"title", "mimird admin API"},
          {"version", version},
          {"description",
           "Operates a daemon: modules, target, operations, configuration. Served on a unix socket, and on TCP "
           "when asked."}}},
        {"paths", Json::object()},
    };
    for (const Endpoint* endpoint : endpoints()) {
        document["paths"][std::string(endpoint->path)][lower(to_string(endpoint->method))] =
            operation_of(*endpoint);
    }
    document["components"]["schemas"] = all_schemas();
    return document.dump(2);
}

std::string reference_markdown() {
    std::string out =
        "# The admin API\n\n"
        "Made from the declarations in `api/` (`make docs`). A running daemon serves the same as OpenAPI 3.1 at "
        "`/admin/v1/openapi.json`.\n\n"
        "    curl -s --unix-socket /run/mimird/admin.sock http://localhost/admin/v1/status\n\n"
        "- **Who calls** is known from the unix socket, as the kernel vouches; on TCP from the bearer token. `read` looks, "
        "`change` changes.\n"
        "- **No GET changes anything.** Requests that a browser sends for a page, and those for an unknown host, are "
        "refused.\n"
        "- **Changes** are written to journal and audit log before they have an effect. Those that take time answer 202 "
        "with an operation; `If-Match` binds them to a revision, `Idempotency-Key` makes repeating them safe.\n"
        "- **Errors** are `application/problem+json` with a stable code.\n\n"
        "## Endpoints\n\n| | role | takes | gives | |\n| --- | --- | --- | --- | --- |\n";
    const auto linked = [](std::string_view type, bool is_list) {
        return type.empty()
                   ? std::string()
                   : fmt::format("{}[{}](#{})", is_list ? "list of " : "", type, lower(type));
    };
    for (const Endpoint* endpoint : endpoints()) {
        out += fmt::format(
            "| `{} {}` | {} | {} | {} | {} |\n",
            to_string(endpoint->method),
            endpoint->path,
            to_string(endpoint->role),
            linked(endpoint->request, false),
            linked(endpoint->response, endpoint->response_is_list),
            endpoint->summary
        );
    }
    out += "\n## Query parameters\n\n| endpoint | parameter | |\n| --- | --- | --- |\n";
    for (const Endpoint* endpoint : endpoints()) {
        for (const Parameter& query : endpoint->query) {
            out += fmt::format("| `{}` | `{}` | {} |\n", endpoint->path, query.name, query.help);
        }
    }
    const Json schemas = all_schemas();
    for (const auto& [name, schema] : schemas.items()) {
        out += fmt::format("\n## {}\n\n| member | type | |\n| --- | --- | --- |\n", name);
        for (const auto& [member, property] : schema["properties"].items()) {
            out += fmt::format(
                "| `{}` | {} | {} |\n",
                member,
                type_text(property),
                property["description"].get<std::string>()
            );
        }
    }
    out +=
        "\n## Problem codes\n\n| code | status | exit code of mimirctl | what it means |\n| --- | --- | --- | --- |\n";
    for (const ProblemKind& kind : problem_kinds()) {
        out += fmt::format(
            "| `{}` | {} | {} | {}. {} |\n",
            kind.code,
            kind.status,
            static_cast<int>(kind.exit_code),
            kind.title,
            kind.explanation
        );
    }
    return out;
}

}  // namespace mimir::api
