#include "kv/options.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/nearest.hpp"
#include "http/client.hpp"

namespace mimir::kv {
namespace {

constexpr std::array<std::pair<std::string_view, StoreKind>, 3> kKinds = {{
    {"inmemory", StoreKind::inmemory},
    {"sqlite", StoreKind::sqlite},
    {"etcd", StoreKind::etcd},
}};

std::optional<StoreKind> kind_of(std::string_view name) {
    for (const auto& [known, kind] : kKinds) {
        if (known == name) return kind;
    }
    return std::nullopt;
}

/// Collects findings under one section.
class Check {
  public:
    Check(std::string_view section, config::Findings& findings)
        : section_(section), findings_(findings) {}

    void finding(std::string_view key, std::string what) const {
        findings_.add(fmt::format("{}.{}", section_, key), std::move(what));
    }
    void prefix(std::string_view prefix) const {
        const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
        if (std::ranges::any_of(prefix, is_control)) {
            finding("prefix", "must not hold control characters");
        } else if (!prefix.empty() && !prefix.ends_with('/')) {
            finding(
                "prefix",
                fmt::format(
                    "must end with \"/\", so that no other prefix begins with it: \"{0}/\", not \"{0}\"",
                    prefix
                )
            );
        }
    }
    void etcd(const EtcdOptions& o) const {
        if (o.endpoints.empty()) {
            finding("etcd.endpoints", "must name at least one endpoint, as http://10.0.0.1:2379");
        }
        bool any_tls = false;
        for (const std::string& text : o.endpoints) any_tls |= endpoint(text, o.tls_enabled);
        if (o.tls_cert_path.empty() != o.tls_key_path.empty()) {
            const bool no_key = o.tls_key_path.empty();
            finding(
                no_key ? "etcd.tls_key_path" : "etcd.tls_cert_path",
                fmt::format(
                    "must be set when {} is: a certificate and its key go together",
                    no_key ? "tls_cert_path" : "tls_key_path"
                )
            );
        }
        const bool tls_settings = !o.tls_ca_path.empty() || !o.tls_cert_path.empty() ||
                                  !o.tls_server_name.empty() || o.tls_insecure_skip_verify;
        if (tls_settings && !any_tls && !o.endpoints.empty()) {
            finding(
                "etcd.tls_enabled",
                "must be true for the other tls_* settings to have an effect, or an endpoint must begin with https://"
            );
        }
        if (o.username.empty() && !o.password.empty()) {
            finding("etcd.username", "must be set when a password is");
        }
        if (!o.username.empty() && o.password.empty()) {
            finding("etcd.password", "must be set when a username is");
        }
    }

  private:
    /// Returns whether it speaks TLS.
    bool endpoint(const std::string& text, bool tls_enabled) const {
        const auto parsed = http::Endpoint::parse(text);
        if (!parsed) {
            finding("etcd.endpoints", parsed.error().message);
            return false;
        }
        if (!parsed->unix_path.empty()) {
            finding(
                "etcd.endpoints",
                fmt::format(
                    "\"{}\" is a unix socket: want http://HOST:PORT or https://HOST:PORT", text
                )
            );
        }
        if (tls_enabled && text.starts_with("http://")) {
            finding(
                "etcd.endpoints",
                fmt::format(
                    "\"{}\" is without TLS, but etcd.tls_enabled is true: want https://", text
                )
            );
        }
        return parsed->tls || tls_enabled;
    }

    std::string_view section_;
    config::Findings& findings_;
};

void declare_etcd(config::Declarer& d, EtcdOptions& o) {
    using config::Category;
    using namespace std::chrono_literals;
    d.option(
        o.endpoints,
        {
            .key = "common.kvstore.etcd.endpoints",
            .help =
                "Addresses of etcd, as http://10.0.0.1:2379, separated by commas. They are tried in turn.",
            .needs_process = true,
        }
    );
    d.option(
        o.dial_timeout,
        {
            .key = "common.kvstore.etcd.dial_timeout",
            .help = "Time in which a connection to an endpoint must come about.",
            .category = Category::advanced,
            .min = 10ms,
            .needs_process = true,
        }
    );
    d.option(
        o.request_timeout,
        {
            .key = "common.kvstore.etcd.request_timeout",
            .help = "Time-out of one call, all attempts together.",
            .category = Category::advanced,
            .min = 100ms,
            .needs_process = true,
        }
    );
    d.option(
        o.username,
        {
            .key = "common.kvstore.etcd.username",
            .help = "User of etcd, where it asks for one.",
            .needs_process = true,
        }
    );
    d.option(
        o.password,
        {
            .key = "common.kvstore.etcd.password",
            .help = "The user's password.",
            .secret = true,
            .needs_process = true,
        }
    );
    d.option(
        o.tls_enabled,
        {
            .key = "common.kvstore.etcd.tls_enabled",
            .help = "Speak TLS with endpoints that have no scheme, and allow none with http://.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.tls_ca_path,
        {
            .key = "common.kvstore.etcd.tls_ca_path",
            .help =
                "PEM file of the CAs that etcd's certificate must come from. Empty trusts those of the system.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.tls_cert_path,
        {
            .key = "common.kvstore.etcd.tls_cert_path",
            .help = "PEM file of the certificate to show to etcd.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.tls_key_path,
        {
            .key = "common.kvstore.etcd.tls_key_path",
            .help = "PEM file of that certificate's key.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.tls_server_name,
        {
            .key = "common.kvstore.etcd.tls_server_name",
            .help = "Name that etcd's certificate must be for. Empty: the endpoint's host.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.tls_insecure_skip_verify,
        {
            .key = "common.kvstore.etcd.tls_insecure_skip_verify",
            .help =
                "Take any certificate: whoever stands in between can read and change everything.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
}

}  // namespace

void declare_common(config::Declarer& d, Options& o) {
    d.option(
        o.store,
        {
            .key = "common.kvstore.store",
            .help =
                "Where the processes of a cluster share who is in it: inmemory (one process), sqlite (a file in the "
                "node's state folder, for the processes of one host), etcd (many hosts).",
            .names = {kKinds.begin(), kKinds.end()},
            .needs_process = true,
        }
    );
    d.option(
        o.prefix,
        {
            .key = "common.kvstore.prefix",
            .help = "Before every key. Clusters that share an etcd have different ones.",
            .category = config::Category::advanced,
            .needs_process = true,
        }
    );
    declare_etcd(d, o.etcd);
}

void declare_own(
    config::Declarer& d, OwnOptions& o, std::string_view section, std::string_view flag_prefix
) {
    using config::Category;
    const auto key = [&](std::string_view name) {
        return fmt::format("{}.kvstore.{}", section, name);
    };
    const auto flag = [&](std::string_view name) {
        return fmt::format("{}.{}", flag_prefix, name);
    };
    d.option(
        o.store,
        {
            .key = key("store"),
            .flag = flag("store"),
            .help =
                "Where this ring is kept: inmemory, sqlite or etcd. Empty: as common.kvstore.store says.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.prefix,
        {
            .key = key("prefix"),
            .flag = flag("prefix"),
            .help = "Before every key of this ring. Empty: as common.kvstore.prefix says.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.etcd_endpoints,
        {
            .key = key("etcd.endpoints"),
            .flag = flag("etcd.endpoints"),
            .help = "Addresses of this ring's etcd. Empty: as common.kvstore.etcd.endpoints says.",
            .category = Category::advanced,
        }
    );
}

Options merge(const Options& common, const OwnOptions& own) {
    Options merged = common;
    merged.store = kind_of(own.store).value_or(common.store);
    if (!own.prefix.empty()) merged.prefix = own.prefix;
    if (!own.etcd_endpoints.empty()) merged.etcd.endpoints = own.etcd_endpoints;
    return merged;
}

void validate(const Options& o, std::string_view section, config::Findings& findings) {
    const Check check(section, findings);
    check.prefix(o.prefix);
    if (o.store == StoreKind::etcd) check.etcd(o.etcd);
}

void validate(
    const Options& common,
    const OwnOptions& own,
    std::string_view section,
    config::Findings& findings
) {
    const std::string where = fmt::format("{}.kvstore", section);
    const Check check(where, findings);
    if (!own.store.empty() && !kind_of(own.store)) {
        std::vector<std::string_view> names;
        for (const auto& [name, kind] : kKinds) names.push_back(name);
        check.finding(
            "store",
            fmt::format(
                "expected one of {}, not \"{}\"{}",
                fmt::join(names, ", "),
                own.store,
                did_you_mean(own.store, names)
            )
        );
        return;
    }
    check.prefix(own.prefix);
    // What the common settings say wrong is found there, unless nobody but this ring uses etcd.
    const Options merged = merge(common, own);
    const bool is_common = common.store == StoreKind::etcd && own.etcd_endpoints.empty();
    if (merged.store == StoreKind::etcd && !is_common) check.etcd(merged.etcd);
}

std::string_view to_string(StoreKind kind) {
    return std::ranges::find(kKinds, kind, &std::pair<std::string_view, StoreKind>::second)->first;
}

}  // namespace mimir::kv
