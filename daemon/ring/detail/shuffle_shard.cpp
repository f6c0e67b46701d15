#include "ring/detail/shuffle_shard.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace mimir::ring::detail {
namespace {

/// FNV-1a of 64 bits over "<tenant>\0<zone>": which members a tenant gets is a promise between
/// processes and releases, so neither this nor the generator behind it may change.
std::uint64_t seed_of(std::string_view tenant, std::string_view zone) {
    std::uint64_t hash = 0xCBF29CE484222325;
    const auto add = [&](char byte) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3;
    };
    for (const char byte : tenant) add(byte);
    add('\0');
    for (const char byte : zone) add(byte);
    return hash;
}

class Picking {
  public:
    Picking(const TableView& view, const ShardRequest& request)
        : view_(view), request_(request), chosen_(view.members().size()), left_(view.zone_count()) {
        for (MemberIndex i = 0; i < chosen_.size(); ++i) {
            if (view.excluded(i)) continue;
            if (eligible(i) && !beside(i)) ++left_[view.zone_of(i)];
        }
    }

    void pick_from(std::size_t zone, std::string_view zone_name, std::size_t count) {
        if (count > left_[zone]) return pick_all(zone);
        SeededRandom random(seed_of(request_.tenant, zone_name));
        for (std::size_t i = 0; i < count; ++i) {
            const Token token{static_cast<std::uint32_t>(random.next() >> 32)};
            view_.walk(token, [&](MemberIndex member) {
                if (view_.zone_of(member) != zone || view_.excluded(member)) return true;
                if (chosen_[member] || !eligible(member)) return true;
                chosen_[member] = true;
                return beside(member);  // then also whom it stands before
            });
        }
    }

    [[nodiscard]] Shard result() const {
        Shard shard;
        for (MemberIndex i = 0; i < chosen_.size(); ++i) {
            if (chosen_[i]) shard.members.push_back(i);
            if (!request_.since) continue;
            const Instance& instance = *view_.members()[i].instance;
            for (const TimestampMs time : {instance.registered, instance.read_only_updated}) {
                if (time >= *request_.since) shard.since_max = std::min(shard.since_max, time);
            }
        }
        return shard;
    }

  private:
    void pick_all(std::size_t zone) {
        for (MemberIndex i = 0; i < chosen_.size(); ++i) {
            const bool here = !view_.excluded(i) && view_.zone_of(i) == zone;
            if (here && eligible(i)) chosen_[i] = true;
        }
    }
    [[nodiscard]] bool eligible(MemberIndex member) const {
        return request_.since || !view_.members()[member].instance->read_only;
    }
    /// Whether the shard of some time since had another in its place.
    [[nodiscard]] bool beside(MemberIndex member) const {
        if (!request_.since) return false;
        const Instance& instance = *view_.members()[member].instance;
        return instance.read_only || instance.registered >= *request_.since ||
               instance.read_only_updated >= *request_.since;
    }

    const TableView& view_;
    const ShardRequest& request_;
    std::vector<bool> chosen_;
    std::vector<std::size_t> left_;  // in each zone, how many a pick can end with
};

/// How many zones there were at `since`: when a new one comes, the others' share of a shard shrinks,
/// but what was written before is still where it is.
std::size_t zones_before(const TableView& view, std::optional<TimestampMs> since) {
    if (!since) return view.zone_count();
    std::vector<bool> before(view.zone_count());
    for (MemberIndex i = 0; i < view.members().size(); ++i) {
        if (view.excluded(i)) continue;
        if (view.members()[i].instance->registered < *since) before[view.zone_of(i)] = true;
    }
    const auto zones = static_cast<std::size_t>(std::ranges::count(before, true));
    return zones == 0 ? view.zone_count() : zones;
}

}  // namespace

Shard shuffle_shard(const TableView& view, const ShardRequest& request) {
    const std::size_t zones = std::max<std::size_t>(zones_before(view, request.since), 1);
    const std::size_t per_zone = (request.size + zones - 1) / zones;
    Picking picking(view, request);
    std::vector<bool> done(view.zone_count());
    for (MemberIndex i = 0; i < view.members().size(); ++i) {
        if (view.excluded(i)) continue;
        const std::size_t zone = view.zone_of(i);
        if (done[zone]) continue;
        done[zone] = true;
        const bool by_zone = view.options().zone_awareness_enabled;
        const std::string_view name =
            by_zone ? std::string_view(view.members()[i].instance->zone) : "";
        picking.pick_from(zone, name, per_zone);
    }
    return picking.result();
}

}  // namespace mimir::ring::detail
