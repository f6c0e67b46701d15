#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "modules/service.hpp"

namespace mimir::app {

struct Wiring;

/// The module `kv-store`: the stores that rings are kept in. Starts once this node belongs to the
/// cluster that the common store holds.
Result<std::unique_ptr<modules::Service>> create_kv_store_service(Wiring& wiring);

/// The module `<component>-ring`: reads the ring, and shows it at /<component>/ring.
Result<std::unique_ptr<modules::Service>> create_ring_service(
    Wiring& wiring, std::string_view component
);

/// The module `peers`: calls to the other processes, and the route by which they ask who is here.
Result<std::unique_ptr<modules::Service>> create_peers_service(Wiring& wiring);

/// The module `query-dispatch`: finds query-schedulers, and through them queriers with a free slot.
Result<std::unique_ptr<modules::Service>> create_query_dispatch_service(Wiring& wiring);

}  // namespace mimir::app
