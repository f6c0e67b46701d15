#include "http/detail/listener.hpp"

#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace mimir::http::detail {
namespace {

constexpr int kBacklog = 4096;  // the kernel takes the lesser of this and net.core.somaxconn

/// Of 16 KiB each: a peer that sends for ever is not listened to for ever.
constexpr int kDropReadsMax = 16;

std::string reason(int error) { return std::system_category().message(error); }

tl::unexpected<Error> fail_errno(int error, std::string_view doing) {
    const ErrorKind kind = error == EADDRINUSE ? ErrorKind::conflict : ErrorKind::internal;
    return fail(kind, "{}: {}", doing, reason(error));
}

/// The sockets API has one type for the addresses of every family.
template <class Address>
sockaddr* generic(Address& address) {
    return reinterpret_cast<sockaddr*>(&address);
}

void set_option(int fd, int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
}

Result<sockaddr_un> unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return fail(
            ErrorKind::invalid,
            "a unix socket's path has 1 to {} bytes: \"{}\"",
            sizeof address.sun_path - 1,
            path
        );
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

/// Removes a socket file that nobody listens on.
Result<void> remove_stale(const std::string& path, sockaddr_un address) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return {};
    if (!S_ISSOCK(info.st_mode)) {
        return fail(
            ErrorKind::conflict, "listening on {}: a file is there that is no socket", path
        );
    }
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno != ECONNREFUSED) {
        return fail(ErrorKind::conflict, "listening on {}: another process does", path);
    }
    ::unlink(path.c_str());
    return {};
}

Result<gid_t> group_id(const std::string& name) {
    const group* found = ::getgrnam(name.c_str());
    if (found == nullptr) return fail(ErrorKind::invalid, "there is no group \"{}\"", name);
    return found->gr_gid;
}

std::uint16_t port_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    }
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

/// Host in figures and port: "[::1]:80".
std::string to_text(sockaddr_storage& address, socklen_t size) {
    char host[NI_MAXHOST] = {};
    char port[NI_MAXSERV] = {};
    constexpr int kFigures = NI_NUMERICHOST | NI_NUMERICSERV;
    ::getnameinfo(generic(address), size, host, sizeof host, port, sizeof port, kFigures);
    return address.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port)
                                         : fmt::format("{}:{}", host, port);
}

Peer peer_of(int fd, sockaddr_storage& address, socklen_t size) {
    if (address.ss_family != AF_UNIX) return {.address = to_text(address, size)};
    ucred credentials{};
    socklen_t bytes = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) {
        return {.address = "@"};
    }
    return {
        .address = "@",
        .credentials = Peer::Credentials{credentials.uid, credentials.gid, credentials.pid}
    };
}

Result<Descriptor> listen_on(const addrinfo& info, std::uint16_t port, std::string_view doing) {
    Descriptor fd(::socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return fail_errno(errno, doing);
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (info.ai_family == AF_INET6) {
        // "::" takes IPv4 as well, as everybody who writes ":8080" expects.
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    sockaddr_storage address{};
    std::memcpy(&address, info.ai_addr, info.ai_addrlen);
    auto& port_field = info.ai_family == AF_INET
                           ? reinterpret_cast<sockaddr_in&>(address).sin_port
                           : reinterpret_cast<sockaddr_in6&>(address).sin6_port;
    port_field = htons(port);
    if (::bind(fd.get(), generic(address), info.ai_addrlen) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
        return fail_errno(errno, doing);
    }
    return fd;
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

void dismiss(int socket, std::string_view words) {
    ::send(socket, words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(socket, SHUT_WR);
    std::array<char, 16 << 10> dropped;
    for (int reads = 0; reads < kDropReadsMax; ++reads) {
        if (::recv(socket, dropped.data(), dropped.size(), MSG_DONTWAIT) <= 0) return;
    }
}

Listener::Listener(Descriptor socket, ListenAddress address)
    : socket_(std::move(socket)), address_(std::move(address)) {}

Listener::~Listener() {
    const auto* unix = std::get_if<UnixAddress>(&address_);
    if (socket_.get() < 0 || unix == nullptr) return;
    struct stat info{};
    if (::lstat(unix->path.c_str(), &info) == 0 && info.st_ino == file_) {
        ::unlink(unix->path.c_str());
    }
}

const TlsServerContext* Listener::tls() const {
    const auto* tcp = std::get_if<TcpAddress>(&address_);
    return tcp == nullptr ? nullptr : tcp->tls.get();
}

Result<std::vector<Listener>> Listener::open(const ListenAddress& address) {
    if (const auto* tcp = std::get_if<TcpAddress>(&address)) return open_tcp(*tcp);
    std::vector<Listener> listeners;
    if (const auto* unix = std::get_if<UnixAddress>(&address)) {
        MIMIR_TRY(auto bound, open_unix(*unix));
        listeners.push_back(std::move(bound));
    } else {
        MIMIR_TRY(auto adopted, adopt(std::get<InheritedSocket>(address)));
        listeners.push_back(std::move(adopted));
    }
    return listeners;
}

Result<std::vector<Listener>> Listener::open_tcp(const TcpAddress& address) {
    const std::string doing = fmt::format("listening on {}:{}", address.host, address.port);
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const bool any = address.host.empty();
    const char* host = any ? "::" : address.host.c_str();
    if (const int error = ::getaddrinfo(host, nullptr, &hints, &found); error != 0) {
        return fail(ErrorKind::invalid, "{}: {}", doing, ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);

    std::vector<Listener> listeners;
    std::uint16_t port = address.port;
    for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
        MIMIR_TRY(auto socket, listen_on(*info, port, doing));
        sockaddr_storage bound{};
        socklen_t size = sizeof bound;
        ::getsockname(socket.get(), generic(bound), &size);
        port = port_of(bound);  // a name's other addresses get the port that the first one got
        listeners.push_back(Listener(std::move(socket), TcpAddress{address.host, port, address.tls})
        );
    }
    return listeners;
}

Result<Listener> Listener::open_unix(const UnixAddress& address) {
    const std::string doing = fmt::format("listening on {}", address.path);
    MIMIR_TRY(auto name, unix_address(address.path));
    MIMIR_TRY(remove_stale(address.path, name));
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) return fail_errno(errno, doing);
    // Closed to all until its group is set: the file takes its mode from the socket's.
    ::fchmod(fd.get(), 0600);
    if (::bind(fd.get(), generic(name), sizeof name) != 0) return fail_errno(errno, doing);
    Listener listener(std::move(fd), address);
    struct stat info{};
    if (::lstat(address.path.c_str(), &info) != 0) return fail_errno(errno, doing);
    listener.file_ = info.st_ino;
    if (!address.group.empty()) {
        MIMIR_TRY(const gid_t group, with_context(group_id(address.group), doing));
        // A file that has it anyway is left alone: a sandbox may forbid chown to everybody.
        const bool has_it = info.st_gid == group;
        if (!has_it && ::chown(address.path.c_str(), static_cast<uid_t>(-1), group) != 0) {
            return fail_errno(errno, doing);
        }
    }
    if (::chmod(address.path.c_str(), address.mode) != 0 ||
        ::listen(listener.descriptor(), kBacklog) != 0) {
        return fail_errno(errno, doing);
    }
    return listener;
}

Result<Listener> Listener::adopt(const InheritedSocket& socket) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(socket.descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
        listening == 0) {
        return fail(ErrorKind::invalid, "descriptor {} is no listening socket", socket.descriptor);
    }
    const int flags = ::fcntl(socket.descriptor, F_GETFL);
    ::fcntl(socket.descriptor, F_SETFL, flags | O_NONBLOCK);
    ::fcntl(socket.descriptor, F_SETFD, FD_CLOEXEC);
    return Listener(Descriptor(socket.descriptor), socket);
}

Result<Listener::Accepted> Listener::accept() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor fd(::accept4(socket_.get(), generic(address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() < 0) {
        switch (errno) {
            case EAGAIN:
            case EINTR:
            case ECONNABORTED: return fail(ErrorKind::not_found, "nobody waits");
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM: return fail(ErrorKind::unavailable, "accept: {}", reason(errno));
            default: return fail(ErrorKind::internal, "accept: {}", reason(errno));
        }
    }
    if (address.ss_family != AF_UNIX) {
        set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
        set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    Peer peer = peer_of(fd.get(), address, size);
    return Accepted{std::move(fd), address.ss_family, std::move(peer)};
}

}  // namespace mimir::http::detail
