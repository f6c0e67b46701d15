#include "app/server_module.hpp"

#include <filesystem>
#include <optional>

#include "app/inherited_socket.hpp"
#include "app/request_metrics.hpp"
#include "app/wiring.hpp"
#include "http/server.hpp"

namespace mimir::app {
namespace {

http::ServerOptions public_options(const ServerOptions& settings) {
    return {
        .listen = {http::TcpAddress{settings.http_listen_address, settings.http_listen_port}},
        .connections_limit = settings.http_listen_conn_limit,
        .idle_timeout = settings.http_server_idle_timeout,
        .read_timeout = settings.http_server_read_timeout,
        .write_timeout = settings.http_server_write_timeout,
    };
}

/// For other processes: the same routes, and those that clients do not see.
Result<http::ServerOptions> internal_options(const Wiring& wiring) {
    const auto settings = wiring.settings();
    http::ServerOptions options = public_options(settings->server);
    options.listen.clear();
    options.serves_internal = true;
    options.connections_limit = 0;
    if (!wiring.identity->socket.empty()) {
        options.listen.emplace_back(http::UnixAddress{.path = wiring.identity->socket});
    }
    if (wiring.identity->listens_on_tcp) {
        http::TcpAddress address{
            settings->server.internal_listen_address, settings->server.internal_listen_port
        };
        const InternalTlsOptions& tls = settings->common.internal_tls;
        if (tls.enabled()) {
            MIMIR_TRY(
                address.tls,
                http::TlsServerContext::load({
                    .certificate_file = tls.cert_path,
                    .key_file = tls.key_path,
                    .client_ca_file = tls.ca_path,
                })
            );
        }
        options.listen.emplace_back(std::move(address));
    }
    return options;
}

class ServerService final : public modules::Service {
  public:
    explicit ServerService(Wiring& wiring)
        : wiring_(wiring),
          log_(wiring.log.component("server")),
          scope_(wiring.registry),
          settings_(wiring.settings()->server),
          requests_(scope_, log_) {}

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(auto internal, internal_options(wiring_));
        if (!wiring_.identity->socket.empty()) {
            const auto folder = std::filesystem::path(wiring_.identity->socket).parent_path();
            MIMIR_TRY(wiring_.files.create_directories(folder));
        }
        MIMIR_TRY(
            internal_,
            with_context(serve(std::move(internal)), "listening for other processes of the cluster")
        );
        http::ServerOptions clients = public_options(settings_);
        const auto inherited = inherited_socket("http", settings_.http_listen_port);
        if (inherited) clients.listen = {*inherited};
        MIMIR_TRY(server_, serve(std::move(clients)));
        port_ = inherited ? settings_.http_listen_port : server_->port();
        connections_.emplace(wiring_.registry);
        connections_->callbacks(
            telemetry::MetricType::gauge,
            "cortex_tcp_connections",
            "Current number of accepted TCP connections.",
            {"protocol"},
            [this](const auto& emit) {
                emit({"http"}, static_cast<double>(server_->connections()));
            }
        );
        connections_
            ->gauges(
                "cortex_tcp_connections_limit",
                "The max number of TCP connections that can be accepted (0 means no limit).",
                {"protocol"}
            )
            .with({"http"})
            ->set(static_cast<double>(settings_.http_listen_conn_limit));
        wiring_.http_port = port_;
        log_.info(
            "server listening on addresses",
            {{"http", address()},
             {"inherited", inherited.has_value()},
             {"internal", wiring_.identity->identity.address},
             {"internal_from", wiring_.identity->address_from}}
        );
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        wiring_.http_port = 0;
        connections_.reset();
        server_->stop(grace);
        internal_->stop(grace);
        return {};
    }

  private:
    Result<std::unique_ptr<http::Server>> serve(http::ServerOptions options) {
        return http::Server::start(
            {.io = wiring_.executors.io, .compression = wiring_.executors.query},
            wiring_.router,
            std::move(options),
            &requests_
        );
    }
    [[nodiscard]] std::string address() const {
        const std::string& host = settings_.http_listen_address;
        return fmt::format("{}:{}", host.empty() ? "[::]" : host, port_);
    }

    Wiring& wiring_;
    const telemetry::Logger log_;
    telemetry::MetricScope scope_;
    const ServerOptions settings_;
    RequestMetrics requests_;
    std::uint16_t port_ = 0;
    std::unique_ptr<http::Server> internal_;
    std::unique_ptr<http::Server> server_;
    std::optional<telemetry::MetricScope> connections_;  // asks server_
};

}  // namespace

std::unique_ptr<modules::Service> create_server_service(Wiring& wiring) {
    return std::make_unique<ServerService>(wiring);
}

}  // namespace mimir::app
