#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kv/kv_store.hpp"
#include "support/test_support.hpp"

namespace mimir::kv::test {

using namespace std::chrono_literals;
using mimir::test::eventually;

/// Keeps what it is told as a map, as a ring does, and looks whether the store keeps its promises.
class RecordingWatcher final : public Watcher {
  public:
    void updated(const Update& update) override;
    void reachable(const Result<void>& state) override;

    [[nodiscard]] std::map<std::string, std::string> values() const;
    [[nodiscard]] std::string value(const std::string& key) const;
    [[nodiscard]] bool has(const std::string& key) const;
    [[nodiscard]] std::optional<bool> is_reachable() const;
    [[nodiscard]] std::size_t complete_updates() const;
    [[nodiscard]] std::size_t updates() const;
    /// Promises that were broken.
    [[nodiscard]] std::vector<std::string> complaints() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
    std::map<std::string, std::uint64_t> newest_;
    std::optional<bool> reachable_;
    std::size_t complete_updates_ = 0;
    std::size_t updates_ = 0;
    std::vector<std::string> complaints_;
};

/// What every store promises. `one` and `other` are of one store, as two processes have it; they may
/// be one object.
void check_contract(KvStore& one, KvStore& other, const std::string& root);

}  // namespace mimir::kv::test
