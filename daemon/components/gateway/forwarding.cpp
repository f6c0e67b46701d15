#include "components/gateway/forwarding.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/url.hpp"

namespace mimir::gateway {
namespace {

constexpr std::array<std::string_view, 9> kHopByHop = {
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
};
constexpr std::array<std::string_view, 4> kOfRequests = {
    "Host", "Content-Length", "Expect", "X-Forwarded-For"
};
constexpr std::array<std::string_view, 2> kOfAnswers = {"Content-Length", "Date"};
constexpr std::string_view kBetweenProcesses = "X-Mimird-";

template <std::size_t count>
bool is_one_of(const std::array<std::string_view, count>& names, std::string_view name) {
    return std::ranges::any_of(names, [&](std::string_view one) {
        return http::equals_ignoring_case(one, name);
    });
}

bool is_hop_by_hop(const http::Headers& headers, std::string_view name) {
    return is_one_of(kHopByHop, name) || headers.has_token("Connection", name);
}

bool is_between_processes(std::string_view name) {
    return http::equals_ignoring_case(name.substr(0, kBetweenProcesses.size()), kBetweenProcesses);
}

/// "192.0.2.1" of "192.0.2.1:4711", "2001:db8::1" of "[2001:db8::1]:4711"; empty for a unix socket.
std::string_view host_of(std::string_view address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) return "";
    address = address.substr(0, colon);
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    return address;
}

std::string forwarded_for(const http::Request& request) {
    std::string all;
    const auto append = [&](std::string_view one) {
        if (!all.empty() && !one.empty()) all += ", ";
        all += one;
    };
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        const auto [name, value] = request.headers[i];
        if (http::equals_ignoring_case(name, "X-Forwarded-For")) append(value);
    }
    append(host_of(request.peer.address));
    return all;
}

}  // namespace

std::string forwarded_target(const http::Request& request) {
    const std::size_t question = request.target.find('?');
    if (question == std::string::npos) return request.path;
    return request.path + request.target.substr(question);
}

http::Headers forwarded_headers(const http::Request& request) {
    http::Headers forwarded;
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        const auto [name, value] = request.headers[i];
        const bool is_ours = is_one_of(kOfRequests, name) || is_between_processes(name);
        if (!is_ours && !is_hop_by_hop(request.headers, name)) forwarded.add(name, value);
    }
    if (const std::string from = forwarded_for(request); !from.empty()) {
        forwarded.add("X-Forwarded-For", from);
    }
    return forwarded;
}

http::Headers answered_headers(const http::Headers& headers) {
    http::Headers answered;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        const auto [name, value] = headers[i];
        const bool is_ours = is_one_of(kOfAnswers, name);
        if (!is_ours && !is_hop_by_hop(headers, name)) answered.add(name, value);
    }
    return answered;
}

std::optional<std::uint64_t> content_length(const http::Headers& headers) {
    const auto text = headers.get("Content-Length");
    if (!text || headers.has("Transfer-Encoding")) return std::nullopt;
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(text->begin(), text->end(), bytes);
    if (error != std::errc() || end != text->end()) return std::nullopt;
    return bytes;
}

bool wants_upgrade(const http::Request& request) {
    const auto protocol = request.headers.get("Upgrade");
    // Who offers HTTP/2 goes on in HTTP/1.1 where that is not taken up.
    return protocol && request.headers.has_token("Connection", "Upgrade") &&
           !http::equals_ignoring_case(*protocol, "h2c");
}

bool is_internal(std::string_view path) {
    const auto decoded = http::percent_decode(path.substr(0, path.find('/', 1)));
    return decoded && *decoded == "/internal";
}

}  // namespace mimir::gateway
