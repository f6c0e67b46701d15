#include "admin/options.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "http/client.hpp"

namespace mimir::admin {

void declare(config::Declarer& d, Options& o) {
    using config::Category;
    d.option(
        o.socket,
        {
            .key = "admin.socket",
            .help = "Unix socket of the admin API, which mimirctl talks to. Empty for "
                    "/run/mimird/admin.sock, or mimird/admin.sock in $XDG_RUNTIME_DIR without "
                    "root; a unit of systemd uses its own $RUNTIME_DIRECTORY.",
        }
    );
    d.option(
        o.socket_mode,
        {
            .key = "admin.socket_mode",
            .help = "Mode of that socket: who may connect may look.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.socket_group,
        {
            .key = "admin.socket_group",
            .help = "Group of that socket, if there is such a group.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.change_group,
        {
            .key = "admin.change_group",
            .help = "Members of this group may change things over the socket, besides root and "
                    "the user that mimird runs as.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.listen_address,
        {
            .key = "admin.listen_address",
            .help = "HOST:PORT on which the admin API listens too, with TLS and bearer tokens. "
                    "Empty for the socket alone.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.tls_cert_path,
        {
            .key = "admin.tls_cert_path",
            .help = "Certificate chain of that address, PEM.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.tls_key_path,
        {
            .key = "admin.tls_key_path",
            .help = "Key of that certificate, PEM.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.tls_client_ca_path,
        {
            .key = "admin.tls_client_ca_path",
            .help = "Authorities of which clients must have a certificate, PEM. Empty asks for "
                    "none.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.token_file,
        {
            .key = "admin.token_file",
            .help = "File with a bearer token a line, as NAME ROLE TOKEN, where ROLE is read or "
                    "change. Only mimird's user should be able to read it.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.allowed_hosts,
        {
            .key = "admin.allowed_hosts",
            .help = "Names that requests may be addressed to, besides localhost, addresses and "
                    "this machine's name.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.connections_limit,
        {
            .key = "admin.connections_limit",
            .help =
                "Most connections to the admin API at once. One more takes the place of one that "
                "waits between requests, or is answered 503.",
            .category = Category::advanced,
            .min = 1,
        }
    );
    d.option(
        o.public_page,
        {
            .key = "admin.public_page",
            .help = "Serve the page with modules and operations at / of the public port too, to "
                    "look at only.",
            .category = Category::advanced,
        }
    );
}

void validate(const Options& o, config::Findings& findings) {
    if (!parse_mode(o.socket_mode)) {
        findings.add(
            "admin.socket_mode",
            fmt::format("expected a mode in octal such as 0660, not \"{}\"", o.socket_mode)
        );
    }
    if (o.listen_address.empty()) return;
    if (const auto parsed = http::Endpoint::parse(o.listen_address);
        !parsed || !parsed->unix_path.empty()) {
        findings.add(
            "admin.listen_address", fmt::format("expected HOST:PORT, not \"{}\"", o.listen_address)
        );
    }
    const auto require = [&](std::string_view key, const std::string& value) {
        if (!value.empty()) return;
        findings.add(
            std::string(key),
            "must be set with admin.listen_address: over TCP the admin API is served with TLS and "
            "tokens only"
        );
    };
    require("admin.tls_cert_path", o.tls_cert_path);
    require("admin.tls_key_path", o.tls_key_path);
    require("admin.token_file", o.token_file);
}

std::string default_socket(std::string_view process) {
    const std::string name = fmt::format("{}.sock", process.empty() ? "admin" : process);
    const std::string file = "mimird/" + name;
    // Of a systemd unit with RuntimeDirectory=; of several the first.
    const char* unit = std::getenv("RUNTIME_DIRECTORY");
    if (unit != nullptr && *unit == '/') {
        const std::string_view folders = unit;
        return fmt::format("{}/{}", folders.substr(0, folders.find(':')), name);
    }
    if (::geteuid() == 0) return "/run/" + file;
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    return runtime != nullptr && *runtime != '\0' ? fmt::format("{}/{}", runtime, file)
                                                  : std::string();
}

std::optional<std::uint32_t> parse_mode(std::string_view text) {
    std::uint32_t mode = 0;
    constexpr int kOctal = 8;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, kOctal);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && mode <= 0777 ? std::optional(mode) : std::nullopt;
}

}  // namespace mimir::admin
