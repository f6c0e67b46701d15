#pragma once

#include "base/error.hpp"
#include "ctl/connection.hpp"

namespace mimir::ctl {

/// What is seen of a socket without asking anything.
enum class SocketState : std::uint8_t {
    answers,
    absent,
    not_permitted,
    not_a_socket,
    refuses,
    full
};
SocketState look_at(const http::Endpoint& endpoint);

/// True when it is sure that no process listens there: no socket, or one that refuses. A host may take some seconds.
bool nobody_listens(const http::Endpoint& endpoint);

/// Why a request got no answer, found out by looking at the socket: `error` is what the client saw.
Failure explain_unreachable(const Daemon& daemon, const Error& error);

}  // namespace mimir::ctl
