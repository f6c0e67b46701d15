#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "http/server.hpp"

namespace mimir::http::detail {

/// A file descriptor that is closed with its owner.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

  private:
    int fd_;
};

/// Says the last words on a connected socket, as far as it takes them at once, so that its owner
/// can close it: what the peer has sent is read and dropped, or closing would reset the connection
/// and the words might be lost on the way.
void dismiss(int socket, std::string_view words);

/// A listening socket; a unix socket's file goes with it, unless somebody has put his own there.
class Listener {
  public:
    /// A name may stand for several addresses; all of them are listened on.
    static Result<std::vector<Listener>> open(const ListenAddress& address);

    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&&) noexcept = default;
    ~Listener();

    struct Accepted {
        Descriptor socket;
        int family = 0;
        Peer peer;
    };
    /// Errors: not_found, when nobody waits; unavailable, when the process has too many files open;
    /// internal.
    [[nodiscard]] Result<Accepted> accept() const;

    /// With the port that the system picked.
    [[nodiscard]] const ListenAddress& address() const { return address_; }
    /// Null when clients speak plain HTTP.
    [[nodiscard]] const TlsServerContext* tls() const;
    [[nodiscard]] int descriptor() const { return socket_.get(); }

  private:
    Listener(Descriptor socket, ListenAddress address);
    static Result<std::vector<Listener>> open_tcp(const TcpAddress& address);
    static Result<Listener> open_unix(const UnixAddress& address);
    static Result<Listener> adopt(const InheritedSocket& socket);

    Descriptor socket_;
    ListenAddress address_;
    ino_t file_ = 0;  // of the unix socket
};

}  // namespace mimir::http::detail
