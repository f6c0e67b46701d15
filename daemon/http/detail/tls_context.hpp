#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace mimir::http::detail {

/// Of OpenSSL's types, freed with their owners.
struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(X509* certificate) const { X509_free(certificate); }
};

struct TlsContext {
    std::unique_ptr<SSL_CTX, SslFree> context;
};

/// What OpenSSL's error queue of this thread says, oldest first; empties it.
std::string take_tls_errors();

}  // namespace mimir::http::detail
