#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/server.hpp"

namespace mimir::app {

/// A TCP socket that already listens, which systemd passed to this process with that FileDescriptorName= of its socket
/// unit. What is returned is a duplicate, so that the socket stays open between two servers that use it one after the
/// other. Nothing when there is none of this name and port.
std::optional<http::InheritedSocket> inherited_socket(std::string_view name, std::uint16_t port);

}  // namespace mimir::app
