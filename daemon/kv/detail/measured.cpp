#include "kv/detail/measured.hpp"

#include <chrono>
#include <optional>

namespace mimir::kv::detail {
namespace {

std::string_view status_code(const Error& error) {
    return error.kind == ErrorKind::conflict ? "409" : "503";
}

/// Passes on what a watcher is told, and counts.
class MeasuredWatch final : public KvStore::Watch, Watcher {
  public:
    using Gauge = std::shared_ptr<telemetry::Gauge>;

    MeasuredWatch(
        Watcher& watcher,
        Gauge reachable,
        Gauge unreachable,
        std::shared_ptr<telemetry::Counter> updates
    )
        : watcher_(watcher),
          reachable_(std::move(reachable)),
          unreachable_(std::move(unreachable)),
          updates_(std::move(updates)) {
        unreachable_->inc();
    }
    ~MeasuredWatch() override {
        inner_.reset();
        (is_reachable_ ? reachable_ : unreachable_)->dec();
    }

    void start(KvStore& store, std::string prefix) {
        inner_ = store.watch(std::move(prefix), *this);
    }

  private:
    void updated(const Update& update) override {
        updates_->inc();
        watcher_.updated(update);
    }
    void reachable(const Result<void>& state) override {
        if (state.has_value() != is_reachable_) {
            (is_reachable_ ? reachable_ : unreachable_)->dec();
            is_reachable_ = state.has_value();
            (is_reachable_ ? reachable_ : unreachable_)->inc();
        }
        watcher_.reachable(state);
    }

    Watcher& watcher_;
    const Gauge reachable_;
    const Gauge unreachable_;
    const std::shared_ptr<telemetry::Counter> updates_;
    bool is_reachable_ = false;
    std::unique_ptr<KvStore::Watch> inner_;
};

}  // namespace

MeasuredKvStore::Metrics::Metrics(telemetry::MetricScope& scope, std::string_view type)
    : requests(scope.histograms(
          "cortex_kv_request_duration_seconds",
          "Time that requests to the key-value store took.",
          {"operation", "status_code", "type"}
      )) {
    auto& watches = scope.gauges(
        "mimird_kv_watches",
        "Prefixes that are watched in the key-value store, by whether it can be reached.",
        {"state", "type"}
    );
    reachable = watches.with({"reachable", type});
    unreachable = watches.with({"unreachable", type});
    updates = scope
                  .counters(
                      "mimird_kv_watch_updates_total",
                      "News from the key-value store that watchers were told.",
                      {"type"}
                  )
                  .with({type});
}

MeasuredKvStore::MeasuredKvStore(
    std::unique_ptr<KvStore> store, std::string_view type, telemetry::Registry& registry
)
    : type_(type), scope_(registry), metrics_(scope_, type_), store_(std::move(store)) {}

template <class F>
auto MeasuredKvStore::measure(std::string_view operation, F call) {
    const auto begin = std::chrono::steady_clock::now();
    auto outcome = call();
    const std::string_view status = outcome ? "200" : status_code(outcome.error());
    metrics_.requests.with({operation, status, type_})
        ->observe(std::chrono::steady_clock::now() - begin);
    return outcome;
}

Result<std::optional<Entry>> MeasuredKvStore::get(std::string_view key) {
    return measure("GET", [&] { return store_->get(key); });
}

Result<std::vector<Entry>> MeasuredKvStore::list(std::string_view prefix) {
    return measure("List", [&] { return store_->list(prefix); });
}

Result<std::uint64_t> MeasuredKvStore::compare_and_swap(
    std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
) {
    return measure("CAS", [&] {
        return store_->compare_and_swap(key, expected, std::move(value), options);
    });
}

Result<void> MeasuredKvStore::remove(std::string_view key, std::uint64_t expected) {
    return measure("Delete", [&] { return store_->remove(key, expected); });
}

std::unique_ptr<KvStore::Watch> MeasuredKvStore::watch(std::string prefix, Watcher& watcher) {
    auto watch = std::make_unique<MeasuredWatch>(
        watcher, metrics_.reachable, metrics_.unreachable, metrics_.updates
    );
    watch->start(*store_, std::move(prefix));
    return watch;
}

}  // namespace mimir::kv::detail
