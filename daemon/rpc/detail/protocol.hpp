#pragma once

// What client and server of the internal protocol agree on: docs/internal-protocol.md.

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "rpc/peer.hpp"

namespace mimir::rpc::detail {

inline constexpr std::string_view kPathPrefix = "/internal/v1/";
inline constexpr std::string_view kHelloPath = "/internal/v1/hello";

namespace header {
inline constexpr std::string_view kTenant = "X-Scope-OrgID";
inline constexpr std::string_view kTimeout = "X-Mimird-Timeout-Ms";
inline constexpr std::string_view kCluster = "X-Mimird-Cluster";
/// In a call: the version that it is made in. In an answer: "1-2", what the server speaks.
inline constexpr std::string_view kProtocol = "X-Mimird-Protocol";
/// In an answer to a call that did not reach its handler: why.
inline constexpr std::string_view kRefused = "X-Mimird-Refused";
}  // namespace header

namespace refused {
inline constexpr std::string_view kCluster = "cluster";
inline constexpr std::string_view kProtocol = "protocol";
}  // namespace refused

namespace content {
inline constexpr std::string_view kMessage = "application/x-protobuf";
inline constexpr std::string_view kError = "application/vnd.mimird.error";
inline constexpr std::string_view kFrames = "application/vnd.mimird.frames";
}  // namespace content

/// "1-2".
std::string to_string(const ProtocolRange& range);
std::optional<ProtocolRange> parse_protocol_range(std::string_view text);
/// The newest version that both speak.
std::optional<std::uint32_t> newest_common(const ProtocolRange& a, const ProtocolRange& b);

/// Appends the error as a wire::ErrorMessage, without kPeerUnreachable: the caller did reach this process.
void write_error(const Error& error, std::string& out);
/// An encoded wire::ErrorMessage, as an error of this process. One that can't be read is corrupt. It never has
/// kPeerUnreachable, whatever the other wrote.
Error read_error(std::string_view message);
/// An error of the connection to a peer: when it is unavailable, the peer is what can't be reached.
Error connection_error(Error error);

/// An error id that came from outside, in static storage. Ids that no release of ours would have, and more
/// than some thousand different ones, give the empty id.
/// Threads: any.
std::string_view intern_error_id(std::string_view id);

}  // namespace mimir::rpc::detail
