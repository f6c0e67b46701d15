#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace mimir::http {

namespace detail {
struct TlsContext;
}  // namespace detail

/// PEM files of a listening address that speaks TLS.
struct TlsServerOptions {
    /// The server's certificate, and behind it those that lead to its CA.
    std::filesystem::path certificate_file;
    /// Its private key, not encrypted.
    std::filesystem::path key_file;
    /// When set, a client must have a certificate of one of these CAs; its common name is then in
    /// Peer::certificate_name.
    std::filesystem::path client_ca_file;
};

/// What the connections of an address share; TLS 1.2 and 1.3. Reads its files once: load another
/// one for renewed certificates.
/// Threads: any.
class TlsServerContext {
  public:
    /// Errors: invalid, naming the file: missing, unreadable, not PEM, expired, or a key that is
    /// not the certificate's.
    static Result<std::shared_ptr<const TlsServerContext>> load(const TlsServerOptions& options);

    explicit TlsServerContext(std::unique_ptr<detail::TlsContext> context);
    ~TlsServerContext();
    TlsServerContext(const TlsServerContext&) = delete;
    TlsServerContext& operator=(const TlsServerContext&) = delete;

    [[nodiscard]] const detail::TlsContext& context() const { return *context_; }

  private:
    std::unique_ptr<detail::TlsContext> context_;
};

struct TlsClientOptions {
    /// CAs to trust, PEM; empty: those of the system.
    std::filesystem::path ca_file;
    /// The client's own certificate and key, for servers that ask for one; both or neither.
    std::filesystem::path certificate_file;
    std::filesystem::path key_file;
    /// The name that the server's certificate must be for; empty: the endpoint's host.
    std::string server_name;
    /// Takes any certificate: whoever stands in between can read and change everything.
    bool insecure_skip_verify = false;
};

/// The same for connections of clients.
class TlsClientContext {
  public:
    /// Errors: as TlsServerContext::load().
    static Result<std::shared_ptr<const TlsClientContext>> load(const TlsClientOptions& options);

    TlsClientContext(std::unique_ptr<detail::TlsContext> context, TlsClientOptions options);
    ~TlsClientContext();
    TlsClientContext(const TlsClientContext&) = delete;
    TlsClientContext& operator=(const TlsClientContext&) = delete;

    [[nodiscard]] const detail::TlsContext& context() const { return *context_; }
    [[nodiscard]] const TlsClientOptions& options() const { return options_; }

  private:
    std::unique_ptr<detail::TlsContext> context_;
    const TlsClientOptions options_;
};

}  // namespace mimir::http
