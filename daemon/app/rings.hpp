#pragma once

// Which rings there are, and what the settings say of each.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "app/identity.hpp"
#include "app/settings.hpp"
#include "ring/identity.hpp"
#include "ring/options.hpp"

namespace mimir::app {

/// A component's ring. The ring's module is "<component>-ring", its page "/<component>/ring".
struct RingRow {
    std::string_view component;
    ring::RingKind kind;
    const ring::RingSettings& (*settings)(const Settings&);
};

inline constexpr std::size_t kRingCount = 5;
std::span<const RingRow, kRingCount> ring_rows();
const RingRow& ring_row(std::string_view component);

/// "ingester-ring"
std::string ring_module(std::string_view component);

/// "ingester.ring"
std::string ring_section(const RingRow& row);

/// Where the ring is kept, with the common settings where it says nothing.
kv::Options ring_store(const Settings& settings, const RingRow& row);

/// Who a process is in one ring, and how its address there was found.
struct RingIdentity {
    ring::Identity identity;
    std::string address_from;
};

/// The ring's own settings win over the process' identity.
RingIdentity ring_identity(
    const Settings& settings, const RingRow& row, const ProcessIdentity& process
);

/// Copies of each series that this cluster keeps.
std::size_t replication_factor(const Settings& settings);

}  // namespace mimir::app
