#include "http/detail/response_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace mimir::http::detail {
namespace {

/// "Mon, 23 Nov 2026 09:00:00 GMT"; formatted once a second on each thread.
const std::string& http_date() {
    thread_local std::time_t formatted_at = 0;
    thread_local std::string text;
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    if (now != formatted_at) {
        formatted_at = now;
        std::tm utc{};
        ::gmtime_r(&now, &utc);
        char buffer[64];
        text.assign(
            buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &utc)
        );
    }
    return text;
}

/// A line break in a value would let its author write headers of his own.
void append_value(std::string& out, std::string_view value) {
    for (const char c : value) out += c == '\r' || c == '\n' ? ' ' : c;
}

/// True for an element of Accept-Encoding like "gzip;q=0.0".
bool has_zero_quality(std::string_view element) {
    const std::size_t q = element.find("q=");
    if (q == std::string_view::npos) return false;
    return element.substr(q + 2).find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

std::string response_head(const Response& response, const ResponseFraming& framing) {
    std::string head;
    head.reserve(256);
    auto out = std::back_inserter(head);
    fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
    for (std::size_t i = 0; i < response.headers.size(); ++i) {
        head += response.headers[i].name;
        head += ": ";
        append_value(head, response.headers[i].value);
        head += "\r\n";
    }
    fmt::format_to(out, "Date: {}\r\n", http_date());
    if (!is_bodyless(response.status)) {
        if (framing.body_bytes) {
            fmt::format_to(out, "Content-Length: {}\r\n", *framing.body_bytes);
        } else if (framing.version >= 11) {
            head += "Transfer-Encoding: chunked\r\n";
        }
    }
    if (!framing.keep_alive) head += "Connection: close\r\n";
    head += "\r\n";
    return head;
}

std::string last_response(const Response& response) {
    const ResponseFraming framing{.body_bytes = response.body.size(), .keep_alive = false};
    return response_head(response, framing) + response.body;
}

bool accepts_gzip(const Headers& headers) {
    std::string_view rest = headers.get("Accept-Encoding").value_or("");
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view element = rest.substr(0, comma);
        if (element.find("gzip") != std::string_view::npos) return !has_zero_quality(element);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return false;
}

bool is_bodyless(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace mimir::http::detail
