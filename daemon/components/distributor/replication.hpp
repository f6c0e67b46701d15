#pragma once

#include <memory>

#include "components/distributor/metrics.hpp"
#include "model/write_request.hpp"
#include "ring/ring_view.hpp"
#include "rpc/done.hpp"
#include "rpc/ingester_client.hpp"
#include "rpc/ingester_directory.hpp"

namespace mimir::distributor {

/// How a request gets to its replicas.
struct Replication {
    const ring::RingView& view;
    rpc::IngesterDirectory& ingesters;
    Metrics& metrics;
    ring::SteadyTime now;
};

/// Pushes the request's series to their replicas, the remote ones first, and tells `done` once the
/// outcome is sure; slower replicas go on until they have answered, or the context's deadline. Only
/// series that lost their quorum are not stored.
/// `held` is kept until the last has answered.
/// Errors: those of the ingesters, of the 5xx family (see quorum.hpp) with the ingester's name.
void replicate(
    const Replication& replication,
    const rpc::RequestContext& context,
    const std::shared_ptr<const model::WriteRequest>& request,
    std::shared_ptr<const void> held,
    rpc::Done<void> done
);

}  // namespace mimir::distributor
