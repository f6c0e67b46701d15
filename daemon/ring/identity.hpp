#pragma once

#include <string>

namespace mimir::ring {

/// Who a process is in a ring.
struct Identity {
    /// Unique in the ring.
    std::string id;
    /// Of its internal listener: "10.0.0.1:9095" or "unix:///var/lib/mimird/rpc/ingester.sock".
    std::string address;
    std::string zone;
};

}  // namespace mimir::ring
