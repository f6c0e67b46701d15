#include "admin/module.hpp"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "admin/access.hpp"
#include "admin/routes.hpp"
#include "admin/streams.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "http/tls.hpp"
#include "runtime/executors.hpp"

namespace mimir::admin {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetryEvery = 5s;
/// Each stream asks on its pool whether there is news, all of them when there is; others find room in the queue too.
constexpr std::size_t kQueueLimit = 256;
constexpr std::size_t kStreamsMax = 128;
constexpr std::size_t kPublicStreamsMax = 64;
static_assert(kStreamsMax < kQueueLimit && kPublicStreamsMax < kQueueLimit);
/// Event streams have no end of their own: they are ended this soon when the module stops.
constexpr std::chrono::milliseconds kStreamGrace = 500ms;

/// Whether there is such a group, and a file of ours may be given to it.
bool may_give_to(const std::string& name) {
    const group* found = ::getgrnam(name.c_str());
    if (found == nullptr) return false;
    if (::geteuid() == 0 || ::getegid() == found->gr_gid) return true;
    std::vector<gid_t> ours(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
    const int count = ::getgroups(static_cast<int>(ours.size()), ours.data());
    ours.resize(static_cast<std::size_t>(std::max(count, 0)));
    return std::ranges::find(ours, found->gr_gid) != ours.end();
}

class AdminService final : public modules::Service {
  public:
    explicit AdminService(const ModuleEnvironment& environment)
        : environment_(environment),
          log_(environment.log.component("admin")),
          router_(word_refusal),
          scope_(environment.registry) {
        scope_.callback(
            telemetry::MetricType::gauge,
            "mimird_admin_connections",
            "Connections to the admin API.",
            [this] { return connections(); }
        );
        scope_.callback(
            telemetry::MetricType::gauge,
            "mimird_admin_connections_limit",
            "Most connections to the admin API at once.",
            [this] { return static_cast<double>(environment_.options.connections_limit); }
        );
    }

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(access_, Access::create(environment_.options));
        routes_ = register_routes(router_, *access_, routes_with(pool_, streams_));
        if (environment_.options.public_page) {
            const RouteEnvironment routes = routes_with(public_pool_, public_streams_);
            public_routes_ = register_public_routes(environment_.public_router, routes);
        }
        const bool is_set = !environment_.options.socket.empty();
        auto listens = listen_on_socket();
        if (!listens && is_set) return listens;
        if (!listens) {
            log_.warn(
                "the admin API is not served on its default socket; set admin.socket",
                {{"err", listens.error()}}
            );
        }
        return listen_on_tcp();
    }

    Result<void> run(std::stop_token stop) override {
        while (sleep(stop, kRetryEvery)) {
            if (!socket_server_ && !socket_path().empty()) (void)listen_on_socket();
        }
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        for (http::RouteRegistration& route : public_routes_) route.close(kStreamGrace);
        for (http::RouteRegistration& route : routes_) route.close(kStreamGrace);
        if (tcp_server_) tcp_server_->stop(grace);
        const auto socket_server = server();
        if (socket_server) socket_server->stop(grace);
        environment_.listening("");
        return {};
    }

  private:
    [[nodiscard]] RouteEnvironment routes_with(runtime::Pool& pool, StreamPlaces& streams) {
        return {
            .control = environment_.control,
            .bell = environment_.bell,
            .pool = pool,
            .streams = streams,
            .log = log_,
            .change_group = environment_.options.change_group,
        };
    }

    [[nodiscard]] std::string socket_path() const {
        const std::string& set = environment_.options.socket;
        return set.empty() ? default_socket(environment_.process) : set;
    }

    Result<void> listen_on_socket() {
        const std::string path = socket_path();
        if (path.empty()) {
            return fail(
                ErrorKind::invalid,
                "without root and without $XDG_RUNTIME_DIR there is no default for it"
            );
        }
        std::error_code ignored;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
        const std::string& group = environment_.options.socket_group;
        const bool has_group = !group.empty() && may_give_to(group);
        const auto mode = parse_mode(environment_.options.socket_mode);
        const http::UnixAddress address{
            .path = path,
            .mode = mode.value_or(0660),
            .group = has_group ? group : "",
        };
        MIMIR_TRY(auto server, serve(address));
        {
            std::lock_guard lock(mutex_);
            socket_server_ = std::move(server);
        }
        log_.info("admin API listening", {{"socket", path}});
        environment_.listening(path);
        return {};
    }

    Result<void> listen_on_tcp() {
        const Options& options = environment_.options;
        if (options.listen_address.empty()) return {};
        MIMIR_TRY(const auto endpoint, http::Endpoint::parse(options.listen_address));
        MIMIR_TRY(
            auto tls,
            http::TlsServerContext::load({
                .certificate_file = options.tls_cert_path,
                .key_file = options.tls_key_path,
                .client_ca_file = options.tls_client_ca_path,
            })
        );
        MIMIR_TRY(
            tcp_server_,
            serve(http::TcpAddress{.host = endpoint.host, .port = endpoint.port, .tls = tls})
        );
        log_.info(
            "admin API listening",
            {{"address", fmt::format("https://{}:{}", endpoint.host, tcp_server_->port())}}
        );
        return {};
    }

    Result<std::shared_ptr<http::Server>> serve(http::ListenAddress address) {
        return http::Server::start(
            {.io = io_, .compression = pool_},
            router_,
            {
                .listen = {std::move(address)},
                .connections_limit = environment_.options.connections_limit,
                .replaces_waiting = true,
                .idle_timeout = 60s,
                .read_timeout = 10s,
                .write_timeout = 30s,
            }
        );
    }

    [[nodiscard]] std::shared_ptr<http::Server> server() const {
        std::lock_guard lock(mutex_);
        return socket_server_;
    }
    [[nodiscard]] double connections() const {
        const auto socket_server = server();
        return static_cast<double>(socket_server ? socket_server->connections() : 0) +
               static_cast<double>(tcp_server_ ? tcp_server_->connections() : 0);
    }

    const ModuleEnvironment environment_;
    const telemetry::Logger log_;
    runtime::IoThreads io_{1};
    runtime::Pool pool_{"admin-api", {.threads = 2, .queue_limit = kQueueLimit}};
    /// Whoever looks at the public port's page waits in a queue of their own.
    runtime::Pool public_pool_{"admin-public", {.threads = 1, .queue_limit = kQueueLimit}};
    StreamPlaces streams_{kStreamsMax};
    StreamPlaces public_streams_{kPublicStreamsMax};
    http::Router router_;
    std::optional<Access> access_;
    std::vector<http::RouteRegistration> routes_;
    std::vector<http::RouteRegistration> public_routes_;
    std::shared_ptr<http::Server> tcp_server_;
    mutable std::mutex mutex_;
    std::shared_ptr<http::Server> socket_server_;  // guarded by mutex_
    telemetry::MetricScope scope_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<AdminService>(environment);
}

}  // namespace mimir::admin
