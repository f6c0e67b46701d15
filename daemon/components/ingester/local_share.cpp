#include "components/ingester/local_share.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace mimir::ingester {

std::uint64_t local_share(std::uint64_t global, const RingShape& shape, std::size_t shard_size) {
    if (global == 0) return 0;
    const std::size_t zones = std::max<std::size_t>(1, shape.zones);
    std::size_t ingesters = std::max<std::size_t>(1, shape.ingesters_in_zone);
    if (shard_size > 0) ingesters = std::min(ingesters, (shard_size + zones - 1) / zones);
    const double share = static_cast<double>(global) *
                         static_cast<double>(shape.replication_factor) /
                         static_cast<double>(zones) / static_cast<double>(ingesters);
    if (share >= static_cast<double>(global)) return global;
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(share));
}

RingShape shape_of(const ring::RingView& view, std::string_view zone) {
    RingShape shape{.replication_factor = view.options().replication_factor};
    const bool by_zone = view.options().zone_awareness_enabled;
    std::set<std::string_view> zones;
    std::size_t ingesters = 0;
    for (const ring::Member& member : view.members()) {
        const ring::Instance& instance = *member.instance;
        if (instance.state != ring::InstanceState::active || instance.read_only) continue;
        zones.insert(instance.zone);
        if (!by_zone || instance.zone == zone) ++ingesters;
    }
    if (by_zone) shape.zones = std::max<std::size_t>(1, zones.size());
    shape.ingesters_in_zone = std::max<std::size_t>(1, ingesters);
    return shape;
}

RingShape RingShapes::now() const {
    auto view = ring_.view();
    return known_.with([&](Known& known) {
        if (known.view != view) known = {view, shape_of(*view, zone_)};
        return known.shape;
    });
}

}  // namespace mimir::ingester
