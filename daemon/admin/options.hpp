#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/declarer.hpp"
#include "config/findings.hpp"

namespace mimir::admin {

/// The section `admin`: where the admin API listens, and who may use it.
struct Options {
    std::string socket;
    std::string socket_mode = "0660";
    std::string socket_group = "mimird";
    std::string change_group = "mimird-admin";
    std::string listen_address;
    std::string tls_cert_path;
    std::string tls_key_path;
    std::string tls_client_ca_path;
    std::string token_file;
    std::vector<std::string> allowed_hosts;
    std::uint32_t connections_limit = 256;
    bool public_page = true;
};

void declare(config::Declarer& d, Options& options);
void validate(const Options& options, config::Findings& findings);

/// Where the socket is when none is set: in $RUNTIME_DIRECTORY, which systemd gives to a unit; else
/// /run/mimird/admin.sock for root, else in $XDG_RUNTIME_DIR/mimird; of a process
/// that has a name (node.name), <name>.sock there. Empty when there is no such variable.
std::string default_socket(std::string_view process);

/// The bits of an octal mode such as "0660"; nothing when it is none.
std::optional<std::uint32_t> parse_mode(std::string_view text);

}  // namespace mimir::admin
