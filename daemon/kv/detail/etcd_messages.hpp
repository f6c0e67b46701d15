#pragma once

// Requests and answers of etcd's JSON gateway. In its JSON, keys and values are base64, integers of
// 64 bits are strings, and what is zero, false or empty is left out.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "kv/kv_store.hpp"

namespace mimir::kv::detail {

// Bodies of requests.

std::string get_request(std::string_view key);
std::string list_request(std::string_view prefix);
/// How many keys there are under the prefix, and the one that changed last, without its value.
std::string newest_request(std::string_view prefix);
struct PutRequest {
    std::string_view key;
    std::uint64_t expected = kAbsent;
    std::string_view value;
    /// 0: none.
    std::int64_t lease = 0;
};
std::string put_request(const PutRequest& put);
std::string remove_request(std::string_view key, std::uint64_t expected);
std::string watch_request(std::string_view prefix, std::uint64_t from_revision);
std::string grant_request(std::chrono::seconds time_to_live);
std::string keepalive_request(std::int64_t lease);
std::string authenticate_request(std::string_view username, std::string_view password);

// Answers. Errors of all: corrupt, when it is not what etcd says.

struct RangeAnswer {
    std::uint64_t revision = 0;
    std::uint64_t count = 0;
    std::vector<Entry> entries;
};
Result<RangeAnswer> parse_range(std::string_view body);

struct TxnAnswer {
    bool succeeded = false;
    std::uint64_t revision = 0;
    /// When it did not succeed.
    std::uint64_t present = kAbsent;
};
Result<TxnAnswer> parse_txn(std::string_view body);

Result<std::int64_t> parse_grant(std::string_view body);
/// False when the lease is gone.
Result<bool> parse_keepalive(std::string_view body);
Result<std::string> parse_token(std::string_view body);

/// One line of a watch.
struct WatchAnswer {
    bool created = false;
    /// The greatest revision of its events; 0 without any.
    std::uint64_t revision = 0;
    Update update;
    /// The watch has ended: because what came next is compacted away, or for this reason.
    bool compacted = false;
    std::optional<Error> ended;
};
Result<WatchAnswer> parse_watch(std::string_view line);

/// What an answer of another status than 200 says.
enum class RefusalKind : std::uint8_t {
    refused,   ///< For good: nothing was done.
    no_lease,  ///< The lease is gone: nothing was done.
    no_token,  ///< A new token is needed: nothing was done.
    auth_off,  ///< This etcd asks nobody who they are.
    not_now,   ///< No leader, overloaded, shutting down: a write may have been done.
};
struct Refusal {
    RefusalKind kind = RefusalKind::refused;
    std::string message;
};
Refusal parse_refusal(int status, std::string_view body);

}  // namespace mimir::kv::detail
