#include "components/querier/offers.hpp"

#include <algorithm>
#include <atomic>
#include <functional>

#include "runtime/run_on.hpp"

namespace mimir::querier {

/// One slot, from the day it is offered to a scheduler to the day it is taken from it.
struct Offers::Slot {
    explicit Slot(rpc::QuerySchedulerEntry scheduler) : entry(std::move(scheduler)) {}

    const rpc::QuerySchedulerEntry entry;
    CancellationToken token = CancellationToken::create();
    runtime::Bell canceled;
    /// No query has it: it can be taken back at once.
    std::atomic<bool> is_open = true;

    void cancel() {
        token.cancel();
        canceled.ring();
    }
};

std::map<rpc::QuerySchedulerEntry, std::size_t> spread(
    std::size_t slots,
    const std::vector<rpc::QuerySchedulerEntry>& schedulers,
    std::string_view querier_id
) {
    std::map<rpc::QuerySchedulerEntry, std::size_t> shares;
    const std::size_t count = schedulers.size();
    if (count == 0) return shares;
    const std::size_t all = std::max(slots, count);
    const std::size_t first = std::hash<std::string_view>{}(querier_id) % count;
    for (std::size_t i = 0; i < count; ++i) {
        shares[schedulers[(first + i) % count]] = all / count + (i < all % count ? 1 : 0);
    }
    return shares;
}

Offers::Offers(Options options, Environment environment)
    : options_(options), environment_(std::move(environment)), tasks_(environment_.io) {
    tasks_.spawn(keep());
}

Offers::~Offers() { stop(); }

void Offers::take_back() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        for (const SlotPtr& slot : slots_) slot->cancel();
    }
    environment_.slots.stop();
    changed_.ring();
}

void Offers::stop() {
    take_back();
    const auto until_all_ended = [](Offers& self) -> asio::awaitable<void> {
        for (;;) {
            const std::uint64_t seen = self.changed_.rings();
            {
                const std::lock_guard lock(self.mutex_);
                if (self.slots_.empty()) co_return;
            }
            co_await self.changed_.wait(seen, std::chrono::hours(1));
        }
    };
    runtime::wait(environment_.io, until_all_ended(*this));
    tasks_.stop();
}

asio::awaitable<void> Offers::keep() {
    for (;;) {
        const std::uint64_t seen = changed_.rings();
        look();
        co_await changed_.wait(seen, options_.look_interval);
    }
}

void Offers::look() {
    const auto schedulers = environment_.schedulers.running();
    const auto shares = spread(options_.slots, schedulers, environment_.identity.id);
    const std::size_t all = std::max(options_.slots, schedulers.size());
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    std::map<rpc::QuerySchedulerEntry, std::size_t> have;
    for (const SlotPtr& slot : slots_) {
        if (!slot->token.canceled()) ++have[slot->entry];
    }
    for (const auto& [entry, count] : have) {
        const auto share = shares.find(entry);
        const std::size_t wanted = share == shares.end() ? 0 : share->second;
        if (count > wanted) withdraw(entry, count - wanted);
    }
    // The first of each scheduler before the second of any: slots that are still busy elsewhere are missing.
    for (std::size_t level = 0; level < all; ++level) {
        for (const auto& [entry, wanted] : shares) {
            if (wanted <= level || have[entry] > level) continue;
            if (slots_.size() >= all) return;
            ++have[entry];
            slots_.push_back(std::make_shared<Slot>(entry));
            tasks_.spawn(run_slot(slots_.back()));
        }
    }
}

/// With the lock held. Those first that no query has.
void Offers::withdraw(const rpc::QuerySchedulerEntry& entry, std::size_t surplus) {
    for (const bool open : {true, false}) {
        for (const SlotPtr& slot : slots_) {
            if (surplus == 0) return;
            if (slot->entry != entry || slot->token.canceled() || slot->is_open != open) continue;
            slot->cancel();
            --surplus;
        }
    }
}

asio::awaitable<void> Offers::run_slot(SlotPtr slot) {
    co_await serve(slot);
    {
        const std::lock_guard lock(mutex_);
        std::erase(slots_, slot);
    }
    changed_.ring();
}

asio::awaitable<void> Offers::serve(SlotPtr slot) {
    std::uint64_t ended = 0;
    auto backoff = options_.backoff_min;
    while (!slot->token.canceled()) {
        const auto ticket = environment_.slots.open();
        rpc::SlotOffer offer{
            .querier_id = environment_.identity.id,
            .address = environment_.identity.address,
            .ticket = Slots::number_of(*ticket),
            .ended_ticket = ended
        };
        Result<void> offered = fail(ErrorKind::unavailable, "the query-scheduler is not running");
        if (const auto scheduler = environment_.schedulers.at(slot->entry)) {
            offered = co_await scheduler->offer(std::move(offer), slot->token);
        }
        // A query may come with the ticket of an offer that failed: whoever gave it away died then.
        if (offered || !environment_.slots.revoke(ticket)) {
            slot->is_open = false;
            co_await environment_.slots.until_ended(ticket, options_.ticket_comes_within);
            slot->is_open = true;
        }
        // Also of an offer that was taken back: it may have been given away meanwhile.
        ended = Slots::number_of(*ticket);
        if (offered) {
            backoff = options_.backoff_min;
        } else if (!slot->token.canceled()) {
            report(slot->entry, offered.error());
            const std::uint64_t seen = slot->canceled.rings();
            if (slot->token.canceled()) break;
            co_await slot->canceled.wait(seen, backoff);
            backoff = std::min(2 * backoff, options_.backoff_max);
        }
    }
    if (ended == 0) co_return;
    if (const auto scheduler = environment_.schedulers.at(slot->entry)) scheduler->end(ended);
}

void Offers::report(const rpc::QuerySchedulerEntry& entry, const Error& error) const {
    environment_.log.debug(
        "a query-scheduler takes no offer", {{"scheduler", entry.id}, {"err", error}}
    );
}

}  // namespace mimir::querier
