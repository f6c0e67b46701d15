#pragma once

#include <memory>

#include "ring/instance.hpp"
#include "rpc/ingester_client.hpp"

namespace mimir::rpc {

/// Finds the client for a member of the ingester ring: the object of this process when the member is
/// this process, else a remote one.
/// Threads: any.
class IngesterDirectory {
  public:
    virtual ~IngesterDirectory() = default;

    /// Never null. For the length of one call (see modules::Slot); the calls of a member that can't
    /// be reached complete with unavailable. Cost: a look-up by address; no connecting.
    [[nodiscard]] virtual std::shared_ptr<IngesterClient> of(const ring::Instance& instance) = 0;

    /// The ingester of this process, null when none runs.
    [[nodiscard]] virtual std::shared_ptr<IngesterClient> local() = 0;
    /// Whether this member is this process' ingester.
    [[nodiscard]] virtual bool is_local(const ring::Instance& instance) const = 0;
};

}  // namespace mimir::rpc
