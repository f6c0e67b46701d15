#pragma once

#include <chrono>
#include <memory>

#include "http/tls.hpp"
#include "kv/kv_store.hpp"
#include "kv/options.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"

namespace mimir::kv {

/// A cluster of etcd, v3, through its JSON gateway; what it holds is in docs/formats/kv.md. Versions
/// are etcd's revisions. Times to live are etcd's leases: rounded up to seconds, and at least what
/// etcd's election timeout makes them (2 s by default). Keys and values count against etcd's limit of
/// 1.5 MB a request.
///
/// A watch asks again every `watch_renewal`, so that a connection that is dead without a sign is
/// noticed. Watchers are called on the event loop: they must not call the store.
class EtcdKvStore final : public KvStore {
  public:
    struct Tuning {
        std::chrono::milliseconds watch_renewal = std::chrono::seconds(15);
    };

    /// Errors: invalid: endpoints that are none, TLS files that can't be read. Connects later.
    static Result<std::unique_ptr<EtcdKvStore>> create(
        runtime::IoThreads& io, const EtcdOptions& options, telemetry::Logger log, Tuning tuning
    );
    static Result<std::unique_ptr<EtcdKvStore>> create(
        runtime::IoThreads& io, const EtcdOptions& options, telemetry::Logger log
    ) {
        return create(io, options, std::move(log), Tuning{});
    }
    ~EtcdKvStore() override;

    using KvStore::compare_and_swap;
    Result<std::optional<Entry>> get(std::string_view key) override;
    Result<std::vector<Entry>> list(std::string_view prefix) override;
    Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
    ) override;
    Result<void> remove(std::string_view key, std::uint64_t expected) override;
    [[nodiscard]] std::unique_ptr<Watch> watch(std::string prefix, Watcher& watcher) override;
    [[nodiscard]] std::string describe() const override;

  private:
    struct State;
    explicit EtcdKvStore(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace mimir::kv
