#pragma once

#include <string>
#include <string_view>

namespace mimir::api {

/// The OpenAPI 3.1 document of all endpoints, as JSON.
std::string openapi_json(std::string_view version);

/// docs/admin-api.md: endpoints, types and problem codes in Markdown.
std::string reference_markdown();

}  // namespace mimir::api
