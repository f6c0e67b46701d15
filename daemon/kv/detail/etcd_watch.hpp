#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kv/detail/etcd_connection.hpp"
#include "kv/kv_store.hpp"

namespace mimir::kv::detail {

/// Follows one prefix in etcd for one watcher:
///
///     list    everything under the prefix, at a revision
///     watch   from the revision behind it, until the stream breaks or `renewal` is over
///     check   ask for the newest change, from a member that has a quorum; then watch again from
///             where it was, or list when that is compacted away or etcd was made anew
///
/// A stream can't be asked whether it is alive, so its life is short, and a new one begins where the
/// old one ended: what a silent one kept back comes then.
/// Threads: one coroutine.
class EtcdWatch {
  public:
    EtcdWatch(
        EtcdConnection& etcd,
        std::string prefix,
        Watcher& watcher,
        std::chrono::milliseconds renewal,
        std::chrono::milliseconds request_timeout,
        telemetry::Logger log
    );

    /// Until it is cancelled.
    asio::awaitable<void> run();

  private:
    asio::awaitable<Result<void>> follow();
    asio::awaitable<Result<void>> list();
    asio::awaitable<Result<void>> check();
    asio::awaitable<Result<void>> read(http::ClientStream& stream);
    Result<void> take(std::string_view line);
    void report(const Result<void>& state);
    [[nodiscard]] CancellationToken deadline() const;

    EtcdConnection& etcd_;
    const std::string prefix_;
    Watcher& watcher_;
    const std::chrono::milliseconds renewal_;
    const std::chrono::milliseconds request_timeout_;
    const telemetry::Logger log_;

    /// What the watcher knows: versions by key, all of them below next_.
    std::map<std::string, std::uint64_t> known_;
    /// The first revision that it does not know; 0: nothing is known.
    std::uint64_t next_ = 0;
    std::optional<bool> reachable_;
    /// Of the stream.
    bool created_ = false;
};

}  // namespace mimir::kv::detail
