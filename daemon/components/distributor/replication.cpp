#include "components/distributor/replication.hpp"

#include <mutex>

#include "components/distributor/quorum.hpp"
#include "components/distributor/spread.hpp"

namespace mimir::distributor {
namespace {

/// A request at its replicas, which share it: it ends with the last one's answer.
class Pushes {
  public:
    Pushes(Spread spread, Metrics& metrics, std::shared_ptr<const void> held, rpc::Done<void> done)
        : spread_(std::move(spread)),
          metrics_(metrics),
          held_(std::move(held)),
          quorum_(spread_.groups),
          done_(std::move(done)) {}

    [[nodiscard]] const Spread& spread() const { return spread_; }

    void answered(const Share& share, const std::string& ingester, Result<void> answer) {
        if (!answer) count_failure(ingester, answer);
        {
            const std::lock_guard lock(mutex_);
            quorum_.count(share.groups, answer);
        }
        tell_if_sure();
    }
    void tell_if_sure() {
        rpc::Done<void> done;
        {
            const std::lock_guard lock(mutex_);
            if (quorum_.verdict()) std::swap(done, done_);
        }
        if (done) done(*quorum_.verdict());  // which changes no more
    }

  private:
    void count_failure(const std::string& ingester, Result<void>& answer) {
        const bool client = is_client_error(answer.error());
        metrics_.ingester_push_failures.with({ingester, client ? "4xx" : "5xx"})->inc();
        if (client) return;
        answer = tl::unexpected(answer.error().with_context("pushing to ingester " + ingester));
    }

    const Spread spread_;
    Metrics& metrics_;
    const std::shared_ptr<const void> held_;
    std::mutex mutex_;
    Quorum quorum_;
    rpc::Done<void> done_;  // empty once told
};

struct Push {
    const Share& share;
    const ring::Instance& ingester;
    const std::shared_ptr<rpc::PushBatch>& batch;
};

}  // namespace

void replicate(
    const Replication& replication,
    const rpc::RequestContext& context,
    const std::shared_ptr<const model::WriteRequest>& request,
    std::shared_ptr<const void> held,
    rpc::Done<void> done
) {
    Spread shares = spread(*context.tenant, *request, replication.view, replication.now);
    std::vector<std::shared_ptr<rpc::PushBatch>> batches;
    for (Share& share : shares.shares) {
        batches.push_back(
            share.whole ? std::make_shared<rpc::PushBatch>(request)
                        : std::make_shared<rpc::PushBatch>(request, std::move(share.part))
        );
    }
    const auto pushes = std::make_shared<Pushes>(
        std::move(shares), replication.metrics, std::move(held), std::move(done)
    );
    pushes->tell_if_sure();
    const auto start = [&](const Push& push) {
        auto told = [pushes, &share = push.share, name = push.ingester.id](Result<void> answer) {
            pushes->answered(share, name, std::move(answer));
        };
        replication.ingesters.of(push.ingester)->push(context, push.batch, std::move(told));
    };
    std::optional<Push> local;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        const Share& share = pushes->spread().shares[i];
        for (const ring::MemberIndex member : share.members) {
            const Push push{share, *replication.view.members()[member].instance, batches[i]};
            if (replication.ingesters.is_local(push.ingester)) {
                local.emplace(push);
            } else {
                start(push);
            }
        }
    }
    if (local) start(*local);
}

}  // namespace mimir::distributor
