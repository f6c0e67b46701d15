#include "ctl/reachability.hpp"

#include <fmt/ranges.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mimir::ctl {
namespace {

/// What connecting says; 0 when it works.
int connect_error(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
    std::ranges::copy(path, address.sun_path);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return errno;
    const int status = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    const int error = status == 0 ? 0 : errno;
    ::close(fd);
    return error;
}

/// What connecting to one address says; 0 when it works or is not decided after a second.
int connect_error(const addrinfo& address) {
    const int fd = ::socket(
        address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol
    );
    if (fd < 0) return errno;
    int error = ::connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
        error = 0;
        socklen_t size = sizeof(error);
        if (::poll(&ready, 1, 1000) == 1) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    ::close(fd);
    return error;
}

/// True when every address of the host refuses.
bool tcp_refuses(const http::Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(endpoint.port);
    if (::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found) != 0) return false;
    bool refuses = true;
    for (const addrinfo* at = found; at != nullptr && refuses; at = at->ai_next)
        refuses = connect_error(*at) == ECONNREFUSED;
    ::freeaddrinfo(found);
    return refuses;
}

/// "group mimird (0660)" of a socket file, when it can be seen.
std::string owner_of(const std::string& path) {
    struct stat file{};
    if (::stat(path.c_str(), &file) != 0) return "";
    const group* owner = ::getgrgid(file.st_gid);
    const std::string name = owner == nullptr ? std::to_string(file.st_gid) : owner->gr_name;
    return name;
}

Failure unreachable(std::string why, std::string next_step) {
    return Failure{
        .exit_code = ExitCode::unreachable,
        .what = "mimird cannot be reached",
        .why = std::move(why),
        .next_steps = {std::move(next_step)},
    };
}

Failure absent(const Daemon& daemon) {
    if (daemon.looked_for.size() > 1) {
        return unreachable(
            fmt::format("there is no socket at {}", fmt::join(daemon.looked_for, ", nor at ")),
            "is mimird running? `--socket PATH` or MIMIRCTL_SOCKET says where it listens"
        );
    }
    return unreachable(
        fmt::format("there is no socket at {}", daemon.endpoint.unix_path),
        "is mimird running? `--socket PATH` or MIMIRCTL_SOCKET says where it listens"
    );
}

Failure not_permitted(const Daemon& daemon) {
    const std::string& path = daemon.endpoint.unix_path;
    const std::string group = owner_of(path);
    Failure failure{
        .exit_code = ExitCode::not_permitted,
        .what = "mimird cannot be asked",
        .why = fmt::format("{} may not be opened by this user", path),
    };
    failure.next_steps.push_back(
        group.empty()
            ? "run it with sudo, or as a member of the group that owns the folder of the socket"
            : fmt::format("run it with sudo, or as a member of group {}", group)
    );
    return failure;
}

}  // namespace

SocketState look_at(const http::Endpoint& endpoint) {
    if (endpoint.unix_path.empty()) return SocketState::answers;
    struct stat file{};
    if (::stat(endpoint.unix_path.c_str(), &file) != 0) {
        return errno == EACCES ? SocketState::not_permitted : SocketState::absent;
    }
    if (!S_ISSOCK(file.st_mode)) return SocketState::not_a_socket;
    switch (connect_error(endpoint.unix_path)) {
        case 0: return SocketState::answers;
        case EACCES:
        case EPERM: return SocketState::not_permitted;
        case EAGAIN: return SocketState::full;
        case ENOENT: return SocketState::absent;
        default: return SocketState::refuses;
    }
}

bool nobody_listens(const http::Endpoint& endpoint) {
    if (endpoint.unix_path.empty()) return tcp_refuses(endpoint);
    const SocketState state = look_at(endpoint);
    return state == SocketState::absent || state == SocketState::refuses;
}

Failure explain_unreachable(const Daemon& daemon, const Error& error) {
    const std::string& path = daemon.endpoint.unix_path;
    if (error.kind == ErrorKind::timeout) {
        return unreachable(
            fmt::format("{} took the request and gave no answer in time", daemon.name),
            "look at the daemon's log; try again"
        );
    }
    if (error.kind == ErrorKind::corrupt) {
        return unreachable(
            fmt::format("what listens at {} is not mimird: its answer is not HTTP", daemon.name),
            "`--socket PATH` or MIMIRCTL_SOCKET says where mimird listens"
        );
    }
    if (path.empty()) {
        Failure failure =
            unreachable(error.message, "is mimird running, and admin.listen_address set?");
        if (daemon.endpoint.tls) {
            failure.next_steps.emplace_back("--ca-file FILE names the CA of its certificate");
        }
        return failure;
    }
    switch (look_at(daemon.endpoint)) {
        case SocketState::absent: return absent(daemon);
        case SocketState::not_permitted: return not_permitted(daemon);
        case SocketState::not_a_socket:
            return unreachable(
                fmt::format("{} is not a socket", path),
                "`--socket PATH` or MIMIRCTL_SOCKET says where mimird listens"
            );
        case SocketState::refuses:
            return unreachable(
                fmt::format(
                    "nobody listens at {}: a daemon that has ended left the file behind", path
                ),
                "start mimird; it takes the file over"
            );
        case SocketState::full:
            return unreachable(
                fmt::format("{} has as many connections waiting as it can hold", path), "try again"
            );
        case SocketState::answers: break;
    }
    return unreachable(
        fmt::format("{} closed the connection without an answer", daemon.name),
        "it may have too many connections, or be ending; try again"
    );
}

}  // namespace mimir::ctl
