#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.hpp"
#include "base/result.hpp"
#include "ring/identity.hpp"

namespace mimir::app {

/// A network address of this host.
struct InterfaceAddress {
    std::string interface;
    std::string address;
    /// Of the networks that are not routed on the internet (RFC 1918, RFC 4193).
    bool is_private = false;
    bool is_v6 = false;
};

/// Those of interfaces that are up, without the loopback and link-local ones.
std::vector<InterfaceAddress> interface_addresses();

/// Who this process is to others, and how that was found: nothing is guessed silently.
struct ProcessIdentity {
    ring::Identity identity;
    /// For people: "the unix socket of the state folder; no ring is shared over etcd".
    std::string address_from;
    /// The internal listener's socket file; empty when its path is longer than the kernel takes.
    std::string socket;
    /// Whether the internal listener listens on TCP too.
    bool listens_on_tcp = false;
    /// Of rings shared over etcd whose settings name interfaces, by component: the address there.
    std::map<std::string, InterfaceAddress, std::less<>> ring_interfaces;
};

/// For people: how that address was found, and which setting would set another.
std::string describe(const InterfaceAddress& picked, std::string_view setting_of_address);

/// Errors: invalid, when others could not reach this process: no address can be picked, or none of
///         an interface that was named.
Result<ProcessIdentity> identify(
    const Settings& settings, const std::vector<InterfaceAddress>& addresses
);

}  // namespace mimir::app
