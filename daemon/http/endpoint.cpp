#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "http/client.hpp"

namespace mimir::http {
namespace {

/// The kernel's, without the NUL at the end.
constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

tl::unexpected<Error> no_address(std::string_view text) {
    return fail(
        ErrorKind::invalid,
        "\"{}\" is no address: want http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH",
        text
    );
}

/// What stands before the port; the colons of an IPv6 address are in brackets, which stay off.
std::string_view take_host(std::string_view& text) {
    const bool in_brackets = text.starts_with('[') && text.find(']') != std::string_view::npos;
    const std::size_t end = std::min(text.find(in_brackets ? ']' : ':'), text.size());
    const std::string_view host = in_brackets ? text.substr(1, end - 1) : text.substr(0, end);
    text.remove_prefix(in_brackets ? end + 1 : end);
    const std::string_view forbidden = in_brackets ? "/?#@[] " : "/?#@[]: ";
    return host.find_first_of(forbidden) == std::string_view::npos ? host : "";
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const std::string_view whole = text;
    if (text.starts_with("unix:///")) text.remove_prefix(std::string_view("unix://").size());
    if (text.starts_with('/')) return at_path(std::string(text));

    const bool tls = text.starts_with("https://");
    if (tls || text.starts_with("http://")) text.remove_prefix(text.find("//") + 2);
    if (text.ends_with('/')) text.remove_suffix(1);
    const std::string_view host = take_host(text);
    if (host.empty()) return no_address(whole);
    if (text.empty()) {
        const std::uint16_t usual = tls ? 443 : 80;
        return Endpoint{.host = std::string(host), .port = usual, .tls = tls};
    }
    if (!text.starts_with(':')) return no_address(whole);
    text.remove_prefix(1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
    if (error != std::errc() || end != text.end() || port == 0) return no_address(whole);
    return Endpoint{.host = std::string(host), .port = port, .tls = tls};
}

Result<Endpoint> Endpoint::at_path(std::string path) {
    if (path.size() <= kPathBytesMax) return Endpoint{.unix_path = std::move(path)};
    return fail(
        ErrorKind::invalid,
        "the path of a socket has at most {} bytes, not {}: \"{}\"",
        kPathBytesMax,
        path.size(),
        path
    );
}

std::string Endpoint::to_string() const {
    if (!unix_path.empty()) return "unix://" + unix_path;
    return (tls ? "https://" : "http://") + authority();
}

std::string Endpoint::authority() const {
    if (!unix_path.empty()) return "localhost";
    const bool is_v6 = host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace mimir::http
