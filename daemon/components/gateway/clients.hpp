#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/guarded.hpp"
#include "http/client.hpp"

namespace mimir::gateway {

/// A client for each address, with the connections that are kept to it. Threads: any.
class Clients {
  public:
    /// With options.tls, TCP addresses are spoken to with TLS.
    Clients(runtime::IoThreads& io, http::ClientOptions options);

    /// Errors: invalid, for what is no address.
    Result<std::shared_ptr<http::Client>> at(const std::string& address);
    /// Drops the clients of other addresses, once no call has them.
    void keep_only(const std::set<std::string>& addresses);

  private:
    runtime::IoThreads& io_;
    const http::ClientOptions options_;
    Guarded<std::map<std::string, std::shared_ptr<http::Client>>> clients_;
};

}  // namespace mimir::gateway
