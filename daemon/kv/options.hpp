#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/declarer.hpp"
#include "config/findings.hpp"

namespace mimir::kv {

enum class StoreKind : std::uint8_t { inmemory, sqlite, etcd };

struct EtcdOptions {
    /// "http://10.0.0.1:2379"; tried in turn. Without a scheme: https when TLS is enabled.
    std::vector<std::string> endpoints;
    std::string username;
    std::string password;
    bool tls_enabled = false;
    /// PEM files. Empty CA: the system's; empty certificate: none is shown.
    std::string tls_ca_path;
    std::string tls_cert_path;
    std::string tls_key_path;
    std::string tls_server_name;
    bool tls_insecure_skip_verify = false;
    std::chrono::milliseconds dial_timeout = std::chrono::seconds(10);
    /// Of one call, all attempts together.
    std::chrono::milliseconds request_timeout = std::chrono::seconds(10);

    bool operator==(const EtcdOptions&) const = default;
};

/// Where shared state is. Two equal ones are one store.
struct Options {
    StoreKind store = StoreKind::sqlite;
    /// Before every key.
    std::string prefix = "collectors/";
    EtcdOptions etcd;

    bool operator==(const Options&) const = default;
};

/// `common.kvstore.*`: the default for every ring.
void declare_common(config::Declarer& d, Options& o);

/// What one ring says of its own store; empty takes the common one.
struct OwnOptions {
    /// "", "inmemory", "sqlite" or "etcd".
    std::string store;
    std::string prefix;
    std::vector<std::string> etcd_endpoints;
};

/// `<section>.kvstore.store`, `.prefix` and `.etcd.endpoints`, and as flags `<flag_prefix>.store` and
/// so on: "ingester.ring" for both.
void declare_own(
    config::Declarer& d, OwnOptions& o, std::string_view section, std::string_view flag_prefix
);

/// The ring's store, with the common one's settings where it says nothing.
Options merge(const Options& common, const OwnOptions& own);

/// `section` is where the settings stand: "common.kvstore". Files are read by create() only.
void validate(const Options& o, std::string_view section, config::Findings& findings);
/// What the ring says, and what becomes of it with the common settings. `section` as "ingester.ring".
void validate(
    const Options& common,
    const OwnOptions& own,
    std::string_view section,
    config::Findings& findings
);

/// "sqlite"
std::string_view to_string(StoreKind kind);

}  // namespace mimir::kv
