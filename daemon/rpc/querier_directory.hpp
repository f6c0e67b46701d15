#pragma once

#include <functional>
#include <memory>
#include <string>

#include "modules/slot.hpp"
#include "rpc/peer.hpp"
#include "rpc/query_scheduler.hpp"

namespace mimir::rpc {

/// Queriers by their assignments: this process' own from the slot, others over the peers' pool.
class QuerierPool final : public QuerierDirectory {
  public:
    /// All of it outlives the pool.
    struct Environment {
        PeerPool& peers;
        const modules::Slot<TicketedQuerier>& local;
        /// Of this process.
        std::string local_id;
        /// Makes what runs the one call of a ticket at another process.
        std::function<std::shared_ptr<QueryRunner>(std::shared_ptr<Peer>, std::uint64_t ticket)>
            remote;
    };

    explicit QuerierPool(Environment environment) : environment_(std::move(environment)) {}

    Result<std::shared_ptr<QueryRunner>> runner(const Assignment& assignment) override;
    [[nodiscard]] bool is_local(const Assignment& assignment) const override;

  private:
    const Environment environment_;
};

}  // namespace mimir::rpc
