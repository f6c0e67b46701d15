#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <cerrno>
#include <system_error>

#include "http/detail/tls_context.hpp"

namespace mimir::http {
namespace {

using detail::SslFree;
using detail::take_tls_errors;
using std::filesystem::path;
using Context = std::unique_ptr<SSL_CTX, SslFree>;

/// OpenSSL would ask at the terminal.
int no_password(char*, int, int, void*) { return 0; }

Result<void> check_readable(std::string_view what, const path& file) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(
        std::fopen(file.c_str(), "re"), std::fclose
    );
    std::error_code ignored;
    if (opened && !std::filesystem::is_directory(file, ignored)) return {};
    return fail(
        ErrorKind::invalid,
        "{} file {}: {}",
        what,
        file.string(),
        opened ? "is a directory" : std::system_category().message(errno)
    );
}

tl::unexpected<Error> not_wanted(std::string_view what, const path& file, std::string_view wanted) {
    return fail(
        ErrorKind::invalid,
        "{} file {}: want {}: {}",
        what,
        file.string(),
        wanted,
        take_tls_errors()
    );
}

std::string text_of(const ASN1_TIME* time) {
    std::tm utc{};
    char text[64] = {};
    if (ASN1_TIME_to_tm(time, &utc) == 1) {
        std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
    }
    return text;
}

Result<void> check_dates(const X509* certificate, const path& file) {
    const ASN1_TIME* begin = X509_get0_notBefore(certificate);
    const ASN1_TIME* end = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(end) < 0) {
        return fail(
            ErrorKind::invalid,
            "certificate file {}: expired on {}; renew it",
            file.string(),
            text_of(end)
        );
    }
    if (X509_cmp_current_time(begin) > 0) {
        return fail(
            ErrorKind::invalid,
            "certificate file {}: not valid before {}; is this machine's clock right?",
            file.string(),
            text_of(begin)
        );
    }
    return {};
}

Result<Context> create(const SSL_METHOD* method) {
    ERR_clear_error();
    Context context(SSL_CTX_new(method));
    if (!context) return fail(ErrorKind::internal, "TLS: {}", take_tls_errors());
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(
        context.get(),
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
            SSL_MODE_RELEASE_BUFFERS
    );
    SSL_CTX_set_default_passwd_cb(context.get(), no_password);
    return context;
}

Result<void> use_certificate(SSL_CTX* context, const path& certificate, const path& key) {
    MIMIR_TRY(check_readable("certificate", certificate));
    MIMIR_TRY(check_readable("key", key));
    if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
        return not_wanted("certificate", certificate, "PEM");
    }
    MIMIR_TRY(check_dates(SSL_CTX_get0_certificate(context), certificate));
    const bool read = SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
    if (read && SSL_CTX_check_private_key(context) == 1) return {};
    if (read || ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509) {
        ERR_clear_error();
        return fail(
            ErrorKind::invalid,
            "the key in {} is not that of the certificate in {}; give the two that were made "
            "together",
            key.string(),
            certificate.string()
        );
    }
    return not_wanted("key", key, "PEM, not encrypted");
}

Result<void> trust(SSL_CTX* context, const path& file) {
    MIMIR_TRY(check_readable("CA", file));
    if (SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) {
        return not_wanted("CA", file, "PEM");
    }
    return {};
}

Result<void> ask_for_certificate(SSL_CTX* context, const path& ca_file) {
    MIMIR_TRY(trust(context, ca_file));
    // Tells clients which of their certificates to show; the context owns the list.
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(ca_file.c_str()));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return {};
}

std::unique_ptr<detail::TlsContext> own(Context context) {
    return std::make_unique<detail::TlsContext>(detail::TlsContext{std::move(context)});
}

}  // namespace

Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::load(
    const TlsServerOptions& options
) {
    MIMIR_TRY(auto context, create(TLS_server_method()));
    MIMIR_TRY(use_certificate(context.get(), options.certificate_file, options.key_file));
    // Resumed sessions would not show the client's certificate again.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    if (!options.client_ca_file.empty()) {
        MIMIR_TRY(ask_for_certificate(context.get(), options.client_ca_file));
    }
    return std::make_shared<const TlsServerContext>(own(std::move(context)));
}

TlsServerContext::TlsServerContext(std::unique_ptr<detail::TlsContext> context)
    : context_(std::move(context)) {}
TlsServerContext::~TlsServerContext() = default;

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::load(
    const TlsClientOptions& options
) {
    MIMIR_TRY(auto context, create(TLS_client_method()));
    if (options.certificate_file.empty() != options.key_file.empty()) {
        return fail(ErrorKind::invalid, "a client certificate needs both its file and its key's");
    }
    if (!options.certificate_file.empty()) {
        MIMIR_TRY(use_certificate(context.get(), options.certificate_file, options.key_file));
    }
    if (!options.ca_file.empty()) {
        MIMIR_TRY(trust(context.get(), options.ca_file));
    } else {
        SSL_CTX_set_default_verify_paths(context.get());
    }
    const bool verify = !options.insecure_skip_verify;
    SSL_CTX_set_verify(context.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    return std::make_shared<const TlsClientContext>(own(std::move(context)), options);
}

TlsClientContext::TlsClientContext(
    std::unique_ptr<detail::TlsContext> context, TlsClientOptions options
)
    : context_(std::move(context)), options_(std::move(options)) {}
TlsClientContext::~TlsClientContext() = default;

std::string detail::take_tls_errors() {
    std::string all;
    while (const unsigned long error = ERR_get_error()) {
        const char* reason = ERR_reason_error_string(error);
        if (!all.empty()) all += ", ";
        all += reason != nullptr ? reason : "error " + std::to_string(error);
    }
    return all;
}

}  // namespace mimir::http
