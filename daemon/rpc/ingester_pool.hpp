#pragma once

#include <string>

#include "modules/slot.hpp"
#include "rpc/ingester_directory.hpp"
#include "rpc/peer.hpp"

namespace mimir::rpc {

/// Ingesters by their ring entries: this process' own from the slot, others over the peers' pool. Both
/// outlive it.
class IngesterPool final : public IngesterDirectory {
  public:
    struct Environment {
        PeerPool& peers;
        const modules::Slot<IngesterClient>& local;
        /// The instance id that this process' ingester has in the ring.
        std::string local_id;
    };

    explicit IngesterPool(Environment environment);

    [[nodiscard]] std::shared_ptr<IngesterClient> of(const ring::Instance& instance) override;
    [[nodiscard]] std::shared_ptr<IngesterClient> local() override;
    [[nodiscard]] bool is_local(const ring::Instance& instance) const override;

  private:
    const Environment environment_;
    const std::shared_ptr<IngesterClient> not_running_;
};

}  // namespace mimir::rpc
