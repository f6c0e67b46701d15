#include <charconv>

#include "http/client.hpp"

namespace mimir::http {

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const std::string_view whole = text;
    if (text.starts_with('/')) return Endpoint{.unix_path = std::string(text)};
    if (text.starts_with("unix://")) return Endpoint{.unix_path = std::string(text.substr(7))};
    if (text.starts_with("http://")) text.remove_prefix(7);
    if (text.ends_with('/')) text.remove_suffix(1);

    const std::size_t colon = text.rfind(':');
    const bool has_port = colon != std::string_view::npos && !text.ends_with(']');
    std::string_view host = text.substr(0, has_port ? colon : text.size());
    const std::string_view digits = has_port ? text.substr(colon + 1) : "80";
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), port);
    const bool port_ok = error == std::errc() && end == digits.end() && port != 0;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!port_ok || host.empty() || host.find_first_of("/?#@[] ") != std::string_view::npos) {
        return fail(
            ErrorKind::invalid,
            "\"{}\" is no address: want http://HOST:PORT, HOST:PORT or unix:///PATH",
            whole
        );
    }
    return Endpoint{.host = std::string(host), .port = port};
}

std::string Endpoint::to_string() const {
    if (!unix_path.empty()) return "unix://" + unix_path;
    const bool is_v6 = host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("http://[{}]:{}", host, port)
                 : fmt::format("http://{}:{}", host, port);
}

}  // namespace mimir::http
