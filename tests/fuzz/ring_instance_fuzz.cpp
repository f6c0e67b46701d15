// Members of a ring, as any process of the cluster may have written them.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "ring/instance.hpp"

using namespace mimir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto instance = ring::decode_instance(bytes);
    if (!instance) {
        MIMIR_ASSERT(instance.error().kind == ErrorKind::corrupt, "what can't be read is corrupt");
        return 0;
    }
    MIMIR_ASSERT(
        std::ranges::adjacent_find(instance->tokens, std::greater_equal<>()) ==
            instance->tokens.end(),
        "tokens are sorted and unique"
    );
    const auto again = ring::decode_instance(encode(*instance));
    MIMIR_ASSERT(again && *again == *instance, "an instance survives being written and read");
    return 0;
}
