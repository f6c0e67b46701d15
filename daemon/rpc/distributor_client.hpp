#pragma once

#include "base/result.hpp"
#include "http/request_context.hpp"
#include "model/write_request.hpp"
#include "rpc/done.hpp"

namespace mimir::rpc {

using http::RequestContext;

/// What others ask of a distributor. The context's tenant is set.
class DistributorClient {
  public:
    virtual ~DistributorClient() = default;

    /// Validates the request, which is changed by it, and stores what is good.
    /// Errors: as a push over HTTP.
    /// Threads: those that may block for the disk; `done` may be told later, on the event loop.
    virtual void push(
        const RequestContext& context, std::shared_ptr<model::WriteRequest> request, Done<void> done
    ) = 0;
};

}  // namespace mimir::rpc
