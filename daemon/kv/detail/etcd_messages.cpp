#include "kv/detail/etcd_messages.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "kv/detail/base64.hpp"
#include "kv/detail/prefix.hpp"

namespace mimir::kv::detail {
namespace {

using Json = nlohmann::json;

// Codes of gRPC.
constexpr std::int64_t kInvalidArgument = 3;
constexpr std::int64_t kDeadlineExceeded = 4;
constexpr std::int64_t kNotFound = 5;
constexpr std::int64_t kResourceExhausted = 8;
constexpr std::int64_t kFailedPrecondition = 9;
constexpr std::int64_t kUnavailable = 14;
constexpr std::int64_t kUnauthenticated = 16;

constexpr std::size_t kQuotedBytesMax = 200;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string number(std::uint64_t value) { return std::to_string(value); }

/// The whole keyspace is from "\0" to "\0".
Json range_of(std::string_view prefix) {
    const std::string end = prefix_end(prefix);
    const std::string_view zero("\0", 1);
    return {
        {"key", base64_encode(prefix.empty() ? zero : prefix)},
        {"range_end", base64_encode(end.empty() ? zero : std::string_view(end))},
    };
}

Json comparison(std::string_view key, std::uint64_t expected) {
    return {
        {"key", base64_encode(key)},
        {"target", "MOD"},
        {"result", "EQUAL"},
        {"mod_revision", number(expected)},
    };
}

Json present_version_of(std::string_view key) {
    return {{"request_range", {{"key", base64_encode(key)}, {"keys_only", true}}}};
}

tl::unexpected<Error> nonsense(std::string_view text) {
    return fail(
        ErrorKind::corrupt, "this is no answer of etcd: {:?}", text.substr(0, kQuotedBytesMax)
    );
}

/// A JSON object, in which members of other types than they should have count as left out.
class Object {
  public:
    explicit Object(Json json) : json_(std::move(json)) {}
    static Result<Object> parse(std::string_view text) {
        Json json = Json::parse(text, nullptr, false);
        if (!json.is_object()) return nonsense(text);
        return Object(std::move(json));
    }

    [[nodiscard]] bool has(const char* name) const { return json_.contains(name); }
    [[nodiscard]] Object object(const char* name) const {
        const auto at = json_.find(name);
        return Object(at != json_.end() && at->is_object() ? *at : Json::object());
    }
    [[nodiscard]] std::vector<Object> objects(const char* name) const {
        std::vector<Object> all;
        const auto at = json_.find(name);
        if (at == json_.end() || !at->is_array()) return all;
        for (const Json& each : *at) {
            if (each.is_object()) all.emplace_back(each);
        }
        return all;
    }
    [[nodiscard]] bool flag(const char* name) const {
        const auto at = json_.find(name);
        return at != json_.end() && at->is_boolean() && at->get<bool>();
    }
    [[nodiscard]] std::string text(const char* name) const {
        const auto at = json_.find(name);
        return at != json_.end() && at->is_string() ? at->get<std::string>() : std::string();
    }
    template <class T>
    [[nodiscard]] T number(const char* name) const {
        const auto at = json_.find(name);
        if (at == json_.end()) return 0;
        if (at->is_number()) return at->get<T>();
        T value = 0;
        const std::string digits = at->is_string() ? at->get<std::string>() : std::string();
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return error == std::errc() ? value : 0;
    }
    [[nodiscard]] Result<std::string> bytes(const char* name) const {
        return base64_decode(text(name));
    }

  private:
    Json json_;
};

std::uint64_t revision_of(const Object& answer) {
    return answer.object("header").number<std::uint64_t>("revision");
}

Result<Entry> entry_of(const Object& kv) {
    MIMIR_TRY(std::string key, kv.bytes("key"));
    MIMIR_TRY(std::string value, kv.bytes("value"));
    return Entry{std::move(key), std::move(value), kv.number<std::uint64_t>("mod_revision")};
}

Result<RangeAnswer> range_in(const Object& answer) {
    RangeAnswer range{
        .revision = revision_of(answer), .count = answer.number<std::uint64_t>("count")
    };
    for (const Object& kv : answer.objects("kvs")) {
        MIMIR_TRY(Entry entry, entry_of(kv));
        range.entries.push_back(std::move(entry));
    }
    return range;
}

/// Events come in the order of revisions; of several of one key in one answer the last counts.
Result<void> add_event(const Object& event, WatchAnswer& answer) {
    MIMIR_TRY(Entry entry, entry_of(event.object("kv")));
    answer.revision = std::max(answer.revision, entry.version);
    auto& [complete, changed, removed] = answer.update;
    std::erase(removed, entry.key);
    std::erase_if(changed, [&](const Entry& earlier) { return earlier.key == entry.key; });
    if (event.text("type") == "DELETE") {
        removed.push_back(std::move(entry.key));
    } else {
        changed.push_back(std::move(entry));
    }
    return {};
}

}  // namespace

std::string get_request(std::string_view key) { return dump({{"key", base64_encode(key)}}); }

std::string list_request(std::string_view prefix) {
    Json request = range_of(prefix);
    request["sort_target"] = "KEY";
    request["sort_order"] = "ASCEND";
    return dump(request);
}

std::string newest_request(std::string_view prefix) {
    Json request = range_of(prefix);
    request["sort_target"] = "MOD";
    request["sort_order"] = "DESCEND";
    request["limit"] = "1";
    request["keys_only"] = true;
    return dump(request);
}

std::string put_request(const PutRequest& put) {
    Json write = {{"key", base64_encode(put.key)}, {"value", base64_encode(put.value)}};
    if (put.lease != 0) write["lease"] = std::to_string(put.lease);
    return dump({
        {"compare", Json::array({comparison(put.key, put.expected)})},
        {"success", Json::array({{{"request_put", std::move(write)}}})},
        {"failure", Json::array({present_version_of(put.key)})},
    });
}

std::string remove_request(std::string_view key, std::uint64_t expected) {
    const Json remove = {{"request_delete_range", {{"key", base64_encode(key)}}}};
    return dump({
        {"compare", Json::array({comparison(key, expected)})},
        {"success", Json::array({remove})},
        {"failure", Json::array({present_version_of(key)})},
    });
}

std::string watch_request(std::string_view prefix, std::uint64_t from_revision) {
    Json create = range_of(prefix);
    create["start_revision"] = number(from_revision);
    return dump({{"create_request", std::move(create)}});
}

std::string grant_request(std::chrono::seconds time_to_live) {
    return dump({{"TTL", std::to_string(time_to_live.count())}});
}

std::string keepalive_request(std::int64_t lease) { return dump({{"ID", std::to_string(lease)}}); }

std::string authenticate_request(std::string_view username, std::string_view password) {
    return dump({{"name", username}, {"password", password}});
}

Result<RangeAnswer> parse_range(std::string_view body) {
    MIMIR_TRY(const auto answer, Object::parse(body));
    if (!answer.has("header")) return nonsense(body);
    return range_in(answer);
}

Result<TxnAnswer> parse_txn(std::string_view body) {
    MIMIR_TRY(const auto answer, Object::parse(body));
    TxnAnswer txn{.succeeded = answer.flag("succeeded"), .revision = revision_of(answer)};
    if (txn.revision == 0) return nonsense(body);
    for (const Object& response : answer.objects("responses")) {
        MIMIR_TRY(const auto range, range_in(response.object("response_range")));
        if (!range.entries.empty()) txn.present = range.entries.front().version;
    }
    return txn;
}

Result<std::int64_t> parse_grant(std::string_view body) {
    MIMIR_TRY(const auto answer, Object::parse(body));
    const auto lease = answer.number<std::int64_t>("ID");
    if (lease == 0) return nonsense(body);
    return lease;
}

Result<bool> parse_keepalive(std::string_view body) {
    MIMIR_TRY(const auto answer, Object::parse(body));
    const Object result = answer.object("result");
    if (result.number<std::int64_t>("ID") == 0) return nonsense(body);
    return result.number<std::int64_t>("TTL") > 0;
}

Result<std::string> parse_token(std::string_view body) {
    MIMIR_TRY(const auto answer, Object::parse(body));
    std::string token = answer.text("token");
    if (token.empty()) return nonsense("(a token was expected)");
    return token;
}

Result<WatchAnswer> parse_watch(std::string_view line) {
    MIMIR_TRY(const auto whole, Object::parse(line));
    WatchAnswer answer;
    if (whole.has("error")) {
        const Object error = whole.object("error");
        answer.ended = Error{
            ErrorKind::unavailable,
            {},
            fmt::format("etcd ended the watch: {}", error.text("message"))
        };
        return answer;
    }
    if (!whole.has("result")) return nonsense(line);
    const Object result = whole.object("result");
    answer.created = result.flag("created");
    if (result.flag("canceled")) {
        answer.compacted = result.number<std::uint64_t>("compact_revision") > 0;
        answer.ended = Error{
            ErrorKind::unavailable,
            {},
            fmt::format("etcd canceled the watch: {}", result.text("cancel_reason"))
        };
    }
    for (const Object& event : result.objects("events")) MIMIR_TRY(add_event(event, answer));
    return answer;
}

Refusal parse_refusal(int status, std::string_view body) {
    Refusal refusal;
    std::int64_t code = 0;
    if (const auto answer = Object::parse(body)) {
        code = answer->number<std::int64_t>("code");
        refusal.message = answer->text("message");
    }
    const auto says = [&](std::string_view text) {
        return refusal.message.find(text) != std::string::npos;
    };
    if (refusal.message.empty()) refusal.message = fmt::format("HTTP status {}", status);
    const bool without_token =
        code == kUnauthenticated || status == 401 || says("invalid auth token") ||
        (code == kInvalidArgument &&
         (says("user name is empty") || says("revision of auth store is old")));
    if (without_token) {
        refusal.kind = RefusalKind::no_token;
    } else if (code == kNotFound && says("lease not found")) {
        refusal.kind = RefusalKind::no_lease;
    } else if (code == kFailedPrecondition && says("authentication is not enabled")) {
        refusal.kind = RefusalKind::auth_off;
    } else if (code == kUnavailable || code == kDeadlineExceeded || code == kResourceExhausted ||
               status >= 500) {
        refusal.kind = RefusalKind::not_now;
    }
    return refusal;
}

}  // namespace mimir::kv::detail
