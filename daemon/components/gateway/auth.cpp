#include "components/gateway/auth.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/assert.hpp"
#include "config/yaml.hpp"
#include "http/tenancy.hpp"
#include "model/tenant.hpp"

namespace mimir::gateway {
namespace {

using Credential = Credentials::Credential;
using Digest = Credentials::Digest;

Digest sha256(std::string_view text) {
    Digest digest{};
    unsigned size = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    MIMIR_ASSERT(done == 1 && size == digest.size(), "OpenSSL has SHA-256");
    return digest;
}

bool equal(const Digest& a, const Digest& b) {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<Digest> parse_hex(std::string_view text) {
    Digest digest{};
    if (text.size() != 2 * digest.size()) return std::nullopt;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        digest[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return digest;
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    std::string decoded(text.size() / 4 * 3, '\0');
    const int bytes = EVP_DecodeBlock(
        reinterpret_cast<unsigned char*>(decoded.data()),
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size())
    );
    if (bytes < 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    decoded.resize(static_cast<std::size_t>(bytes) - padding);
    return decoded;
}

/// Reads one credential of the file.
class Reader {
  public:
    Reader(std::string_view file, config::Findings& findings) : file_(file), findings_(findings) {}

    std::optional<Credential> read(const config::YamlNode& node) {
        using Kind = config::YamlNode::Kind;
        if (node.kind != Kind::map) return wrong(node.line, "a credential is a map");
        Credential credential;
        int secrets = 0;
        bool is_password = false;
        bool is_good = true;
        for (const auto& [key, line, value] : node.entries) {
            if (key == "tenants") {
                is_good = read_tenants(value, line, credential) && is_good;
                continue;
            }
            if (value.kind != Kind::scalar || value.scalar.empty()) {
                wrong(line, fmt::format("{} wants a text", key));
                is_good = false;
                continue;
            }
            if (key == "name") {
                credential.name = value.scalar;
            } else if (key == "username") {
                credential.username = value.scalar;
                if (value.scalar.find(':') == std::string::npos) continue;
                wrong(line, "a username has no ':'");
                is_good = false;
            } else if (key == "token" || key == "password") {
                credential.secret = sha256(value.scalar);
                is_password = key == "password";
                ++secrets;
            } else if (key == "token_sha256" || key == "password_sha256") {
                const auto digest = parse_hex(value.scalar);
                if (!digest) wrong(line, fmt::format("{} wants 64 hexadecimal digits", key));
                is_good = is_good && digest;
                credential.secret = digest.value_or(Digest{});
                is_password = key == "password_sha256";
                ++secrets;
            } else {
                wrong(line, fmt::format("unknown key \"{}\"", key));
                is_good = false;
            }
        }
        if (secrets != 1) {
            return wrong(
                node.line, "a credential has one of token, token_sha256, password, password_sha256"
            );
        }
        if (is_password != !credential.username.empty()) {
            return wrong(node.line, "a password goes with a username, a token with none");
        }
        if (!credential.all_tenants && credential.tenants.empty()) {
            return wrong(node.line, "a credential has tenants: a list of names, or \"*\"");
        }
        if (!is_good) return std::nullopt;
        return credential;
    }

  private:
    bool read_tenants(const config::YamlNode& node, int line, Credential& credential) {
        using Kind = config::YamlNode::Kind;
        if (node.kind == Kind::scalar && node.scalar == "*") return credential.all_tenants = true;
        for (const config::YamlNode& item : node.items) {
            const auto tenant = model::TenantId::parse(item.scalar);
            if (tenant) {
                credential.tenants.push_back(tenant->str());
            } else {
                wrong(item.line, tenant.error().message);
            }
        }
        if (node.kind == Kind::sequence && credential.tenants.size() == node.items.size()) {
            return true;
        }
        if (node.kind != Kind::sequence) wrong(line, "tenants wants a list of names, or \"*\"");
        return false;
    }

    std::nullopt_t wrong(int line, std::string what) {
        findings_.add(fmt::format("{}:{}", file_, line), std::move(what));
        return std::nullopt;
    }

    const std::string_view file_;
    config::Findings& findings_;
};

bool is_same(const Credential& a, const Credential& b) {
    return a.username == b.username && a.secret == b.secret;
}

}  // namespace

Result<Credentials> Credentials::parse(std::string_view text, std::string_view file) {
    using Kind = config::YamlNode::Kind;
    config::Findings findings;
    const auto root = config::parse_yaml(text, file, findings);
    MIMIR_TRY(findings.result());
    const bool is_list = root && root->kind == Kind::map && root->entries.size() == 1 &&
                         root->entries[0].key == "credentials" &&
                         root->entries[0].value.kind == Kind::sequence;
    if (!is_list) {
        return fail(ErrorKind::invalid, "{}: wants a list \"credentials\", and no more", file);
    }
    Credentials credentials;
    Reader reader(file, findings);
    for (const config::YamlNode& item : root->entries[0].value.items) {
        auto credential = reader.read(item);
        if (!credential) continue;
        auto& all = credentials.credentials_;
        if (std::ranges::any_of(all, [&](const auto& one) { return is_same(one, *credential); })) {
            findings.add(fmt::format("{}:{}", file, item.line), "a credential is there twice");
        }
        all.push_back(*std::move(credential));
    }
    MIMIR_TRY(findings.result());
    return credentials;
}

const Credential* Credentials::find(std::string_view authorization) const {
    const std::size_t space = std::min(authorization.find(' '), authorization.size());
    const std::string_view scheme = authorization.substr(0, space);
    std::string_view rest = authorization.substr(std::min(space + 1, authorization.size()));
    while (rest.starts_with(' ')) rest.remove_prefix(1);

    std::string username;
    Digest secret;
    if (http::equals_ignoring_case(scheme, "Bearer") && !rest.empty()) {
        secret = sha256(rest);
    } else if (http::equals_ignoring_case(scheme, "Basic")) {
        const auto pair = decode_base64(rest);
        const std::size_t colon = pair ? pair->find(':') : std::string::npos;
        if (colon == std::string::npos || colon == 0) return nullptr;
        username = pair->substr(0, colon);
        secret = sha256(std::string_view(*pair).substr(colon + 1));
    } else {
        return nullptr;
    }
    const Credential* found = nullptr;
    for (const Credential& candidate : credentials_) {  // all of them, whichever it is
        const bool is_right = equal(candidate.secret, secret);
        if (is_right && candidate.username == username) found = &candidate;
    }
    return found;
}

Authenticator::Authenticator(const fs::FileSystem& files, fs::Path path)
    : files_(files), path_(std::move(path)), credentials_(std::make_shared<const Credentials>()) {}

Result<bool> Authenticator::reload() {
    std::lock_guard lock(reloading_);
    MIMIR_TRY(std::string text, files_.read_file(path_));
    if (text_ == text) return false;
    MIMIR_TRY(auto credentials, Credentials::parse(text, path_.string()));
    text_ = std::move(text);
    credentials_.store(std::make_shared<const Credentials>(std::move(credentials)));
    return true;
}

std::optional<Authenticator::Refusal> Authenticator::admit(http::Headers& headers) const {
    const auto credentials = credentials_.load();
    const auto authorization = headers.get("Authorization");
    if (!authorization) return Refusal{401, "no credential: Authorization is missing"};
    const Credential* credential = credentials->find(*authorization);
    if (credential == nullptr) return Refusal{401, "the credential is not known"};

    const std::string_view asked = headers.get(http::kTenantHeader).value_or("");
    const auto& tenants = credential->tenants;
    if (asked.empty() && tenants.size() != 1) {
        return Refusal{400, fmt::format("{} has to name a tenant", http::kTenantHeader)};
    }
    const std::string tenant(asked.empty() ? tenants.front() : asked);
    if (!credential->all_tenants && std::ranges::find(tenants, tenant) == tenants.end()) {
        return Refusal{403, fmt::format("the credential is not for tenant {}", tenant)};
    }
    headers.set(http::kTenantHeader, tenant);  // of several, one is left
    headers.remove("Authorization");
    return std::nullopt;
}

}  // namespace mimir::gateway
