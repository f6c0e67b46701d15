#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/tls.hpp"

namespace mimir::http::detail {

using boost::system::error_code;

/// The TLS of one connection, over a non-blocking socket that somebody else waits for and closes.
/// Each step does what it can at once, and says what the socket must be ready for when that is not
/// all.
/// Threads: one at a time.
class TlsSession {
  public:
    enum class Wait { nothing, readable, writable };
    struct Step {
        /// When not `nothing`: to be repeated, with the same arguments, once the socket is so.
        Wait wait = Wait::nothing;
        error_code error = {};
        std::size_t bytes = 0;
    };

    static std::unique_ptr<TlsSession> of_server(const TlsServerContext& context, int socket);
    /// `host`: what the user wrote, a name or an IP address.
    static std::unique_ptr<TlsSession> of_client(
        const TlsClientContext& context, const std::string& host, int socket
    );
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    Step handshake();
    Step read(void* into, std::size_t bytes);
    Step write(std::string_view bytes);

    /// Why the handshake failed, and what to do about it.
    [[nodiscard]] Error handshake_error() const;
    /// True when the peer's first bytes were an HTTP request without TLS.
    [[nodiscard]] bool spoke_plain_http() const;
    /// Common name of the peer's verified certificate; empty when it has none.
    [[nodiscard]] std::string peer_certificate_name() const;

    /// True when read() would yield bytes, or the end, at once. A client's takes from the socket
    /// what is no data (session tickets), so no read() may be under way.
    [[nodiscard]] bool readable(bool socket_readable);
    /// Tells the peer, as far as the socket takes it at once, that this end sends no more.
    void close_notify();
    /// The same, and touches the socket no more: its number may soon be another's.
    void close();

  private:
    struct State;
    explicit TlsSession(std::unique_ptr<State> state);
    Step outcome(int returned);

    std::unique_ptr<State> state_;
};

}  // namespace mimir::http::detail
