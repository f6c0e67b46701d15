#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/load_settings.hpp"
#include "app/module_table.hpp"
#include "app/wiring.hpp"
#include "http/client.hpp"
#include "modules/manager.hpp"
#include "support/test_support.hpp"

namespace mimir::app {

/// A process' modules on a free port, without the process.
class Node {
  public:
    explicit Node(std::vector<std::string_view> flags) {
        flags.insert(
            flags.begin(), {"-server.http-listen-address=127.0.0.1", "-server.http-listen-port=0"}
        );
        REQUIRE(load(flags, *loaded_).has_value());
        wiring_.manager = &manager_;
        reserve_routes(wiring_);
    }

    modules::Manager& manager() { return manager_; }
    Wiring& wiring() { return wiring_; }
    Result<modules::Plan> start(const modules::Names& names) {
        return manager_.apply({.kind = modules::Change::Kind::start, .modules = names});
    }
    Result<modules::Plan> stop(const modules::Names& names) {
        return manager_.apply({.kind = modules::Change::Kind::stop, .modules = names});
    }
    http::ClientResponse get(std::string target, http::Headers headers = {}) {
        return send({.target = std::move(target), .headers = std::move(headers)});
    }
    http::ClientResponse send(http::ClientRequest request) {
        http::BlockingClient client({.host = "127.0.0.1", .port = wiring_.http_port});
        auto response = client.send(std::move(request));
        REQUIRE_OK(response);
        return *std::move(response);
    }

  private:
    const std::shared_ptr<Loaded> loaded_ = std::make_shared<Loaded>();
    Wiring wiring_{.loaded = Snapshot<Loaded>(loaded_), .log = {}};
    const modules::ModuleTable table_ = module_table(loaded_->settings, &wiring_);
    modules::Manager manager_{table_, {}, {}, wiring_.registry};
};

}  // namespace mimir::app
