#include "app/server_module.hpp"

#include <optional>

#include "app/request_metrics.hpp"
#include "app/wiring.hpp"
#include "http/server.hpp"

namespace mimir::app {
namespace {

http::ServerOptions server_options(const ServerOptions& settings) {
    return {
        .listen = {http::TcpAddress{settings.http_listen_address, settings.http_listen_port}},
        .connections_limit = settings.http_listen_conn_limit,
        .idle_timeout = settings.http_server_idle_timeout,
        .read_timeout = settings.http_server_read_timeout,
        .write_timeout = settings.http_server_write_timeout,
    };
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
        MIMIR_TRY(
            server_,
            http::Server::start(
                {.io = wiring_.executors.io, .compression = wiring_.executors.query},
                wiring_.router,
                server_options(settings_),
                &requests_
            )
        );
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
        wiring_.http_port = server_->port();
        log_.info("server listening on addresses", {{"http", address()}});
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        wiring_.http_port = 0;
        connections_.reset();
        server_->stop(grace);
        return {};
    }

  private:
    [[nodiscard]] std::string address() const {
        const std::string& host = settings_.http_listen_address;
        return fmt::format("{}:{}", host.empty() ? "[::]" : host, server_->port());
    }

    Wiring& wiring_;
    const telemetry::Logger log_;
    telemetry::MetricScope scope_;
    const ServerOptions settings_;
    RequestMetrics requests_;
    std::unique_ptr<http::Server> server_;
    std::optional<telemetry::MetricScope> connections_;  // asks server_
};

}  // namespace

std::unique_ptr<modules::Service> create_server_service(Wiring& wiring) {
    return std::make_unique<ServerService>(wiring);
}

}  // namespace mimir::app
