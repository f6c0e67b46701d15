#include "http/refusal.hpp"

#include <nlohmann/json.hpp>

namespace mimir::http {
namespace {

/// errorType of Prometheus' API.
std::string_view error_type(int status) {
    switch (status) {
        case 404: return "not_found";
        case 500: return "internal";
        case 503: return "unavailable";
        default: return "bad_data";
    }
}

}  // namespace

Response word_refusal(const Refusal& refusal, const Request& request) {
    const std::string_view accept = request.headers.get("Accept").value_or("");
    if (accept.find("application/json") == std::string_view::npos) {
        return Response::text(refusal.status, refusal.message + "\n");
    }
    const nlohmann::ordered_json body = {
        {"status", "error"},
        {"errorType", error_type(refusal.status)},
        {"error", refusal.message},
    };
    using Json = nlohmann::ordered_json;
    return Response::json(
        refusal.status, body.dump(-1, ' ', false, Json::error_handler_t::replace)
    );
}

}  // namespace mimir::http
