#include "http/detail/tls_session.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/assert.hpp"
#include "http/detail/tls_context.hpp"

namespace mimir::http::detail {
namespace {

/// OpenSSL's packed error codes, whose top bit tells a system's error from a library's.
class TlsCategory final : public boost::system::error_category {
  public:
    [[nodiscard]] const char* name() const noexcept override { return "TLS"; }
    [[nodiscard]] std::string message(int value) const override {
        const auto error = static_cast<unsigned long>(static_cast<unsigned>(value));
        switch (ERR_GET_REASON(error)) {
            case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
                return "TLS: the server asks for a client certificate; give one, with its key";
            case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
                return "TLS: the peer does not know the CA of the certificate that was shown";
            case SSL_R_UNEXPECTED_EOF_WHILE_READING:
                return "TLS: the peer closed the connection without a word";
            default: break;
        }
        const char* reason = ERR_reason_error_string(error);
        return std::string("TLS: ") + (reason != nullptr ? reason : "unknown error");
    }
};

error_code tls_error(unsigned long error) {
    static const TlsCategory category;
    return {static_cast<int>(error), category};
}

bool is_ip_address(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

int clamp_to_int(std::size_t bytes) {
    return static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max()));
}

// OpenSSL's way to the socket. Its own would raise SIGPIPE when the peer is gone.

struct Socket {
    int descriptor = -1;
    bool at_end = false;
};

Socket& socket_of(BIO* bio) { return *static_cast<Socket*>(BIO_get_data(bio)); }

bool is_transient(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int bio_write(BIO* bio, const char* bytes, int count) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent =
        ::send(socket_of(bio).descriptor, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
    if (sent < 0 && is_transient(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* into, int count) {
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(socket_of(bio).descriptor, into, static_cast<std::size_t>(count), 0);
    if (got < 0 && is_transient(errno)) BIO_set_retry_read(bio);
    if (got == 0) socket_of(bio).at_end = true;
    return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*) {
    switch (command) {
        case BIO_CTRL_EOF: return socket_of(bio).at_end ? 1 : 0;
        case BIO_CTRL_FLUSH: return 1;
        default: return 0;
    }
}

BIO_METHOD* create_socket_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mimir socket");
    MIMIR_ASSERT(method != nullptr, "OpenSSL has memory for a table of functions");
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

BIO* create_bio(Socket& socket) {
    static BIO_METHOD* const method = create_socket_method();
    BIO* bio = BIO_new(method);
    MIMIR_ASSERT(bio != nullptr, "OpenSSL has memory for a connection");
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
    return bio;
}

}  // namespace

struct TlsSession::State {
    State(const TlsContext& context, int descriptor)
        : socket{.descriptor = descriptor}, ssl(SSL_new(context.context.get())) {
        MIMIR_ASSERT(ssl != nullptr, "OpenSSL has memory for a connection");
        BIO* bio = create_bio(socket);
        SSL_set_bio(ssl.get(), bio, bio);
    }

    Socket socket;
    const std::unique_ptr<SSL, SslFree> ssl;
    std::string expected_name;  // of a client: whom it wants to talk to
    unsigned long error = 0;    // OpenSSL's, of the step that ended the session
    bool broken = false;        // nothing more may be said
};

TlsSession::TlsSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsSession::~TlsSession() = default;

std::unique_ptr<TlsSession> TlsSession::of_server(const TlsServerContext& context, int socket) {
    auto state = std::make_unique<State>(context.context(), socket);
    SSL_set_accept_state(state->ssl.get());
    return std::unique_ptr<TlsSession>(new TlsSession(std::move(state)));
}

std::unique_ptr<TlsSession> TlsSession::of_client(
    const TlsClientContext& context, const std::string& host, int socket
) {
    auto state = std::make_unique<State>(context.context(), socket);
    SSL* ssl = state->ssl.get();
    SSL_set_connect_state(ssl);
    const std::string& given = context.options().server_name;
    state->expected_name = given.empty() ? host : given;
    if (is_ip_address(state->expected_name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), state->expected_name.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl, state->expected_name.c_str());
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, state->expected_name.c_str());
    }
    return std::unique_ptr<TlsSession>(new TlsSession(std::move(state)));
}

/// What a session answers that has failed: OpenSSL would say neither yes nor no.
const TlsSession::Step kBroken{.error = boost::asio::error::connection_reset};

TlsSession::Step TlsSession::handshake() {
    if (state_->broken) return kBroken;
    ERR_clear_error();
    return outcome(SSL_do_handshake(state_->ssl.get()));
}

TlsSession::Step TlsSession::read(void* into, std::size_t bytes) {
    if (bytes == 0) return {};
    if (state_->broken) return kBroken;
    ERR_clear_error();
    return outcome(SSL_read(state_->ssl.get(), into, clamp_to_int(bytes)));
}

TlsSession::Step TlsSession::write(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (state_->broken) return kBroken;
    ERR_clear_error();
    return outcome(SSL_write(state_->ssl.get(), bytes.data(), clamp_to_int(bytes.size())));
}

TlsSession::Step TlsSession::outcome(int returned) {
    const int system_error = errno;
    if (returned > 0) return {.bytes = static_cast<std::size_t>(returned)};
    switch (SSL_get_error(state_->ssl.get(), returned)) {
        case SSL_ERROR_WANT_READ: return {.wait = Wait::readable};
        case SSL_ERROR_WANT_WRITE: return {.wait = Wait::writable};
        case SSL_ERROR_ZERO_RETURN: return {.error = boost::asio::error::eof};
        case SSL_ERROR_SYSCALL:
            state_->broken = true;
            if (system_error == 0)
                return kBroken;  // OpenSSL had given up before it asked the socket
            return {.error = error_code(system_error, boost::system::system_category())};
        default:
            state_->broken = true;
            state_->error = ERR_peek_error();
            ERR_clear_error();
            return {.error = tls_error(state_->error)};
    }
}

Error TlsSession::handshake_error() const {
    const auto because = [](std::string message) {
        return Error{ErrorKind::unavailable, {}, "TLS handshake: " + std::move(message)};
    };
    SSL* ssl = state_->ssl.get();
    const std::string& name = state_->expected_name;
    const long verified = SSL_get_verify_result(ssl);
    const std::string_view whose = SSL_is_server(ssl) != 0 ? "client's" : "server's";
    switch (ERR_GET_REASON(state_->error)) {
        case SSL_R_CERTIFICATE_VERIFY_FAILED: break;
        case SSL_R_HTTP_REQUEST:
            return because("the client speaks plain HTTP to a TLS port; it must use https://");
        case SSL_R_WRONG_VERSION_NUMBER:
            return because(
                SSL_is_server(ssl) != 0 ? "the client does not speak TLS"
                                        : "the server does not speak TLS on this port; use http://"
            );
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return because("the client shows no certificate, and has to");
        default: return because(tls_error(state_->error).message());
    }
    switch (verified) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return because(fmt::format(
                "the server's certificate is not for \"{}\"; connect to a name that it has, or "
                "say which name to expect",
                name
            ));
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return because(fmt::format("the {} certificate has expired; renew it", whose));
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return because(
                fmt::format("the {} certificate is not valid yet; are the clocks right?", whose)
            );
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return because(fmt::format(
                "the {} certificate comes from a CA that is not trusted here ({}); name the file "
                "of its CA",
                whose,
                X509_verify_cert_error_string(verified)
            ));
        default:
            return because(fmt::format(
                "the {} certificate was refused: {}", whose, X509_verify_cert_error_string(verified)
            ));
    }
}

bool TlsSession::spoke_plain_http() const {
    return ERR_GET_REASON(state_->error) == SSL_R_HTTP_REQUEST;
}

std::string TlsSession::peer_certificate_name() const {
    const std::unique_ptr<X509, SslFree> certificate(SSL_get1_peer_certificate(state_->ssl.get()));
    if (!certificate || SSL_get_verify_result(state_->ssl.get()) != X509_V_OK) return "";
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index < 0) return "";
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
    unsigned char* utf8 = nullptr;
    const int bytes = ASN1_STRING_to_UTF8(&utf8, value);
    if (bytes < 0) return "";
    std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(bytes));
    OPENSSL_free(utf8);
    return name;
}

bool TlsSession::readable(bool socket_readable) {
    SSL* ssl = state_->ssl.get();
    if (SSL_pending(ssl) > 0 || state_->broken) return true;
    if (!socket_readable || SSL_is_server(ssl) != 0) return socket_readable;
    ERR_clear_error();
    char first = 0;
    return outcome(SSL_peek(ssl, &first, 1)).wait == Wait::nothing;
}

void TlsSession::close_notify() {
    if (state_->broken || SSL_is_init_finished(state_->ssl.get()) == 0) return;
    SSL_shutdown(state_->ssl.get());
    ERR_clear_error();
}

void TlsSession::close() {
    if (state_->socket.descriptor < 0) return;
    close_notify();
    state_->socket.descriptor = -1;
    state_->broken = true;
}

}  // namespace mimir::http::detail
