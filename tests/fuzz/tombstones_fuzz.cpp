// Tombstones, with the checksum made right, so that the entries are reached too.

#include "base/assert.hpp"
#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"
#include "tsdb/block/tombstones.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string file(reinterpret_cast<const char*>(data), size);
    static_cast<void>(mimir::tsdb::parse_tombstones(file));
    if (file.size() < 9) return 0;
    const std::string_view stones = std::string_view(file).substr(5, file.size() - 9);
    mimir::encoding::store_be(file.data() + file.size() - 4, mimir::encoding::crc32c(stones));
    const auto tombstones = mimir::tsdb::parse_tombstones(file);
    if (!tombstones) return 0;
    const auto again = mimir::tsdb::parse_tombstones(mimir::tsdb::encode(*tombstones));
    MIMIR_ASSERT(again.has_value() && *again == *tombstones, "what was parsed can be written");
    return 0;
}
