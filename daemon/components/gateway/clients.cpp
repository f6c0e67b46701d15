#include "components/gateway/clients.hpp"

namespace mimir::gateway {

Clients::Clients(runtime::IoThreads& io, http::ClientOptions options)
    : io_(io), options_(std::move(options)) {}

Result<std::shared_ptr<http::Client>> Clients::at(const std::string& address) {
    return clients_.with([&](auto& clients) -> Result<std::shared_ptr<http::Client>> {
        if (const auto known = clients.find(address); known != clients.end()) return known->second;
        MIMIR_TRY(auto endpoint, http::Endpoint::parse(address));
        if (options_.tls && endpoint.unix_path.empty()) endpoint.tls = true;
        auto client = std::make_shared<http::Client>(io_, std::move(endpoint), options_);
        clients.emplace(address, client);
        return client;
    });
}

void Clients::keep_only(const std::set<std::string>& addresses) {
    clients_.with([&](auto& clients) {
        std::erase_if(clients, [&](const auto& entry) { return !addresses.contains(entry.first); });
    });
}

}  // namespace mimir::gateway
