#include "simulation/world.hpp"

#include <algorithm>

namespace mimir::simulation {
namespace {

Error away() { return {ErrorKind::unavailable, {}, "the store can't be reached"}; }

}  // namespace

void Schedule::after(milliseconds delay, std::function<void()> event) {
    planned_.push({clock_.now() + delay, number_++, std::move(event)});
}

void Schedule::run_for(milliseconds time, const std::function<void()>& step) {
    const TimestampMs end = clock_.now() + time;
    while (!planned_.empty() && planned_.top().time <= end) {
        const Planned next = planned_.top();
        planned_.pop();
        clock_.set(next.time);
        next.event();
        step();
    }
    clock_.set(end);
}

/// Stands between the store and one watcher. News keep their order; what comes while the link is cut
/// is lost, and made good by a complete update when it is mended.
class Link::Relay final : public Watch, public kv::Watcher {
  public:
    Relay(Link& link, std::string prefix, kv::Watcher& watcher)
        : link_(link), prefix_(std::move(prefix)), watcher_(watcher) {
        link_.relays_.push_back(this);
        watch_ = link_.store_.watch(prefix_, *this);
    }
    ~Relay() override {
        *alive_ = false;
        std::erase(link_.relays_, this);
    }

    void updated(const kv::Update& update) override {
        if (link_.cut_) return;
        deliver([this, update] { watcher_.updated(update); });
    }
    void reachable(const Result<void>& state) override {
        deliver([this, state] { watcher_.reachable(state); });
    }
    void was_cut() {
        ++epoch_;  // what was under way is lost
        deliver([this] { watcher_.reachable(tl::unexpected(away())); });
    }
    void was_mended() {
        deliver([this] { watcher_.reachable({}); });
        deliver([this, all = *link_.store_.list(prefix_)] {
            watcher_.updated({.complete = true, .changed = all});
        });
    }

  private:
    void deliver(std::function<void()> news) {
        const auto delay = milliseconds(
            link_.random_.below(static_cast<std::uint64_t>(link_.faults_.delay_max.count()) + 1)
        );
        waiting_.push_back({epoch_, std::move(news)});
        link_.schedule_.after(delay, [this, alive = alive_] {
            if (*alive) deliver_first();
        });
    }
    /// One for each event, in the order in which they came, however the events are ordered.
    void deliver_first() {
        const Waiting first = std::move(waiting_.front());
        waiting_.pop_front();
        if (first.epoch == epoch_) first.news();
    }

    struct Waiting {
        std::uint64_t epoch;
        std::function<void()> news;
    };
    Link& link_;
    const std::string prefix_;
    kv::Watcher& watcher_;
    std::deque<Waiting> waiting_;
    std::uint64_t epoch_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::unique_ptr<Watch> watch_;
};

Link::Link(kv::KvStore& store, Schedule& schedule, Random& random, Faults faults)
    : store_(store), schedule_(schedule), random_(random), faults_(faults) {}

Link::~Link() = default;

void Link::cut() {
    if (cut_) return;
    cut_ = true;
    for (Relay* relay : relays_) relay->was_cut();
}

void Link::mend() {
    if (!cut_) return;
    cut_ = false;
    for (Relay* relay : relays_) relay->was_mended();
}

bool Link::lost() { return cut_ || random_.below(1000) < faults_.lost_per_mille; }

template <class T>
Result<T> Link::call(const std::function<Result<T>()>& perform) {
    if (lost()) return tl::unexpected(away());
    Result<T> answer = perform();
    if (lost()) return tl::unexpected(away());
    return answer;
}

Result<std::optional<kv::Entry>> Link::get(std::string_view key) {
    return call<std::optional<kv::Entry>>([&] { return store_.get(key); });
}
Result<std::vector<kv::Entry>> Link::list(std::string_view prefix) {
    return call<std::vector<kv::Entry>>([&] { return store_.list(prefix); });
}
Result<std::uint64_t> Link::compare_and_swap(
    std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
) {
    return call<std::uint64_t>([&] {
        return store_.compare_and_swap(key, expected, std::move(value), options);
    });
}
Result<void> Link::remove(std::string_view key, std::uint64_t expected) {
    return call<void>([&] { return store_.remove(key, expected); });
}
std::unique_ptr<kv::KvStore::Watch> Link::watch(std::string prefix, kv::Watcher& watcher) {
    return std::make_unique<Relay>(*this, std::move(prefix), watcher);
}

}  // namespace mimir::simulation
