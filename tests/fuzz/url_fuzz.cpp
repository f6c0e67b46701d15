// Queries, forms, path patterns and endpoints from outside.

#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "http/client.hpp"
#include "http/detail/pattern.hpp"
#include "http/url.hpp"

using namespace mimir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);

    MIMIR_ASSERT(
        http::percent_decode(http::percent_encode(text)) == std::string(text),
        "what is encoded decodes to itself"
    );
    if (const auto parameters = http::Parameters::parse(text)) {
        const auto again = http::Parameters::parse(parameters->encode());
        MIMIR_ASSERT(again, "what we encode is valid");
        MIMIR_ASSERT(
            std::equal(parameters->begin(), parameters->end(), again->begin(), again->end()),
            "a form survives being written and read"
        );
    }
    static const http::detail::Pattern pattern("/api/{name}/values/{rest...}");
    http::Parameters found;
    if (!pattern.match(text, found)) MIMIR_ASSERT(found.empty(), "no match leaves no traces");

    if (const auto endpoint = http::Endpoint::parse(text)) {
        const auto again = http::Endpoint::parse(endpoint->to_string());
        MIMIR_ASSERT(
            again && again->to_string() == endpoint->to_string(), "an endpoint reads what it writes"
        );
    }
    return 0;
}
