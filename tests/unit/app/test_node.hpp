#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/load_settings.hpp"
#include "app/node.hpp"
#include "http/client.hpp"
#include "support/test_support.hpp"

namespace mimir::app {

/// A node on free ports and a temporary folder, without the process: modules are started by the tests.
class TestNode {
  public:
    explicit TestNode(const std::vector<std::string>& flags = {}) : arguments_(all_flags(flags)) {
        const std::vector<std::string_view> views(arguments_.begin(), arguments_.end());
        const auto loaded = std::make_shared<Loaded>();
        REQUIRE(load(views, *loaded).has_value());
        auto created = Node::create({.loaded = loaded, .arguments = arguments_});
        REQUIRE_OK(created);
        node_ = *std::move(created);
    }

    modules::Manager& manager() { return node_->manager(); }
    Wiring& wiring() { return node_->wiring(); }
    admin::Control& control() { return node_->control(); }
    const std::filesystem::path& folder() const { return folder_.path(); }

    Result<modules::Plan> start(const modules::Names& names) {
        return manager().apply({.kind = modules::Change::Kind::start, .modules = names});
    }
    Result<modules::Plan> stop(const modules::Names& names) {
        return manager().apply({.kind = modules::Change::Kind::stop, .modules = names});
    }
    http::ClientResponse get(std::string target, http::Headers headers = {}) {
        return send({.target = std::move(target), .headers = std::move(headers)});
    }
    /// To the public port.
    http::ClientResponse send(http::ClientRequest request) {
        return send_to({.host = "127.0.0.1", .port = wiring().http_port}, std::move(request));
    }
    /// To the admin API's socket.
    http::ClientResponse admin(http::ClientRequest request) {
        return send_to({.unix_path = folder_.path() / "admin.sock"}, std::move(request));
    }

  private:
    std::vector<std::string> all_flags(const std::vector<std::string>& flags) const {
        std::vector<std::string> all = {
            "-server.http-listen-address=127.0.0.1",
            "-server.http-listen-port=0",
            fmt::format("-admin.socket={}/admin.sock", folder_.path().string()),
            fmt::format("-node.state-dir={}/state", folder_.path().string()),
            fmt::format("-blocks-storage.tsdb.dir={}/tsdb", folder_.path().string()),
        };
        all.insert(all.end(), flags.begin(), flags.end());
        return all;
    }
    static http::ClientResponse send_to(http::Endpoint endpoint, http::ClientRequest request) {
        http::BlockingClient client(std::move(endpoint));
        auto response = client.send(std::move(request));
        REQUIRE_OK(response);
        return *std::move(response);
    }

    const test::TempDir folder_;
    const std::vector<std::string> arguments_;
    std::unique_ptr<Node> node_;
};

}  // namespace mimir::app
