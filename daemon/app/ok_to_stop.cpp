#include "app/ok_to_stop.hpp"

#include <algorithm>

#include "base/rfc3339.hpp"

namespace mimir::app {
namespace {

constexpr std::string_view kIngester = "ingester";
/// Long enough for a node to restart and replay.
constexpr std::chrono::milliseconds kHeldFor = std::chrono::minutes(10);

/// Who has the yes of a cluster.
class Reservation {
  public:
    static Result<Reservation> of(Wiring& wiring) {
        const kv::Options options = ring_store(*wiring.settings(), ring_row(kIngester));
        MIMIR_TRY(kv::KvStore* const store, wiring.stores->at(options));
        return Reservation(*store, options.prefix + "ok-to-stop", wiring.identity_in(kIngester).id);
    }

    /// Errors: conflict, when another has it; its message says who.
    Result<void> take() {
        MIMIR_TRY(const auto held, store_.get(key_));
        if (held && held->value != self_) {
            return fail(
                ErrorKind::conflict, "{} has asked before, and may be stopped", held->value
            );
        }
        const std::uint64_t expected = held ? held->version : kv::kAbsent;
        const auto taken =
            store_.compare_and_swap(key_, expected, self_, {.time_to_live = kHeldFor});
        if (taken) return {};
        if (taken.error().kind != ErrorKind::conflict) return tl::unexpected(taken.error());
        return fail(ErrorKind::conflict, "another has asked at the same moment");
    }
    Result<void> release() {
        MIMIR_TRY(const auto held, store_.get(key_));
        if (!held || held->value != self_) return {};
        return store_.remove(key_, held->version);
    }

  private:
    Reservation(kv::KvStore& store, std::string key, std::string self)
        : store_(store), key_(std::move(key)), self_(std::move(self)) {}

    kv::KvStore& store_;
    const std::string key_;
    const std::string self_;
};

/// Why the ring cannot spare the member; empty when it can.
std::string reason_against(const ring::RingStatus& ring, const std::string& self) {
    if (!ring.problem.empty()) return ring.problem;
    if (ring.replication_factor < 2) return "each series has one copy, and some of them are here";
    const auto me = std::ranges::find(ring.members, self, [](const auto& member) {
        return member.instance.id;
    });
    if (me == ring.members.end()) return "";
    std::vector<std::string> missing;
    for (const ring::MemberStatus& member : ring.members) {
        const ring::Instance& instance = member.instance;
        const bool is_well = member.healthy && instance.state == ring::InstanceState::active;
        const bool shares_my_zone = !instance.zone.empty() && instance.zone == me->instance.zone;
        if (instance.id != self && !is_well && !shares_my_zone) missing.push_back(instance.id);
    }
    if (!missing.empty()) {
        return fmt::format("{} can't be counted on", fmt::join(missing, ", "));
    }
    const std::size_t quorum = ring.replication_factor / 2 + 1;
    if (ring.members.size() - 1 < quorum) {
        return fmt::format(
            "{} would be left of the {} that make a quorum", ring.members.size() - 1, quorum
        );
    }
    return "";
}

}  // namespace

Result<api::StopAdvice> ok_to_stop(Wiring& wiring) {
    const auto read = wiring.ring_slot(kIngester).get();
    const std::string self = wiring.identity_in(kIngester).id;
    if (!read) return api::StopAdvice{.ok = true, .why = "this process has no part in a ring"};
    const ring::RingStatus ring = read->status();
    const bool is_member = std::ranges::any_of(ring.members, [&](const auto& member) {
        return member.instance.id == self;
    });
    if (!is_member) return api::StopAdvice{.ok = true, .why = "this process is no ingester"};
    if (auto against = reason_against(ring, self); !against.empty()) {
        return api::StopAdvice{.ok = false, .why = std::move(against)};
    }
    MIMIR_TRY(auto reservation, Reservation::of(wiring));
    const auto taken = reservation.take();
    if (!taken && taken.error().kind != ErrorKind::conflict) return tl::unexpected(taken.error());
    if (!taken) return api::StopAdvice{.ok = false, .why = taken.error().message};
    // Someone may have left between the look and the yes.
    if (auto against = reason_against(read->status(), self); !against.empty()) {
        MIMIR_TRY(reservation.release());
        return api::StopAdvice{.ok = false, .why = std::move(against)};
    }
    return api::StopAdvice{
        .ok = true,
        .why = "the other ingesters make a quorum of every series",
        .reserved_until = wiring.clock.now() + kHeldFor,
    };
}

Result<api::StopAdvice> release_stop(Wiring& wiring) {
    if (wiring.ring_slot(kIngester).get()) {
        MIMIR_TRY(auto reservation, Reservation::of(wiring));
        MIMIR_TRY(reservation.release());
    }
    return api::StopAdvice{.ok = false, .why = "the reservation is given back"};
}

}  // namespace mimir::app
