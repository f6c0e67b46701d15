#include "components/query_scheduler/queue.hpp"

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace mimir::query_scheduler {
namespace {

/// So long nobody notices that a querier's last offer was made anew, or came over a new connection.
constexpr std::chrono::seconds kQuerierLinger{1};
/// What has gone stale may stay for so long.
constexpr std::chrono::seconds kPurgeInterval{1};

/// Which queriers are a tenant's: the ones with the highest weights. Who comes or goes changes no more than one.
std::uint64_t weight(std::string_view tenant, std::string_view querier) {
    return XXH3_64bits_withSeed(
        querier.data(), querier.size(), XXH3_64bits(tenant.data(), tenant.size())
    );
}

}  // namespace

struct Queue::Tenant {
    std::string name;
    TenantLimits limits;
    Requests waiting;
    std::size_t busy = 0;
    TimePoint last_seen;
    std::shared_ptr<telemetry::Gauge> queue_length;  // null until it has had to wait
    /// Its queriers, as of a revision of all.
    std::vector<const Querier*> queriers;
    std::uint64_t queriers_revision = 0;
};

struct Queue::Querier {
    std::string id;
    std::size_t slots = 0;  // open and busy ones
    TimePoint last_seen;
};

Queue::Queue(Options options, Metrics& metrics, TimePoint now)
    : options_(options), metrics_(metrics), queriers_seen_(now), purged_(now) {}
Queue::~Queue() = default;

Result<Queue::Acquired> Queue::acquire(
    std::string_view name, const CancellationToken& token, const TenantLimits& limits, TimePoint now
) {
    if (stopped_) return fail(ErrorKind::unavailable, "the query-scheduler stops");
    Tenant& tenant = tenant_of(name);
    tenant.limits = limits;
    tenant.last_seen = now;
    if (tenant.waiting.empty() && may_take_another(tenant)) {
        if (const auto slot = open_slot_for(tenant); slot != offers_.end()) {
            metrics_.queue_duration.observe(0);
            Acquired assigned = assign(tenant, slot, now);
            expose();
            return assigned;
        }
    }
    if (tenant.waiting.size() >= limits.outstanding_max) {
        metrics_.discarded_requests.with({name})->inc();
        return tl::unexpected(Error{
            ErrorKind::limit,
            rpc::QueryScheduler::kTooManyOutstanding,
            "too many outstanding requests"
        });
    }
    auto request = std::make_shared<Request>();
    request->token = token;
    request->since = now;
    request->tenant = &tenant;
    if (tenant.waiting.empty()) turns_.push_back(&tenant);
    request->place = tenant.waiting.insert(tenant.waiting.end(), request);
    ++waiting_;
    set_waiting(tenant);
    expose();
    return request;
}

Result<Queue::OfferPtr> Queue::offer(
    rpc::SlotOffer slot, const CancellationToken& token, TimePoint now
) {
    if (slot.ended_ticket != 0) void_ticket(slot.ended_ticket, now);
    // A call that comes twice: its first one's connection is gone.
    void_ticket(slot.ticket, now);
    if (stopped_) return fail(ErrorKind::unavailable, "the query-scheduler stops");
    auto offer = std::make_shared<Offer>();
    offer->slot = std::move(slot);
    offer->token = token;
    offer->querier = &querier_of(offer->slot.querier_id);
    ++offer->querier->slots;
    offer->place = offers_.insert(offers_.end(), offer);
    match(now);
    expose();
    return offer;
}

void Queue::withdraw(Request& request, TimePoint now) {
    if (request.outcome) return;
    finish(request, fail(ErrorKind::canceled, "the request was canceled"), now);
    expose();
}

void Queue::withdraw(Offer& offer, TimePoint now) {
    if (offer.outcome) return;
    finish(offer, fail(ErrorKind::canceled, "the offer was taken back"), now);
    expose();
}

void Queue::end(std::uint64_t ticket, TimePoint now) {
    void_ticket(ticket, now);
    match(now);
    expose();
}

void Queue::tick(TimePoint now) {
    for (auto at = offers_.begin(); at != offers_.end();) {
        const OfferPtr offer = *at++;
        if (auto checked = offer->token.check(); !checked) finish(*offer, checked, now);
    }
    if (!offers_.empty() || !busy_.empty()) queriers_seen_ = now;
    for (auto turn = turns_.begin(); turn != turns_.end();) {
        Tenant& tenant = **turn++;
        for (auto at = tenant.waiting.begin(); at != tenant.waiting.end();) {
            const RequestPtr request = *at++;
            if (auto checked = request->token.check(); !checked) {
                finish(*request, tl::unexpected(checked.error()), now);
            } else if (now - std::max(request->since, queriers_seen_) >=
                       options_.no_querier_timeout) {
                finish(*request, fail(ErrorKind::unavailable, "no querier is running"), now);
            }
        }
    }
    if (now - purged_ >= kPurgeInterval) purge(now);
    match(now);
    expose();
}

void Queue::stop(TimePoint now) {
    stopped_ = true;
    while (!turns_.empty()) {
        const RequestPtr request = turns_.front()->waiting.front();
        finish(*request, fail(ErrorKind::unavailable, "the query-scheduler stops"), now);
    }
    while (!offers_.empty()) {
        const OfferPtr offer = offers_.front();
        finish(*offer, fail(ErrorKind::unavailable, "the query-scheduler stops"), now);
    }
    expose();
}

Queue::Tenant& Queue::tenant_of(std::string_view name) {
    const auto known = tenants_.find(name);
    if (known != tenants_.end()) return *known->second;
    auto tenant = std::make_unique<Tenant>();
    tenant->name = name;
    return *tenants_.emplace(tenant->name, std::move(tenant)).first->second;
}

Queue::Querier& Queue::querier_of(const std::string& id) {
    std::unique_ptr<Querier>& querier = queriers_[id];
    if (!querier) {
        querier = std::make_unique<Querier>();
        querier->id = id;
        ++queriers_revision_;
    }
    return *querier;
}

bool Queue::may_take_another(const Tenant& tenant) const {
    const std::size_t open = offers_.size();
    const std::size_t all = open + busy_.size();
    if (tenants_.size() <= 1 || all <= 1) return true;
    const std::size_t kept_free = std::max<std::size_t>(1, all / 4);
    // Rounded up: when all are here and have their share, nothing is left.
    const std::size_t share = (all + tenants_.size() - 1) / tenants_.size();
    return open > kept_free || tenant.busy < share;
}

bool Queue::is_allowed(Tenant& tenant, const Querier& querier) {
    const std::size_t count = tenant.limits.queriers_max;
    if (count == 0 || count >= queriers_.size()) return true;
    std::vector<const Querier*>& chosen = tenant.queriers;
    if (tenant.queriers_revision != queriers_revision_ || chosen.size() != count) {
        chosen.clear();
        for (const auto& [id, known] : queriers_) chosen.push_back(known.get());
        const auto heavier = [&](const Querier* a, const Querier* b) {
            return weight(tenant.name, a->id) > weight(tenant.name, b->id);
        };
        const auto end = chosen.begin() + static_cast<std::ptrdiff_t>(count);
        std::partial_sort(chosen.begin(), end, chosen.end(), heavier);
        chosen.erase(end, chosen.end());
        tenant.queriers_revision = queriers_revision_;
    }
    return std::find(chosen.begin(), chosen.end(), &querier) != chosen.end();
}

Queue::Offers::iterator Queue::open_slot_for(Tenant& tenant) {
    return std::find_if(offers_.begin(), offers_.end(), [&](const OfferPtr& offer) {
        return !offer->token.canceled() && is_allowed(tenant, *offer->querier);
    });
}

rpc::Assignment Queue::assign(Tenant& tenant, Offers::iterator place, TimePoint now) {
    const OfferPtr offer = *place;
    Querier& querier = *offer->querier;
    rpc::Assignment assignment{
        .querier_id = offer->slot.querier_id,
        .address = offer->slot.address,
        .ticket = offer->slot.ticket
    };
    finish(*offer, Result<void>(), now);
    ++querier.slots;
    ++tenant.busy;
    busy_.insert_or_assign(
        assignment.ticket, Busy{.tenant = &tenant, .querier = &querier, .since = now}
    );
    return assignment;
}

void Queue::match(TimePoint now) {
    while (!offers_.empty()) {
        Tenant* first = nullptr;
        auto slot = offers_.end();
        for (Tenant* tenant : turns_) {
            if (first != nullptr && tenant->busy >= first->busy) continue;
            if (!may_take_another(*tenant)) continue;
            const auto open = open_slot_for(*tenant);
            if (open == offers_.end()) continue;
            first = tenant;
            slot = open;
        }
        if (first == nullptr) return;
        const RequestPtr request = first->waiting.front();
        if (auto checked = request->token.check(); !checked) {
            finish(*request, tl::unexpected(checked.error()), now);
            continue;
        }
        metrics_.queue_duration.observe(now - request->since);
        turns_.remove(first);
        turns_.push_back(first);
        finish(*request, assign(*first, slot, now), now);
    }
}

void Queue::finish(Request& request, Result<rpc::Assignment> outcome, TimePoint now) {
    Tenant& tenant = *request.tenant;
    request.outcome = std::move(outcome);
    request.bell.ring();
    tenant.last_seen = std::max(tenant.last_seen, now);
    tenant.waiting.erase(request.place);  // may have been the last that held it, but for the caller
    --waiting_;
    if (tenant.waiting.empty()) turns_.remove(&tenant);
    set_waiting(tenant);
}

void Queue::finish(Offer& offer, Result<void> outcome, TimePoint now) {
    offer.outcome = std::move(outcome);
    offer.bell.ring();
    --offer.querier->slots;
    offer.querier->last_seen = now;
    queriers_seen_ = std::max(queriers_seen_, now);
    offers_.erase(offer.place);
}

void Queue::set_waiting(Tenant& tenant) {
    if (!tenant.queue_length) tenant.queue_length = metrics_.queue_length.with({tenant.name});
    tenant.queue_length->set(static_cast<double>(tenant.waiting.size()));
}

/// Whether its slot is busy, or is still offered by a call that has ended at the other end.
void Queue::void_ticket(std::uint64_t ticket, TimePoint now) {
    if (forget(ticket, now)) return;
    const auto open = std::find_if(offers_.begin(), offers_.end(), [&](const OfferPtr& offer) {
        return offer->slot.ticket == ticket;
    });
    if (open == offers_.end()) return;
    const OfferPtr offer = *open;
    finish(*offer, fail(ErrorKind::canceled, "the offer was taken back"), now);
}

bool Queue::forget(std::uint64_t ticket, TimePoint now) {
    const auto at = busy_.find(ticket);
    if (at == busy_.end()) return false;
    --at->second.tenant->busy;
    at->second.tenant->last_seen = now;
    --at->second.querier->slots;
    at->second.querier->last_seen = now;
    queriers_seen_ = now;
    busy_.erase(at);
    return true;
}

void Queue::purge(TimePoint now) {
    purged_ = now;
    std::vector<std::uint64_t> lost;
    for (const auto& [ticket, busy] : busy_) {
        if (now - busy.since >= kBusyMax) lost.push_back(ticket);
    }
    for (const std::uint64_t ticket : lost) forget(ticket, now);
    std::erase_if(tenants_, [&](const auto& entry) {
        const Tenant& tenant = *entry.second;
        const bool stale =
            tenant.waiting.empty() && tenant.busy == 0 && now - tenant.last_seen >= kPresentFor;
        if (stale && tenant.queue_length) metrics_.queue_length.remove({tenant.name});
        return stale;
    });
    const auto linger = std::max<TimePoint::duration>(kQuerierLinger, options_.forget_delay);
    const std::size_t gone = std::erase_if(queriers_, [&](const auto& entry) {
        const Querier& querier = *entry.second;
        return querier.slots == 0 && now - querier.last_seen >= linger;
    });
    if (gone > 0) ++queriers_revision_;
}

void Queue::expose() const {
    metrics_.inflight_requests.set(static_cast<double>(waiting_ + busy_.size()));
    metrics_.open_slots.set(static_cast<double>(offers_.size()));
    const auto connected = std::count_if(queriers_.begin(), queriers_.end(), [](const auto& entry) {
        return entry.second->slots > 0;
    });
    metrics_.connected_queriers.set(static_cast<double>(connected));
}

}  // namespace mimir::query_scheduler
