#include "app/identity.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "app/rings.hpp"
#include "http/client.hpp"

namespace mimir::app {
namespace {

constexpr std::string_view kUnixScheme = "unix://";

std::string host_name() {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    return host.data();
}

std::optional<InterfaceAddress> read_v4(const ifaddrs& entry) {
    const auto& address = *reinterpret_cast<const sockaddr_in*>(entry.ifa_addr);
    const std::uint32_t bits = ntohl(address.sin_addr.s_addr);
    constexpr std::uint32_t kLinkLocal = 0xA9FE;  // 169.254/16
    if (bits >> 16U == kLinkLocal) return {};
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    const bool is_private = bits >> 24U == 10 || bits >> 20U == 0xAC1 || bits >> 16U == 0xC0A8;
    return InterfaceAddress{entry.ifa_name, text.data(), is_private, false};
}

std::optional<InterfaceAddress> read_v6(const ifaddrs& entry) {
    const auto& address = *reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr)) return {};
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    const bool is_private = (address.sin6_addr.s6_addr[0] & 0xFEU) == 0xFC;
    return InterfaceAddress{entry.ifa_name, text.data(), is_private, true};
}

/// Private before public, IPv4 before IPv6, interfaces in the order in which they were named.
const InterfaceAddress* best_of(
    const std::vector<InterfaceAddress>& addresses, const std::vector<std::string>& interfaces
) {
    const InterfaceAddress* best = nullptr;
    const auto rank = [&](const InterfaceAddress& one) {
        const auto named = std::ranges::find(interfaces, one.interface) - interfaces.begin();
        return std::tuple(named, !one.is_private, one.is_v6);
    };
    for (const InterfaceAddress& one : addresses) {
        const bool may =
            interfaces.empty() || std::ranges::find(interfaces, one.interface) != interfaces.end();
        if (may && (best == nullptr || rank(one) < rank(*best))) best = &one;
    }
    return best;
}

std::string with_port(const std::string& host, std::uint16_t port) {
    return http::Endpoint{.host = host, .port = port}.authority();
}

/// "host:9095" of "host"; what has a port keeps it.
std::string complete(const std::string& address, std::uint16_t port) {
    if (address.starts_with('[')) {
        return address.ends_with(']') ? fmt::format("{}:{}", address, port) : address;
    }
    const auto colons = std::ranges::count(address, ':');
    return colons == 1 ? address : with_port(address, port);
}

Result<InterfaceAddress> pick(
    const std::vector<InterfaceAddress>& addresses,
    const std::vector<std::string>& interfaces,
    std::string_view setting_of_address
) {
    if (const InterfaceAddress* best = best_of(addresses, interfaces)) return *best;
    return fail(
        ErrorKind::invalid,
        "rings are shared over etcd, so others must reach this process, but {} has an address that "
        "could be used: set {}",
        interfaces.empty() ? std::string("no interface but the loopback")
                           : fmt::format("none of the interfaces {}", fmt::join(interfaces, ", ")),
        setting_of_address
    );
}

/// The address of each ring that names interfaces of its own.
Result<std::map<std::string, InterfaceAddress, std::less<>>> pick_for_rings(
    const Settings& settings, const std::vector<InterfaceAddress>& addresses
) {
    std::map<std::string, InterfaceAddress, std::less<>> picked;
    for (const RingRow& row : ring_rows()) {
        const ring::RingSettings& own = row.settings(settings);
        if (own.instance_interface_names.empty() || !own.instance_addr.empty()) continue;
        if (ring_store(settings, row).store != kv::StoreKind::etcd) continue;
        const std::string setting = ring_section(row) + ".instance_addr";
        MIMIR_TRY(auto best, pick(addresses, own.instance_interface_names, setting));
        picked.emplace(row.component, std::move(best));
    }
    return picked;
}

}  // namespace

std::string describe(const InterfaceAddress& picked, std::string_view setting_of_address) {
    return fmt::format(
        "the {} address of interface {}; {} would set another",
        picked.is_private ? "first private" : "first",
        picked.interface,
        setting_of_address
    );
}

std::vector<InterfaceAddress> interface_addresses() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
    std::vector<InterfaceAddress> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr) continue;
        const bool usable =
            (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_LOOPBACK) == 0;
        if (!usable) continue;
        std::optional<InterfaceAddress> one;
        if (entry->ifa_addr->sa_family == AF_INET) one = read_v4(*entry);
        if (entry->ifa_addr->sa_family == AF_INET6) one = read_v6(*entry);
        if (one) found.push_back(*std::move(one));
    }
    return found;
}

Result<ProcessIdentity> identify(
    const Settings& settings, const std::vector<InterfaceAddress>& addresses
) {
    const CommonOptions& common = settings.common;
    const std::uint16_t port = settings.server.internal_listen_port;
    const std::string& name = settings.node.name;

    ProcessIdentity process;
    MIMIR_TRY(process.ring_interfaces, pick_for_rings(settings, addresses));
    ring::Identity& self = process.identity;
    self.zone = common.instance_availability_zone;
    self.id = !common.instance_id.empty() ? common.instance_id
              : name.empty()              ? host_name()
                                          : fmt::format("{}-{}", host_name(), name);

    std::error_code error;
    const auto state_dir = std::filesystem::absolute(settings.node.state_dir, error);
    const std::string socket =
        (state_dir / "rpc" / ((name.empty() ? "primary" : name) + ".sock")).lexically_normal();
    if (socket.size() < sizeof(sockaddr_un::sun_path)) process.socket = socket;

    if (!common.instance_addr.empty()) {
        const bool is_unix = common.instance_addr.starts_with(kUnixScheme);
        self.address = is_unix ? common.instance_addr : complete(common.instance_addr, port);
        process.address_from = "common.instance_addr";
        process.listens_on_tcp = !is_unix;
        if (is_unix) process.socket = common.instance_addr.substr(kUnixScheme.size());
        return process;
    }
    if (!settings.uses_etcd()) {
        if (!process.socket.empty()) {
            self.address = std::string(kUnixScheme) + process.socket;
            process.address_from = "the socket in the state folder; no ring is shared over etcd";
        } else {
            self.address = with_port("127.0.0.1", port);
            process.address_from =
                "the loopback; no ring is shared over etcd, and the path of a socket in the state "
                "folder would be longer than the system allows";
            process.listens_on_tcp = true;
        }
        return process;
    }
    process.listens_on_tcp = true;
    constexpr std::string_view kSetting = "common.instance_addr";
    MIMIR_TRY(const auto best, pick(addresses, common.instance_interface_names, kSetting));
    self.address = with_port(best.address, port);
    process.address_from = describe(best, kSetting);
    return process;
}

}  // namespace mimir::app
