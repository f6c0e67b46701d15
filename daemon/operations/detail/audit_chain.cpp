#include "operations/detail/audit_chain.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <string>
#include <string_view>

#include "base/assert.hpp"

namespace mimir::operations::detail {
namespace {

void put(std::string& out, std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        out += static_cast<char>(static_cast<std::uint8_t>(number >> static_cast<unsigned>(shift)));
    }
}

void put(std::string& out, std::string_view text) {
    put(out, std::uint64_t{text.size()});
    out += text;
}

template <class T>
void put(std::string& out, const std::optional<T>& number) {
    out += number ? '\1' : '\0';
    if (number) put(out, static_cast<std::uint64_t>(*number));
}

}  // namespace

AuditHash chain(const AuditHash& before, const api::AuditEntry& entry) {
    std::string bytes(before.begin(), before.end());
    put(bytes, entry.seq);
    put(bytes, static_cast<std::uint64_t>(entry.time.ms));
    put(bytes, std::string_view(entry.actor));
    put(bytes, entry.uid);
    put(bytes, entry.pid);
    put(bytes, std::string_view(entry.via));
    put(bytes, std::string_view(entry.action));
    put(bytes, std::string_view(entry.subject));
    put(bytes, std::string_view(entry.detail));
    put(bytes, entry.revision);
    put(bytes, std::string_view(entry.outcome));
    put(bytes, entry.of);

    AuditHash hash{};
    unsigned size = 0;
    const int done =
        EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr);
    MIMIR_ASSERT(done == 1 && size == hash.size(), "OpenSSL has SHA-256");
    return hash;
}

std::string to_hex(const AuditHash& hash) { return fmt::format("{:02x}", fmt::join(hash, "")); }

}  // namespace mimir::operations::detail
