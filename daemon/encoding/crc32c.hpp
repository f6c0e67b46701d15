#pragma once

#include <cstdint>
#include <string_view>

namespace mimir::encoding {

/// CRC-32 with the Castagnoli polynomial (reflected 0x82F63B78), as in every format of Prometheus.
/// `seed` is the checksum of what came before, for data in pieces.
std::uint32_t crc32c(std::string_view data, std::uint32_t seed = 0);

}  // namespace mimir::encoding
