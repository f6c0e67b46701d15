#pragma once

#include <filesystem>

#include "base/clock.hpp"
#include "kv/kv_store.hpp"
#include "telemetry/log.hpp"

namespace mimir::kv {

/// One SQLite file for the processes of a host, which may come, go and be killed at any time; its
/// tables are in docs/formats/kv.md. A damaged file is set aside and begun anew, so what is in it
/// must be of the kind that its writers write again. Watchers are called on a thread of the store.
/// Times to live are counted by the wall clock, and go on while no process runs.
class SqliteKvStore final : public KvStore {
  public:
    /// The folder exists; where it can't be written, calls fail until it can.
    SqliteKvStore(
        std::filesystem::path file, telemetry::Logger log, const Clock& clock = system_clock()
    );
    ~SqliteKvStore() override;

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
    std::shared_ptr<State> state_;
};

}  // namespace mimir::kv
