#pragma once

// Simulated time, and a simulated network between each process and an in-memory key-value store.
// One thread, one seed.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "kv/inmemory.hpp"

namespace mimir::simulation {

using std::chrono::milliseconds;

/// Time that moves from event to event.
class SimulatedClock final : public Clock {
  public:
    [[nodiscard]] TimestampMs now() const override { return now_; }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
        return std::chrono::steady_clock::time_point(milliseconds(now_.ms));
    }
    void set(TimestampMs now) { now_ = now; }

  private:
    TimestampMs now_{1'700'000'000'000};
};

/// A host's clock: its wall clock is wrong by a constant.
class SkewedClock final : public Clock {
  public:
    SkewedClock(const Clock& clock, milliseconds skew) : clock_(clock), skew_(skew) {}
    [[nodiscard]] TimestampMs now() const override { return clock_.now() + skew_; }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
        return clock_.steady_now() + 3 * skew_;
    }

  private:
    const Clock& clock_;
    const milliseconds skew_;
};

/// What happens when, in order of time; of equal times in order of planning.
class Schedule {
  public:
    explicit Schedule(SimulatedClock& clock) : clock_(clock) {}

    void after(milliseconds delay, std::function<void()> event);
    /// Runs what is due within the time; `step` after each.
    void run_for(milliseconds time, const std::function<void()>& step);

  private:
    struct Planned {
        TimestampMs time;
        std::uint64_t number;
        std::function<void()> event;
    };
    struct Later {
        bool operator()(const Planned& a, const Planned& b) const {
            return a.time != b.time ? a.time > b.time : a.number > b.number;
        }
    };
    SimulatedClock& clock_;
    std::priority_queue<Planned, std::vector<Planned>, Later> planned_;
    std::uint64_t number_ = 0;
};

/// The store as one process reaches it: calls and their answers get lost, news come late, and while
/// the link is cut nothing gets through.
class Link final : public kv::KvStore {
  public:
    struct Faults {
        /// Of a thousand calls so many are lost, and as many answers.
        std::uint64_t lost_per_mille = 0;
        milliseconds delay_max{0};
    };
    Link(kv::KvStore& store, Schedule& schedule, Random& random, Faults faults);
    ~Link() override;

    void cut();
    void mend();
    [[nodiscard]] bool is_cut() const { return cut_; }
    void set_faults(Faults faults) { faults_ = faults; }

    using KvStore::compare_and_swap;
    Result<std::optional<kv::Entry>> get(std::string_view key) override;
    Result<std::vector<kv::Entry>> list(std::string_view prefix) override;
    Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
    ) override;
    Result<void> remove(std::string_view key, std::uint64_t expected) override;
    std::unique_ptr<Watch> watch(std::string prefix, kv::Watcher& watcher) override;
    [[nodiscard]] std::string describe() const override { return "the simulated store"; }

  private:
    class Relay;

    template <class T>
    Result<T> call(const std::function<Result<T>()>& perform);
    [[nodiscard]] bool lost();

    kv::KvStore& store_;
    Schedule& schedule_;
    Random& random_;
    Faults faults_;
    bool cut_ = false;
    std::vector<Relay*> relays_;
};

}  // namespace mimir::simulation
