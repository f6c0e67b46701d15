#include "test_certificates.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>

#include "support/test_support.hpp"

namespace mimir::http::test {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File create(const std::filesystem::path& path) {
    File file(std::fopen(path.c_str(), "we"), std::fclose);
    REQUIRE(file);
    return file;
}

void set_name(X509_NAME* name, const std::string& common_name) {
    const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
    REQUIRE(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
}

void add_extension(X509* certificate, int id, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

void write_key(const std::filesystem::path& path, EVP_PKEY* key) {
    const File file = create(path);
    REQUIRE(PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

void write_certificate(const std::filesystem::path& path, X509* certificate) {
    const File file = create(path);
    REQUIRE(PEM_write_X509(file.get(), certificate) == 1);
}

}  // namespace

TestCa::TestCa(std::filesystem::path dir, const std::string& name)
    : dir_(std::move(dir)), file_(dir_ / (name + ".pem")), key_(EVP_EC_gen("P-256")) {
    certificate_ = sign(key_.get(), {.name = name, .alternative_names = ""}, true);
    write_certificate(file_, certificate_.get());
}

PemFiles TestCa::issue(const CertificateRequest& request) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = sign(key.get(), request, false);
    PemFiles files{dir_ / (request.name + ".crt"), dir_ / (request.name + ".key")};
    write_certificate(files.certificate, certificate.get());
    write_key(files.key, key.get());
    return files;
}

TestCa::Certificate TestCa::sign(EVP_PKEY* key, const CertificateRequest& request, bool is_ca)
    const {
    Certificate certificate(X509_new());
    X509* made = certificate.get();
    X509_set_version(made, 2);
    std::uint32_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), serial);
    X509_gmtime_adj(X509_getm_notBefore(made), request.begins_in_seconds);
    X509_gmtime_adj(X509_getm_notAfter(made), request.ends_in_seconds);
    set_name(X509_get_subject_name(made), request.name);
    X509_set_issuer_name(
        made, X509_get_subject_name(certificate_ ? certificate_.get() : certificate.get())
    );
    X509_set_pubkey(made, key);
    add_extension(made, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (!request.alternative_names.empty()) {
        add_extension(made, NID_subject_alt_name, request.alternative_names);
    }
    REQUIRE(X509_sign(made, key_.get(), EVP_sha256()) > 0);
    return certificate;
}

}  // namespace mimir::http::test
