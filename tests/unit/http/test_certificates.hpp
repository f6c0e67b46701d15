#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace mimir::http::test {

struct PemFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
};

struct CertificateRequest {
    /// Its common name, and the name of its files.
    std::string name;
    /// As OpenSSL spells them: "DNS:localhost,IP:127.0.0.1".
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1";
    /// Relative to now.
    long begins_in_seconds = -3600;
    long ends_in_seconds = 3600;
};

/// A certificate authority of a test's own, and the folder in which its PEM files are.
class TestCa {
  public:
    TestCa(std::filesystem::path dir, const std::string& name);

    /// Makes a key, and a certificate for it.
    [[nodiscard]] PemFiles issue(const CertificateRequest& request);
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  private:
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
        void operator()(X509* certificate) const { X509_free(certificate); }
    };
    using Key = std::unique_ptr<EVP_PKEY, Free>;
    using Certificate = std::unique_ptr<X509, Free>;

    Certificate sign(EVP_PKEY* key, const CertificateRequest& request, bool is_ca) const;

    std::filesystem::path dir_;
    std::filesystem::path file_;
    Key key_;
    Certificate certificate_;
};

}  // namespace mimir::http::test
