// Remote read requests: what is decoded reads back the same when it is encoded.

#include "base/assert.hpp"
#include "wire/remote_read.hpp"

using namespace mimir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto request =
        wire::decode_read_request(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!request) return 0;
    std::string body;
    wire::encode_read_request(*request, body);
    const auto again = wire::decode_read_request(body);
    MIMIR_ASSERT(again, "what is encoded can be decoded");
    MIMIR_ASSERT(again->queries.size() == request->queries.size(), "no query is lost");
    MIMIR_ASSERT(again->accepted == request->accepted, "no response type is lost");
    for (std::size_t i = 0; i < request->queries.size(); ++i) {
        MIMIR_ASSERT(again->queries[i].range == request->queries[i].range, "ranges stay");
        MIMIR_ASSERT(again->queries[i].matchers == request->queries[i].matchers, "matchers stay");
    }
    return 0;
}
