#include "rpc/detail/protocol.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/guarded.hpp"
#include "wire/internal.hpp"

namespace mimir::rpc::detail {
namespace {

/// Ours are some dozens, of 20 to 50 bytes.
constexpr std::size_t kIdsMax = 4096;
constexpr std::size_t kIdBytesMax = 128;

bool is_id(std::string_view text) {
    return text.size() <= kIdBytesMax && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
    if (error != std::errc() || end != text.end()) return std::nullopt;
    return number;
}

}  // namespace

std::string to_string(const ProtocolRange& range) {
    return fmt::format("{}-{}", range.min, range.max);
}

std::optional<ProtocolRange> parse_protocol_range(std::string_view text) {
    const std::size_t dash = std::min(text.find('-'), text.size());
    const auto min = parse_number(text.substr(0, dash));
    const auto max = dash == text.size() ? min : parse_number(text.substr(dash + 1));
    if (!min || !max) return std::nullopt;
    return ProtocolRange{.min = *min, .max = *max};
}

std::optional<std::uint32_t> newest_common(const ProtocolRange& a, const ProtocolRange& b) {
    const std::uint32_t newest = std::min(a.max, b.max);
    if (newest < std::max(a.min, b.min)) return std::nullopt;
    return newest;
}

void write_error(const Error& error, std::string& out) {
    wire::encode_error(without_peer(error), out);
}

Error read_error(std::string_view message) {
    auto decoded = wire::decode_error(message);
    if (!decoded) return std::move(decoded).error();
    return without_peer({decoded->kind, intern_error_id(decoded->id), std::move(decoded->text)});
}

Error connection_error(Error error) {
    if (error.kind == ErrorKind::unavailable) error.id = kPeerUnreachable;
    return error;
}

std::string_view intern_error_id(std::string_view id) {
    if (id.empty() || !is_id(id)) return {};
    // Never destroyed: errors are read until the process ends.
    static auto& known = *new Guarded<std::set<std::string, std::less<>>>();
    return known.with([&](auto& ids) -> std::string_view {
        auto at = ids.find(id);
        if (at == ids.end()) {
            if (ids.size() >= kIdsMax) return {};
            at = ids.emplace(id).first;
        }
        return *at;
    });
}

}  // namespace mimir::rpc::detail
