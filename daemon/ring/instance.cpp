#include "ring/instance.hpp"

#include <algorithm>
#include <limits>

#include "wire/proto.hpp"

namespace mimir::ring {
namespace {

// Mimir's InstanceDesc. Its times are whole seconds; what these lack is ours, below.
constexpr std::uint32_t kAddress = 1;
constexpr std::uint32_t kHeartbeatSeconds = 2;
constexpr std::uint32_t kState = 3;
constexpr std::uint32_t kTokens = 6;
constexpr std::uint32_t kZone = 7;
constexpr std::uint32_t kRegisteredSeconds = 8;
constexpr std::uint32_t kId = 9;
constexpr std::uint32_t kReadOnlyUpdatedSeconds = 10;
constexpr std::uint32_t kReadOnly = 11;
// Ours.
constexpr std::uint32_t kIncarnation = 100;
constexpr std::uint32_t kHeartbeatMs = 101;  // 0 to 999, beside the seconds
constexpr std::uint32_t kRegisteredMs = 102;
constexpr std::uint32_t kReadOnlyUpdatedMs = 103;

constexpr std::int64_t kMsPerSecond = 1000;

/// A time in its two fields.
struct SplitTime {
    std::int64_t seconds = 0;
    std::uint64_t ms = 0;

    [[nodiscard]] bool valid() const {
        constexpr std::int64_t kSecondsMax =
            std::numeric_limits<std::int64_t>::max() / kMsPerSecond - 1;
        return seconds >= 0 && seconds <= kSecondsMax && ms < std::uint64_t{kMsPerSecond};
    }
    [[nodiscard]] TimestampMs time() const {
        return {seconds * kMsPerSecond + static_cast<std::int64_t>(ms)};
    }
};

void write_time(
    wire::ProtoWriter& out, TimestampMs time, std::uint32_t seconds_field, std::uint32_t ms_field
) {
    if (time.ms <= 0) return;
    out.int64(seconds_field, time.ms / kMsPerSecond);
    const auto ms = static_cast<std::uint64_t>(time.ms % kMsPerSecond);
    if (ms != 0) out.uint64(ms_field, ms);
}

}  // namespace

std::string_view to_string(InstanceState state) {
    switch (state) {
        case InstanceState::active: return "ACTIVE";
        case InstanceState::leaving: return "LEAVING";
        case InstanceState::pending: return "PENDING";
        case InstanceState::joining: return "JOINING";
    }
    return "UNKNOWN";
}

std::string encode(const Instance& instance) {
    std::string bytes;
    wire::ProtoWriter out(bytes);
    if (!instance.address.empty()) out.bytes(kAddress, instance.address);
    write_time(out, instance.heartbeat, kHeartbeatSeconds, kHeartbeatMs);
    if (instance.state != InstanceState::active) {
        out.uint64(kState, static_cast<std::uint64_t>(instance.state));
    }
    if (!instance.tokens.empty()) {
        std::string packed;
        encoding::ByteWriter writer(packed);
        for (const Token token : instance.tokens) writer.uvarint(static_cast<std::uint32_t>(token));
        out.bytes(kTokens, packed);
    }
    if (!instance.zone.empty()) out.bytes(kZone, instance.zone);
    write_time(out, instance.registered, kRegisteredSeconds, kRegisteredMs);
    if (!instance.id.empty()) out.bytes(kId, instance.id);
    write_time(out, instance.read_only_updated, kReadOnlyUpdatedSeconds, kReadOnlyUpdatedMs);
    if (instance.read_only) out.uint64(kReadOnly, 1);
    if (instance.incarnation != 0) out.uint64(kIncarnation, instance.incarnation);
    return bytes;
}

Result<Instance> decode_instance(std::string_view bytes) {
    Instance instance;
    instance.state = InstanceState::active;
    std::uint64_t state = 0;
    std::uint64_t token_max = 0;
    SplitTime heartbeat;
    SplitTime registered;
    SplitTime read_only_updated;
    wire::ProtoReader in(bytes);
    while (in.next()) {
        switch (in.field()) {
            case kAddress: instance.address = in.bytes(); break;
            case kHeartbeatSeconds: heartbeat.seconds = in.int64(); break;
            case kState: state = in.uint64(); break;
            case kTokens:
                in.each_uint64([&](std::uint64_t token) {
                    token_max = std::max(token_max, token);
                    instance.tokens.push_back(Token{static_cast<std::uint32_t>(token)});
                });
                break;
            case kZone: instance.zone = in.bytes(); break;
            case kRegisteredSeconds: registered.seconds = in.int64(); break;
            case kId: instance.id = in.bytes(); break;
            case kReadOnlyUpdatedSeconds: read_only_updated.seconds = in.int64(); break;
            case kReadOnly: instance.read_only = in.uint64() != 0; break;
            case kIncarnation: instance.incarnation = in.uint64(); break;
            case kHeartbeatMs: heartbeat.ms = in.uint64(); break;
            case kRegisteredMs: registered.ms = in.uint64(); break;
            case kReadOnlyUpdatedMs: read_only_updated.ms = in.uint64(); break;
            default: break;
        }
    }
    if (!in.ok()) return fail(ErrorKind::corrupt, "a ring's instance: malformed protobuf");
    if (state > static_cast<std::uint64_t>(InstanceState::joining)) {
        return fail(ErrorKind::corrupt, "instance {}: unknown state {}", instance.id, state);
    }
    if (token_max > std::numeric_limits<std::uint32_t>::max()) {
        return fail(
            ErrorKind::corrupt, "instance {}: token {} has over 32 bits", instance.id, token_max
        );
    }
    if (!heartbeat.valid() || !registered.valid() || !read_only_updated.valid()) {
        return fail(ErrorKind::corrupt, "instance {}: a time out of range", instance.id);
    }
    instance.state = static_cast<InstanceState>(state);
    instance.heartbeat = heartbeat.time();
    instance.registered = registered.time();
    instance.read_only_updated = read_only_updated.time();
    if (!std::ranges::is_sorted(instance.tokens)) std::ranges::sort(instance.tokens);
    const auto repeated = std::ranges::unique(instance.tokens);
    instance.tokens.erase(repeated.begin(), repeated.end());
    return instance;
}

}  // namespace mimir::ring
