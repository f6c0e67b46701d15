#pragma once

#include "base/clock.hpp"
#include "kv/kv_store.hpp"

namespace mimir::kv {

/// Of this process; gone with it. Watchers are called on the thread of the writer.
class InMemoryKvStore final : public KvStore {
  public:
    explicit InMemoryKvStore(const Clock& clock = system_clock());
    ~InMemoryKvStore() override;

    using KvStore::compare_and_swap;
    Result<std::optional<Entry>> get(std::string_view key) override;
    Result<std::vector<Entry>> list(std::string_view prefix) override;
    Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
    ) override;
    Result<void> remove(std::string_view key, std::uint64_t expected) override;
    [[nodiscard]] std::unique_ptr<Watch> watch(std::string prefix, Watcher& watcher) override;
    [[nodiscard]] std::string describe() const override { return "inmemory"; }

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace mimir::kv
