#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "kv/kv_store.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::kv::detail {

/// A store that counts what is asked of it.
class MeasuredKvStore final : public KvStore {
  public:
    /// `type`: "etcd".
    MeasuredKvStore(
        std::unique_ptr<KvStore> store, std::string_view type, telemetry::Registry& registry
    );

    using KvStore::compare_and_swap;
    Result<std::optional<Entry>> get(std::string_view key) override;
    Result<std::vector<Entry>> list(std::string_view prefix) override;
    Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
    ) override;
    Result<void> remove(std::string_view key, std::uint64_t expected) override;
    [[nodiscard]] std::unique_ptr<Watch> watch(std::string prefix, Watcher& watcher) override;
    [[nodiscard]] std::string describe() const override { return store_->describe(); }

  private:
    struct Metrics {
        Metrics(telemetry::MetricScope& scope, std::string_view type);
        telemetry::Family<telemetry::Histogram>& requests;
        std::shared_ptr<telemetry::Gauge> reachable;
        std::shared_ptr<telemetry::Gauge> unreachable;
        std::shared_ptr<telemetry::Counter> updates;
    };

    template <class F>
    auto measure(std::string_view operation, F call);

    const std::string type_;
    telemetry::MetricScope scope_;
    const Metrics metrics_;
    const std::unique_ptr<KvStore> store_;
};

}  // namespace mimir::kv::detail
