#pragma once

#include "base/result.hpp"
#include "http/request_context.hpp"
#include "model/write_request.hpp"

namespace mimir::rpc {

using http::RequestContext;

/// What others ask of a distributor. The context's tenant is set.
/// Threads: any; calls block, for the disk at most.
class DistributorClient {
  public:
    virtual ~DistributorClient() = default;

    /// Validates the request, which is changed by it, and stores what is good.
    /// Errors: as a push over HTTP.
    virtual Result<void> push(const RequestContext& context, model::WriteRequest& request) = 0;
};

}  // namespace mimir::rpc
