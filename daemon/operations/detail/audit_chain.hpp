#pragma once

#include <array>
#include <cstdint>

#include "api/types.hpp"

namespace mimir::operations::detail {

/// SHA-256.
using AuditHash = std::array<std::uint8_t, 32>;

/// The hash of an entry that follows one of hash `before` (zeros for the first): over `before` and every field of the
/// entry but its own hash, encoded as docs/formats/journal.md says.
AuditHash chain(const AuditHash& before, const api::AuditEntry& entry);

/// Lower-case hexadecimal.
std::string to_hex(const AuditHash& hash);

}  // namespace mimir::operations::detail
