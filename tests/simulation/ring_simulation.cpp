// A ring of ingesters, and distributors that look at it, through everything that happens to hosts:
// joining, leaving, restarts, crashes, cut links, lost calls, clocks that are wrong, entries that
// vanish, two processes of one name. Each run has one seed and is the same every time.
//
// After every step, in every distributor's view:
//   - what acknowledges a write and what answers a query have a member in common;
//   - replicas are distinct; looking them up allocates nothing; revisions only grow.
// When all links are whole and some time has passed:
//   - all views are what the store says, and every process that lives is ACTIVE and healthy in them;
//   - no token is two members'; what is dead is not healthy; of two processes of one name one serves;
//   - in the large ring, every member's share is within 10 % of even.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "fs/memory_file_system.hpp"
#include "ring/lifecycler.hpp"
#include "ring/ring.hpp"
#include "simulation/world.hpp"
#include "support/allocations.hpp"

namespace mimir::simulation {
namespace {

using namespace std::chrono_literals;
using ring::InstanceState;
using ring::Operation;

constexpr milliseconds kPeriod = 15s;
constexpr milliseconds kTimeout = 60s;

struct Size {
    std::size_t members;
    std::size_t tokens;
    std::size_t replication_factor;
    std::size_t zones;  // 0: not aware of them
};

[[noreturn]] void broken(std::uint64_t seed, const std::string& what) {
    fmt::print(stderr, "seed {}: {}\n", seed, what);
    std::fflush(stderr);
    std::_Exit(1);
}

/// An ingester's process, as far as its ring is concerned.
struct Process {
    std::string id;
    SeededRandom random;
    SkewedClock clock;
    Link link;
    telemetry::Registry registry;
    std::unique_ptr<ring::Lifecycler> lifecycler;
    bool joined = false;
    bool alive = true;
};

struct Observer {
    Link link;
    SkewedClock clock;
    telemetry::Registry registry;
    std::unique_ptr<ring::Ring> ring;
    std::uint64_t revision = 0;
};

class RingWorld {
  public:
    RingWorld(std::uint64_t seed, Size size, Link::Faults faults)
        : seed_(seed), size_(size), faults_(faults), random_(seed) {
        for (int i = 0; i < 3; ++i) add_observer();
    }

    // What happens.

    Process& start(const std::string& id, std::string address) {
        processes_.push_back(std::unique_ptr<Process>(new Process{
            .id = id,
            .random = SeededRandom(random_.next()),
            .clock = SkewedClock(clock_, skew()),
            .link = Link(kv_, schedule_, random_, faults_),
        }));
        Process& process = *processes_.back();
        const auto number = std::hash<std::string>{}(id);
        process.lifecycler = std::make_unique<ring::Lifecycler>(
            ring::LifecyclerOptions{
                .ring_name = "ingester",
                .prefix = "collectors/",
                .instance_id = id,
                .address = std::move(address),
                .zone = size_.zones == 0 ? "" : std::to_string(number % size_.zones),
                .num_tokens = size_.tokens,
                .zone_awareness_enabled = size_.zones > 0,
                .heartbeat_period = kPeriod,
                .heartbeat_timeout = kTimeout,
            },
            ring::Lifecycler::Environment{
                process.link, files_, {}, process.registry, process.random, process.clock
            },
            ring::Lifecycler::Drive::manual
        );
        live(process);
        return process;
    }
    Process& start_new() {
        const std::string id = fmt::format("ingester-{}", next_id_++);
        return start(id, id + ":9095");
    }
    /// Ends without a word.
    void crash(Process& process) {
        process.alive = false;
        process.lifecycler.reset();
    }
    /// Asks to leave until the store has heard of it.
    void stop(Process& process, ring::Lifecycler::Entry entry) {
        if (process.link.is_cut() || !process.joined) return crash(process);
        for (int i = 0; i < 50; ++i) {
            if (process.lifecycler->leave(entry)) break;
        }
        crash(process);
    }
    void restart(Process& process, ring::Lifecycler::Entry entry) {
        const std::string id = process.id;
        stop(process, entry);
        start(id, id + ":9095");
    }
    void forget_dead() {
        for (const auto& member : observers_[0]->ring->status().members) {
            if (!member.healthy) static_cast<void>(observers_[0]->ring->forget(member.instance.id));
        }
    }
    void random_event() {
        Process* process = random_process();
        switch (random_.below(12)) {
            case 0:
            case 1:
                if (living() < size_.members) start_new();
                return;
            case 2:
                if (process && living() > size_.replication_factor) {
                    stop(*process, ring::Lifecycler::Entry::remove);
                }
                return;
            case 3:
                if (process) restart(*process, ring::Lifecycler::Entry::keep);
                return;
            case 4:
                if (process && living() > size_.replication_factor) crash(*process);
                return;
            case 5: {
                if (!process) return;
                const std::string id = process->id;
                crash(*process);
                start(id, id + ":9095");
                return;
            }
            case 6:
                if (process) process->link.cut();
                return;
            case 7:
                for (auto& one : processes_) one->link.mend();
                return;
            case 8: {
                Link& link = observers_[random_.below(observers_.size())]->link;
                link.is_cut() ? link.mend() : link.cut();
                return;
            }
            case 9:
                if (process && process->joined) {
                    static_cast<void>(process->lifecycler->set_read_only(random_.below(2) == 0));
                }
                return;
            case 10:
                // Another process of that name, elsewhere: refused while the first is seen to live.
                if (process && twins_.insert(process->id).second) {
                    start(process->id, process->id + "-twin:9095");
                }
                return;
            default:
                if (process) {
                    const std::string key = "collectors/ingester/" + process->id;
                    if (const auto entry = *kv_.get(key)) {
                        static_cast<void>(kv_.remove(key, entry->version));
                    }
                }
                return;
        }
    }
    void run_for(milliseconds time) {
        schedule_.run_for(time, [this] { check_step(); });
    }
    /// All links whole and quiet, for long enough that everyone has said so twice.
    void settle() {
        for (auto& process : processes_) {
            process->link.mend();
            process->link.set_faults({.delay_max = faults_.delay_max});
        }
        for (auto& observer : observers_) observer->link.mend();
        run_for(3 * kTimeout);
        check_settled();
        for (auto& process : processes_) process->link.set_faults(faults_);
    }

    // What must hold.

    void check_step() {
        for (const auto& observer : observers_) check_view(*observer);
    }
    void check_settled();
    /// How far the farthest is from even, as part of that.
    double unevenness() {
        const auto status = observers_[0]->ring->status();
        std::map<std::string, double> members_of;
        for (const auto& member : status.members) ++members_of[zone_of(member)];
        double worst = 0;
        for (const auto& member : status.members) {
            worst = std::max(worst, std::abs(member.ownership * members_of[zone_of(member)] - 1));
        }
        return worst;
    }
    /// Entries that a distributor's table wrote anew so far.
    double entries_written() {
        for (const auto& family : observers_[0]->registry.collect()) {
            if (family.name == "mimird_ring_token_entries_written_total") {
                return family.samples[0].value;
            }
        }
        return 0;
    }
    [[nodiscard]] std::size_t healthy() const { return observers_[0]->ring->healthy_count(); }
    Process* random_process() {
        std::vector<Process*> living;
        for (const auto& process : processes_) {
            if (process->alive) living.push_back(process.get());
        }
        return living.empty() ? nullptr : living[random_.below(living.size())];
    }

  private:
    [[nodiscard]] std::string zone_of(const ring::MemberStatus& member) const {
        return size_.zones == 0 ? "" : member.instance.zone;
    }
    void check(bool holds, std::string_view what) const {
        if (!holds) {
            broken(
                seed_,
                fmt::format(
                    "{} s after the start: {}", (clock_.now() - start_).count() / 1000.0, what
                )
            );
        }
    }
    milliseconds skew() {
        return milliseconds(static_cast<std::int64_t>(random_.below(60'000)) - 30'000);
    }
    [[nodiscard]] std::size_t living() const {
        return static_cast<std::size_t>(std::ranges::count_if(processes_, [](const auto& process) {
            return process->alive;
        }));
    }
    void add_observer() {
        observers_.push_back(std::unique_ptr<Observer>(new Observer{
            .link = Link(kv_, schedule_, random_, {.delay_max = faults_.delay_max}),
            .clock = SkewedClock(clock_, skew()),
        }));
        Observer& observer = *observers_.back();
        observer.ring = std::make_unique<ring::Ring>(
            "ingester",
            "collectors/",
            ring::RingOptions{
                .replication_factor = size_.replication_factor,
                .zone_awareness_enabled = size_.zones > 0,
                .heartbeat_timeout = kTimeout,
            },
            ring::Ring::Environment{observer.link, {}, observer.registry, observer.clock}
        );
    }
    /// Joins, trying again every few seconds, then heartbeats.
    void live(Process& process) {
        if (!process.alive) return;
        if (process.joined) {
            process.lifecycler->tick();
        } else if (process.lifecycler->join()) {
            process.joined = true;
            static_cast<void>(process.lifecycler->change_state(InstanceState::active));
        }
        const milliseconds next = process.joined ? kPeriod - milliseconds(random_.below(1000)) : 3s;
        schedule_.after(next, [this, &process] { live(process); });
    }
    void check_view(Observer& observer);

    const std::uint64_t seed_;
    const Size size_;
    const Link::Faults faults_;
    SeededRandom random_;
    SimulatedClock clock_;
    const TimestampMs start_ = clock_.now();
    Schedule schedule_{clock_};
    kv::InMemoryKvStore kv_{clock_};
    fs::MemoryFileSystem files_;
    int next_id_ = 0;
    std::set<std::string> twins_;  // names that two processes had
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<std::unique_ptr<Observer>> observers_;
};

void RingWorld::check_view(Observer& observer) {
    const auto view = observer.ring->view();
    const auto now = observer.clock.steady_now();
    check(view->revision() >= observer.revision, "a revision went back");
    observer.revision = view->revision();
    const Token token{static_cast<std::uint32_t>(random_.next())};
    const std::size_t before = test::allocations();
    const auto set = view->replicas(token, Operation::write, now);
    static_cast<void>(view->replicas(token, Operation::read, now));
    check(test::allocations() == before, "a look-up allocated");
    for (std::size_t i = 0; i < set.count; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            check(set.members[i] != set.members[j], "one member is twice in a replication set");
        }
        check(view->is_healthy(set.members[i], Operation::write, now), "a replica is not healthy");
    }
    if (!set.has_quorum()) return;
    const auto read = view->read_set(now);
    if (!read) return;
    // The worst case: who acknowledged are those that the query misses, as far as it may miss any.
    std::size_t missed = 0;
    std::map<std::string_view, std::size_t> asked_in_zone;
    for (std::size_t i = 0; i < set.count; ++i) {
        if (std::ranges::binary_search(read->members, set.members[i])) {
            ++asked_in_zone[view->members()[set.members[i]].instance->zone];
        } else {
            ++missed;
        }
    }
    if (read->by_zone) {
        std::vector<std::size_t> counts;
        for (const auto& [zone, count] : asked_in_zone) counts.push_back(count);
        std::ranges::sort(counts, std::greater<>());
        for (std::size_t i = 0; i < std::min(counts.size(), read->failed_zones_max); ++i) {
            missed += counts[i];
        }
    } else {
        missed += read->failures_max;
    }
    check(
        missed < set.needed,
        fmt::format(
            "a query may miss an acknowledged write: {} of {} needed, {} healthy replicas, {} members, "
            "{} asked, {} may fail, {} zones may",
            missed,
            set.needed,
            set.count,
            view->members().size(),
            read->members.size(),
            read->failures_max,
            read->failed_zones_max
        )
    );
}

void RingWorld::check_settled() {
    std::map<std::string, ring::Instance> stored;
    std::map<Token, std::string> owners;
    const auto entries = kv_.list("collectors/ingester/");
    for (const kv::Entry& entry : *entries) {
        auto instance = *ring::decode_instance(entry.value);
        for (const Token token : instance.tokens) {
            const auto [at, first] = owners.emplace(token, instance.id);
            check(first, fmt::format("{} and {} have one token", at->second, instance.id));
        }
        stored.emplace(instance.id, std::move(instance));
    }
    std::set<std::string> serving;
    for (const auto& process : processes_) {
        if (!process->alive || !process->lifecycler->state()) {
            if (process->alive)
                check(twins_.contains(process->id), process->id + " lives and has no place");
            continue;
        }
        check(serving.insert(process->id).second, "two processes of one name serve");
        const auto at = stored.find(process->id);
        check(at != stored.end(), process->id + " lives and is not in the ring");
        check(at->second == process->lifecycler->instance(), process->id + " is not what it says");
        check(at->second.state == InstanceState::active, process->id + " is not active");
        check(at->second.tokens.size() == size_.tokens, process->id + " lacks tokens");
    }
    for (const auto& observer : observers_) {
        const auto status = observer->ring->status();
        check(status.problem.empty(), "a distributor has a problem: " + status.problem);
        check(status.members.size() == stored.size(), "a view is not what the store has");
        double owned = 0;
        for (const auto& member : status.members) {
            const auto at = stored.find(member.instance.id);
            check(at != stored.end(), "a view has who is gone");
            at->second.heartbeat = member.instance.heartbeat;  // the last one may be under way
            check(at->second == member.instance, "a view has old news of " + member.instance.id);
            check(
                member.healthy == serving.contains(member.instance.id),
                "health of " + member.instance.id + " is misjudged"
            );
            owned += member.ownership;
        }
        // Each token's owner is whose token is the next.
        const auto view = observer->ring->view();
        const auto now = observer->clock.steady_now();
        for (int i = 0; i < 20 && !owners.empty(); ++i) {
            const Token token{static_cast<std::uint32_t>(random_.next())};
            const auto set = view->replicas(token, Operation::write, now);
            const auto next = owners.upper_bound(token);
            const std::string& owner = (next == owners.end() ? owners.begin() : next)->second;
            if (!serving.contains(owner) || stored[owner].read_only) continue;
            check(set.count > 0, "a token has no replica");
            check(
                view->members()[set.members[0]].instance->id == owner, "a token has another owner"
            );
        }
        const double whole = std::min<double>(
            size_.zones == 0 ? 1 : static_cast<double>(size_.zones),
            static_cast<double>(stored.size())
        );
        check(stored.empty() || owned > 0.999, "shares do not add up");
        check(owned < whole + 0.001, "shares add up to more than the ring");
    }
}

/// Some members, anything goes.
void run_small(std::uint64_t seed) {
    SeededRandom random(seed);
    const Size size{
        .members = 4 + random.below(9),
        .tokens = std::size_t{8} << random.below(4),
        .replication_factor = 1 + random.below(4),
        .zones = random.below(2) * (1 + random.below(4)),
    };
    RingWorld world(seed, size, {.lost_per_mille = 20, .delay_max = 800ms});
    for (std::size_t i = 0; i < size.members; ++i) world.start_new();
    world.settle();
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 15; ++i) {
            world.random_event();
            world.run_for(milliseconds(random.below(40'000)));
        }
        world.settle();
        world.forget_dead();
    }
    world.settle();
}

/// The figures that are promised of a ring of 300.
void run_large(std::uint64_t seed) {
    constexpr std::size_t kMembers = 300;
    constexpr std::size_t kTokens = 512;
    constexpr double kEven = 0.1;
    RingWorld world(seed, {kMembers, kTokens, 3, 0}, {.lost_per_mille = 5, .delay_max = 800ms});
    const auto settled = [&](std::string_view what, std::size_t members) {
        world.settle();
        const double unevenness = world.unevenness();
        fmt::print("{:<42} shares within {:.2f} % of even\n", what, 100 * unevenness);
        if (unevenness > kEven) broken(seed, fmt::format("{}: shares are uneven", what));
        if (world.healthy() != members) {
            broken(seed, fmt::format("{}: {} of {} are healthy", what, world.healthy(), members));
        }
    };
    for (std::size_t i = 0; i < kMembers; ++i) {
        world.start_new();
        world.run_for(100ms);
    }
    settled("300 joined", kMembers);

    const double before = world.entries_written();
    world.start_new();
    settled("one more joined", kMembers + 1);
    // 512 buckets of usually 32 to 128 entries, of a table of 154,000.
    const double written = world.entries_written() - before;
    fmt::print("one more joined: {} entries of the table written anew\n", written);
    if (written > kTokens * 160) broken(seed, "a join costs more than its tokens");

    for (int i = 0; i < 15; ++i)
        world.stop(*world.random_process(), ring::Lifecycler::Entry::remove);
    settled("15 left", kMembers - 14);
    for (int i = 0; i < 14; ++i) world.start_new();
    settled("14 others joined", kMembers);
    for (int i = 0; i < 40; ++i) {
        world.restart(*world.random_process(), ring::Lifecycler::Entry::keep);
        world.run_for(2s);
    }
    settled("40 restarted, one after the other", kMembers);
    for (int i = 0; i < 60; ++i) world.random_process()->link.cut();
    world.run_for(2 * kTimeout);
    if (world.healthy() > kMembers - 40) broken(seed, "who is cut off seems healthy");
    settled("some 60 were cut off for two minutes", kMembers);
    for (int i = 0; i < 10; ++i) world.crash(*world.random_process());
    settled("10 crashed", kMembers - 10);
    world.forget_dead();
    settled("and were forgotten", kMembers - 10);
}

}  // namespace
}  // namespace mimir::simulation

int main(int count, char** arguments) {
    std::uint64_t first = 1;
    std::uint64_t seeds = 300;
    bool large = false;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = arguments[i];
        const bool has_value = i + 1 < count;
        if (argument == "--large") {
            large = true;
        } else if (argument == "--first" && has_value) {
            first = std::strtoull(arguments[++i], nullptr, 10);
        } else if (argument == "--seeds" && has_value) {
            seeds = std::strtoull(arguments[++i], nullptr, 10);
        } else {
            fmt::print(
                stderr, "usage: {} [--first SEED] [--seeds COUNT] [--large]\n", arguments[0]
            );
            return 2;
        }
    }
    for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
        mimir::simulation::run_small(seed);
    }
    fmt::print("{} small rings from seed {}: every invariant held\n", seeds, first);
    if (large) mimir::simulation::run_large(first);
    return 0;
}
