#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "kv/options.hpp"
#include "ring/lifecycler.hpp"
#include "ring/ring_view.hpp"

namespace mimir::ring {

/// What the configuration says of one component's ring.
struct RingSettings {
    kv::OwnOptions kvstore;
    std::chrono::milliseconds heartbeat_period = std::chrono::seconds(15);
    std::chrono::milliseconds heartbeat_timeout = std::chrono::minutes(1);
    /// Empty, 0: as the process' identity says.
    std::string instance_id;
    std::string instance_addr;
    std::uint16_t instance_port = 0;
    std::vector<std::string> instance_interface_names;
    std::string instance_availability_zone;

    // Of rings with tokens.
    std::size_t num_tokens = 512;
    std::string tokens_file_path;
    /// 0: as replication_factor() says.
    std::size_t replication_factor = 0;
    bool zone_awareness_enabled = false;
    std::vector<std::string> excluded_zones;
    bool unregister_on_shutdown = true;
    std::chrono::milliseconds min_ready_duration{0};
    std::chrono::milliseconds observe_period{0};
    std::chrono::milliseconds final_sleep{0};
};

/// Which part of it a component has.
enum class RingKind : std::uint8_t {
    membership,  ///< Its members only say that they are there.
    tokens,      ///< They have tokens, and share the work by them.
};

/// Declares `<section>.kvstore.store`, `<section>.heartbeat_period`, ... with Mimir's flags,
/// `<flag_prefix>.heartbeat-period`, ...: section "ingester.ring" has the prefix "ingester.ring".
void declare(
    config::Declarer& d,
    RingSettings& o,
    std::string_view section,
    std::string_view flag_prefix,
    RingKind kind
);
void validate(const RingSettings& o, std::string_view section, config::Findings& findings);

/// How many copies of each series a ring in this store has: what the settings say, else three where
/// many hosts share etcd, and one where all is on one host.
std::size_t replication_factor(const RingSettings& settings, kv::StoreKind store);

/// Of the ring as such; who reads it adds its own_instance_id and expects_peers.
RingOptions ring_options(const RingSettings& settings, kv::StoreKind store);

}  // namespace mimir::ring
