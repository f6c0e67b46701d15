// meta.json: whatever parses must be written so that it parses to the same.

#include "base/assert.hpp"
#include "tsdb/block/block_meta.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto meta = mimir::tsdb::parse_block_meta({reinterpret_cast<const char*>(data), size});
    if (!meta) return 0;
    const auto again = mimir::tsdb::parse_block_meta(mimir::tsdb::to_json(*meta));
    MIMIR_ASSERT(again.has_value() && *again == *meta, "what was parsed can be written");
    return 0;
}
