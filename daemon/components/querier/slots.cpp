#include "components/querier/slots.hpp"

#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "runtime/bell.hpp"

namespace mimir::querier {

struct Slots::Ticket {
    std::uint64_t number = 0;
    runtime::Bell bell;  // rung when it ended or was revoked
    // Under the lock.
    bool taken = false;
    bool ended = false;
    bool revoked = false;
};

struct Slots::State {
    explicit State(std::uint64_t seed) : random(seed) {}

    std::mutex mutex;
    std::condition_variable quiet;
    SeededRandom random;
    std::unordered_map<std::uint64_t, TicketPtr> open;  // neither taken nor revoked
    std::size_t running = 0;
    bool stopped = false;
};

/// What the destruction of a runner does.
struct Slots::Release {
    std::shared_ptr<State> state;
    TicketPtr ticket;

    void operator()(rpc::QueryRunner*) const {
        {
            const std::lock_guard lock(state->mutex);
            ticket->ended = true;
            if (--state->running == 0) state->quiet.notify_all();
        }
        ticket->bell.ring();
    }
};

Slots::Slots(rpc::QueryRunner& querier, std::uint64_t seed)
    : querier_(querier), state_(std::make_shared<State>(seed)) {}
Slots::~Slots() = default;

Result<std::shared_ptr<rpc::QueryRunner>> Slots::runner(std::uint64_t number) {
    TicketPtr ticket;
    {
        const std::lock_guard lock(state_->mutex);
        const auto at = state_->open.find(number);
        if (at == state_->open.end()) {
            return tl::unexpected(
                Error{ErrorKind::not_found, kUnknownTicket, "the querier does not know the ticket"}
            );
        }
        ticket = std::move(at->second);
        state_->open.erase(at);
        ticket->taken = true;
        ++state_->running;
    }
    return std::shared_ptr<rpc::QueryRunner>(&querier_, Release{state_, std::move(ticket)});
}

Slots::TicketPtr Slots::open() {
    auto ticket = std::make_shared<Ticket>();
    const std::lock_guard lock(state_->mutex);
    while (ticket->number == 0 || state_->open.contains(ticket->number)) {
        ticket->number = state_->random.next();
    }
    ticket->revoked = state_->stopped;
    if (!state_->stopped) state_->open.emplace(ticket->number, ticket);
    return ticket;
}

bool Slots::revoke(const TicketPtr& ticket) {
    const std::lock_guard lock(state_->mutex);
    if (ticket->taken) return false;
    ticket->revoked = true;
    state_->open.erase(ticket->number);
    return true;
}

boost::asio::awaitable<bool> Slots::until_ended(
    TicketPtr ticket, std::chrono::milliseconds comes_within
) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::hours kLong(24);
    const auto comes_until = Clock::now() + comes_within;
    const auto state = state_;
    const auto is_taken = [&] {
        const std::lock_guard lock(state->mutex);
        return ticket->taken;
    };
    const auto is_over = [&] {
        const std::lock_guard lock(state->mutex);
        return ticket->ended || ticket->revoked;
    };
    for (;;) {
        const std::uint64_t seen = ticket->bell.rings();
        if (is_over()) co_return is_taken();
        if (is_taken()) {
            co_await ticket->bell.wait(seen, kLong);
            continue;
        }
        const auto left = comes_until - Clock::now();
        if (left <= Clock::duration::zero()) {
            if (revoke(ticket)) co_return false;
        } else {
            co_await ticket->bell.wait(seen, left);
        }
    }
}

void Slots::stop() {
    std::unordered_map<std::uint64_t, TicketPtr> revoked;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
        revoked.swap(state_->open);
        for (const auto& [number, ticket] : revoked) ticket->revoked = true;
    }
    for (const auto& [number, ticket] : revoked) ticket->bell.ring();
}

void Slots::wait_until_quiet() {
    std::unique_lock lock(state_->mutex);
    state_->quiet.wait(lock, [this] { return state_->running == 0; });
}

std::uint64_t Slots::number_of(const Ticket& ticket) { return ticket.number; }

}  // namespace mimir::querier
