#pragma once

#include <memory>

#include "rpc/peer.hpp"
#include "rpc/query_scheduler.hpp"

namespace mimir::rpc {

/// A scheduler of another process; see docs/internal-protocol.md for its calls. What waits has a connection of its own
/// each, so that the waiting of one tenant is not in the way of another's. May go before its calls have ended.
class RemoteQueryScheduler final : public QueryScheduler {
  public:
    explicit RemoteQueryScheduler(std::shared_ptr<Peer> peer);

    Answer<Assignment> acquire(RequestContext context) override;
    Answer<void> offer(SlotOffer offer, CancellationToken token) override;
    void end(std::uint64_t ticket) override;

  private:
    const std::shared_ptr<Peer> peer_;
};

}  // namespace mimir::rpc
