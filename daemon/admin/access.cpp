#include "admin/access.hpp"

#include <grp.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "fs/file_system.hpp"
#include "http/client.hpp"

namespace mimir::admin {
namespace {

struct User {
    std::string name;
    gid_t group = 0;
};

std::optional<User> find_user(uid_t uid) {
    std::vector<char> buffer(16 << 10);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    return User{found->pw_name, found->pw_gid};
}

std::optional<gid_t> find_group(const std::string& name) {
    std::vector<char> buffer(64 << 10);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
        found == nullptr) {
        return std::nullopt;
    }
    return found->gr_gid;
}

bool is_member(const User& user, gid_t primary, const std::string& group_name) {
    const auto wanted = find_group(group_name);
    if (!wanted) return false;
    if (primary == *wanted || user.group == *wanted) return true;
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    if (::getgrouplist(user.name.c_str(), user.group, groups.data(), &count) < 0) {
        groups.resize(static_cast<std::size_t>(count));
        if (::getgrouplist(user.name.c_str(), user.group, groups.data(), &count) < 0) return false;
    }
    groups.resize(static_cast<std::size_t>(count));
    return std::ranges::find(groups, *wanted) != groups.end();
}

/// Takes as long for a near miss as for any other.
bool same_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

bool is_address(std::string_view host) {
    return host.starts_with('[') ||
           (!host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

std::vector<std::string_view> words_of(std::string_view line) {
    constexpr std::string_view kSpace = " \t\r";
    std::vector<std::string_view> words;
    for (;;) {
        const std::size_t begin = line.find_first_not_of(kSpace);
        if (begin == std::string_view::npos) return words;
        line.remove_prefix(begin);
        const std::size_t end = std::min(line.find_first_of(kSpace), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

}  // namespace

std::string to_string(const Caller& caller) {
    std::string facts;
    const auto add = [&](std::string_view name, auto value) {
        facts += fmt::format("{}{} {}", facts.empty() ? "" : ", ", name, value);
    };
    if (caller.uid) add("uid", *caller.uid);
    if (caller.pid) add("pid", *caller.pid);
    return facts.empty() ? caller.name : fmt::format("{} ({})", caller.name, facts);
}

Result<std::vector<Token>> parse_tokens(std::string_view text, std::string_view file) {
    constexpr std::size_t kBytesMin = 16;  // shorter ones can be guessed
    std::vector<Token> tokens;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        line = line.substr(0, line.find('#'));
        const auto words = words_of(line);
        if (words.empty()) continue;
        const auto wrong = [&](std::string_view why) {
            return fail(ErrorKind::invalid, "{}:{}: {}", file, number, why);
        };
        if (words.size() != 3) return wrong("want NAME ROLE TOKEN");
        if (words[1] != "read" && words[1] != "change") return wrong("ROLE is read or change");
        if (words[2].size() < kBytesMin) return wrong("a token has at least 16 characters");
        tokens.push_back({
            .name = std::string(words[0]),
            .role = words[1] == "change" ? api::Role::change : api::Role::read,
            .secret = std::string(words[2]),
        });
    }
    if (tokens.empty()) return fail(ErrorKind::invalid, "{}: there is no token in it", file);
    return tokens;
}

Result<Access> Access::create(const Options& options) {
    std::vector<Token> tokens;
    if (!options.listen_address.empty()) {
        MIMIR_TRY(
            const std::string text,
            with_context(fs::real_file_system().read_file(options.token_file), "admin.token_file")
        );
        MIMIR_TRY(tokens, parse_tokens(text, options.token_file));
    }
    return Access(options, std::move(tokens));
}

Access::Access(Options options, std::vector<Token> tokens)
    : options_(std::move(options)), tokens_(std::move(tokens)) {}

Result<Caller> Access::identify(const http::Request& request) const {
    const auto site = request.headers.get("Sec-Fetch-Site").value_or("none");
    if (request.headers.has("Origin") || (site != "none" && site != "same-origin")) {
        return fail_with_id(
            ErrorKind::invalid,
            "forwarded-by-browser",
            "the request comes from a page of {}",
            request.headers.get("Origin").value_or("another site")
        );
    }
    const auto host = request.headers.get("Host").value_or("");
    if (!knows_host(host)) {
        return fail_with_id(
            ErrorKind::invalid, "host-unknown", "the request is addressed to \"{}\"", host
        );
    }
    if (const auto& credentials = request.peer.credentials) {
        const auto user = find_user(credentials->uid);
        const bool may_change = credentials->uid == 0 || credentials->uid == ::geteuid() ||
                                (user && is_member(*user, credentials->gid, options_.change_group));
        return Caller{
            .name = user ? user->name : fmt::format("uid {}", credentials->uid),
            .via = "unix",
            .uid = credentials->uid,
            .pid = credentials->pid,
            .role = may_change ? api::Role::change : api::Role::read,
        };
    }
    constexpr std::string_view kBearer = "Bearer ";
    const auto authorization = request.headers.get("Authorization").value_or("");
    const bool has_token = authorization.starts_with(kBearer);
    if (has_token) {
        const std::string_view secret = authorization.substr(kBearer.size());
        const auto token = std::ranges::find_if(tokens_, [&](const Token& candidate) {
            return same_secret(candidate.secret, secret);
        });
        if (token != tokens_.end()) {
            return Caller{.name = token->name, .via = "tcp", .role = token->role};
        }
    }
    return fail_with_id(
        ErrorKind::invalid,
        "token-missing",
        "{}",
        has_token ? "the bearer token is none that this daemon knows"
                  : "the request has no bearer token"
    );
}

bool Access::knows_host(std::string_view host) const {
    host = without_port(host);
    if (host.empty() || is_address(host)) return true;
    if (http::equals_ignoring_case(host, "localhost")) return true;
    std::array<char, 256> own{};
    ::gethostname(own.data(), own.size() - 1);
    if (http::equals_ignoring_case(host, own.data())) return true;
    if (!options_.listen_address.empty() &&
        http::equals_ignoring_case(host, without_port(options_.listen_address))) {
        return true;
    }
    return std::ranges::any_of(options_.allowed_hosts, [&](const std::string& allowed) {
        return http::equals_ignoring_case(host, allowed);
    });
}

Result<void> check_role(const Caller& caller, api::Role needed, const std::string& change_group) {
    if (needed == api::Role::read || caller.role == api::Role::change) return {};
    return fail_with_id(
        ErrorKind::invalid,
        "not-permitted",
        "{} may only look; to change things be root{}",
        to_string(caller),
        caller.via == "tcp" ? ", or use a token with the role change"
                            : fmt::format(", or a member of the group {}", change_group)
    );
}

}  // namespace mimir::admin
