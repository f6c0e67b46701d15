#include "ring/detail/table_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/assert.hpp"

namespace mimir::ring::detail {
namespace {

constexpr double kRing = 4294967296.0;

bool serves_reads(InstanceState state) { return state != InstanceState::joining; }

}  // namespace

TableView::TableView(Parts parts) : parts_(std::move(parts)) {
    MIMIR_ASSERT(
        parts_.options->replication_factor >= 1 &&
            parts_.options->replication_factor <= kReplicationFactorMax,
        "the replication factor is in bounds"
    );
    std::map<std::string_view, std::uint32_t> zones;
    const bool by_zone = parts_.options->zone_awareness_enabled;
    const auto& excluded_zones = parts_.options->excluded_zones;
    Slot slots = 0;
    for (const Slot slot : parts_.slots) slots = std::max(slots, slot + 1);
    by_slot_.resize(slots);
    for (MemberIndex i = 0; i < parts_.members.size(); ++i) {
        const Instance& instance = *parts_.members[i].instance;
        // Who has no tokens was never written to.
        const bool excluded =
            instance.tokens.empty() ||
            std::ranges::find(excluded_zones, instance.zone) != excluded_zones.end();
        const std::string_view zone = by_zone ? std::string_view(instance.zone) : "";
        std::uint32_t number = 0;
        if (!excluded) {
            const auto next = static_cast<std::uint32_t>(zones.size());
            number = zones.try_emplace(zone, next).first->second;
        }
        by_slot_[parts_.slots[i]] = {
            .seen = parts_.members[i].seen.get(),
            .index = i,
            .zone = number,
            .writes = instance.state == InstanceState::active && !instance.read_only,
            .reads = serves_reads(instance.state),
            .on_writes = !excluded && !instance.read_only,
            .on_reads = !excluded,
            .extends_reads = instance.state == InstanceState::pending ||
                             instance.state == InstanceState::joining,
        };
    }
    zone_count_ = zones.size();
    // Of all zones, also those that are read-only: a query that may miss a zone must not miss more
    // copies than a write may lack.
    const std::size_t zones_of_ring = std::max({zone_count_, parts_.zones_of_ring, std::size_t{1}});
    per_zone_ = std::max<std::size_t>(1, parts_.options->replication_factor / zones_of_ring);
    std::vector<std::size_t> writers(zone_count_);
    std::vector<std::size_t> readers(zone_count_);
    for (const Slot slot : parts_.slots) {
        const Seat& seat = by_slot_[slot];
        if (seat.on_writes) ++writers[seat.zone];
        if (seat.on_reads && !seat.extends_reads) ++readers[seat.zone];
    }
    findable_writers_ = findable(writers);
    findable_readers_ = findable(readers);
}

/// How many members a walk can find before it has gone around.
std::size_t TableView::findable(const std::vector<std::size_t>& members_of_zones) const {
    std::size_t found = 0;
    for (const std::size_t members : members_of_zones) found += std::min(members, per_zone_);
    return std::min(found, parts_.options->replication_factor);
}

bool TableView::is_fresh(MemberIndex member, SteadyTime now) const {
    return is_fresh(by_slot_[parts_.slots[member]], now);
}

bool TableView::is_healthy(MemberIndex member, Operation operation, SteadyTime now) const {
    const Seat& seat = by_slot_[parts_.slots[member]];
    return (operation == Operation::write ? seat.writes : seat.reads) && is_fresh(seat, now);
}

std::size_t TableView::zone_of(MemberIndex member) const {
    return by_slot_[parts_.slots[member]].zone;
}

bool TableView::excluded(MemberIndex member) const {
    return !by_slot_[parts_.slots[member]].on_reads;
}

ReplicationSet TableView::replicas(Token token, Operation operation, SteadyTime now) const {
    const bool write = operation == Operation::write;
    const std::size_t findable = write ? findable_writers_ : findable_readers_;
    struct Found {
        Slot slot;
        std::uint32_t zone;
        bool counts;
    };
    std::array<Found, kReplicationFactorMax> found;
    std::size_t found_count = 0;
    std::size_t counted = 0;
    const auto visit = [&](Slot slot) {
        const Seat& seat = by_slot_[slot];
        if (!(write ? seat.on_writes : seat.on_reads)) return true;
        std::size_t in_zone = 0;
        for (std::size_t i = 0; i < found_count; ++i) {
            if (found[i].slot == slot) return true;
            if (found[i].counts && found[i].zone == seat.zone) ++in_zone;
        }
        if (in_zone == per_zone_) return true;
        const bool counts = write || !seat.extends_reads;
        found[found_count++] = {slot, seat.zone, counts};
        if (counts) ++counted;
        return counted < findable && found_count < found.size();
    };
    if (findable > 0) parts_.table->walk(token, visit);

    ReplicationSet set;
    const std::size_t wanted = std::max(found_count, parts_.options->replication_factor);
    set.needed = static_cast<std::uint8_t>(wanted / 2 + 1);
    for (std::size_t i = 0; i < found_count; ++i) {
        const Seat& seat = by_slot_[found[i].slot];
        const bool healthy = (write ? seat.writes : seat.reads) && is_fresh(seat, now);
        if (healthy) set.members[set.count++] = seat.index;
    }
    if (set.has_quorum()) set.failures_max = static_cast<std::uint8_t>(set.count - set.needed);
    return set;
}

Result<ReadSet> TableView::read_set(SteadyTime now) const {
    if (parts_.options->zone_awareness_enabled) return read_set_by_zone(now);
    ReadSet set;
    std::size_t members = 0;
    for (MemberIndex i = 0; i < parts_.members.size(); ++i) {
        if (excluded(i)) continue;
        ++members;
        if (is_healthy(i, Operation::read, now)) set.members.push_back(i);
    }
    const std::size_t factor = parts_.options->replication_factor;
    const std::size_t required = std::max(members, factor) - factor / 2;
    if (set.members.size() < required) {
        return tl::unexpected(too_many_unhealthy(now, members - std::min(members, required)));
    }
    set.failures_max = set.members.size() - required;
    return set;
}

/// A zone with a member that is not healthy has failed as a whole: its other members lack what that
/// one holds, and other zones have all of it.
Result<ReadSet> TableView::read_set_by_zone(SteadyTime now) const {
    std::vector<bool> failed(zone_count_);
    for (MemberIndex i = 0; i < parts_.members.size(); ++i) {
        if (!excluded(i) && !is_healthy(i, Operation::read, now)) failed[zone_of(i)] = true;
    }
    const auto failed_count = static_cast<std::size_t>(std::ranges::count(failed, true));
    const std::size_t replicated = std::min(zone_count_, parts_.options->replication_factor);
    const std::size_t failed_max = replicated / 2;
    if (zone_count_ == 0 || failed_count > failed_max) {
        return tl::unexpected(too_many_unhealthy(now, failed_max));
    }
    ReadSet set{.failed_zones_max = failed_max - failed_count, .by_zone = true};
    for (MemberIndex i = 0; i < parts_.members.size(); ++i) {
        if (!excluded(i) && !failed[zone_of(i)]) set.members.push_back(i);
    }
    return set;
}

Error TableView::too_many_unhealthy(SteadyTime now, std::size_t failures_max) const {
    constexpr std::size_t kNamed = 5;
    std::string names;
    std::size_t unhealthy = 0;
    for (MemberIndex i = 0; i < parts_.members.size(); ++i) {
        if (excluded(i) || is_healthy(i, Operation::read, now)) continue;
        if (++unhealthy > kNamed) continue;
        const Instance& instance = *parts_.members[i].instance;
        fmt::format_to(
            std::back_inserter(names),
            "{}{} ({})",
            names.empty() ? "" : ", ",
            instance.id,
            is_fresh(i, now) ? to_string(instance.state) : "no heartbeat"
        );
    }
    if (unhealthy == 0) {
        return {ErrorKind::unavailable, {}, "too few instances in the ring for a quorum"};
    }
    return {
        ErrorKind::unavailable,
        {},
        fmt::format(
            "too many unhealthy instances in the ring: {}{}; at most {}{} may be",
            names,
            unhealthy > kNamed ? fmt::format(" and {} more", unhealthy - kNamed) : "",
            failures_max,
            parts_.options->zone_awareness_enabled ? " zones" : ""
        )
    };
}

std::vector<double> TableView::ownership() const {
    std::vector<double> owned(parts_.members.size());
    std::vector<std::vector<Placed>> rings(std::max<std::size_t>(zone_count_, 1));
    parts_.table->each([&](const Placed& placed) {
        const Seat& seat = by_slot_[placed.slot];
        if (!seat.on_reads) return;
        std::vector<Placed>& ring = rings[seat.zone];
        // The first of equal ones owns.
        if (ring.empty() || ring.back().token != placed.token) ring.push_back(placed);
    });
    for (const std::vector<Placed>& ring : rings) {
        for (std::size_t i = 0; i < ring.size(); ++i) {
            const auto end = static_cast<std::uint32_t>(ring[i].token);
            const auto begin =
                static_cast<std::uint32_t>(ring[i == 0 ? ring.size() - 1 : i - 1].token);
            const double length = ring.size() == 1 ? kRing : std::uint32_t{end - begin};
            owned[by_slot_[ring[i].slot].index] += length / kRing;
        }
    }
    return owned;
}

std::shared_ptr<const TableView> TableView::subset(const std::vector<MemberIndex>& members) const {
    Parts parts{
        .options = parts_.options,
        .revision = parts_.revision,
        .zones_of_ring = std::max(zone_count_, parts_.zones_of_ring),
    };
    std::vector<Placed> placed;
    for (const MemberIndex member : members) {
        const auto slot = static_cast<Slot>(parts.members.size());
        parts.members.push_back(parts_.members[member]);
        parts.slots.push_back(slot);
        for (const Token token : parts_.members[member].instance->tokens) {
            placed.push_back({token, slot});
        }
    }
    // Slots are in the order of ids, as equal tokens have to be.
    std::ranges::sort(placed);
    parts.table = std::make_shared<TokenTable>(std::move(placed));
    return std::make_shared<TableView>(std::move(parts));
}

}  // namespace mimir::ring::detail
