#include "app/cluster_modules.hpp"

#include <optional>

#include "app/rings.hpp"
#include "app/wiring.hpp"
#include "base/random.hpp"
#include "ring/cluster.hpp"
#include "ring/page.hpp"
#include "rpc/querier_directory.hpp"
#include "rpc/remote_query_runner.hpp"
#include "rpc/scheduler_dispatch.hpp"

namespace mimir::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetryEvery = 500ms;
/// Between two lines of the log that say what is still waited for.
constexpr auto kRemindEvery = 10s;

/// Waits for the store as long as it takes: a node that comes up before its etcd joins later.
class KvStoreService final : public modules::Service {
  public:
    explicit KvStoreService(Wiring& wiring)
        : wiring_(wiring),
          log_(wiring.log.component("kv-store")),
          stores_({
              .state_dir = wiring.settings()->node.state_dir,
              .io = wiring.executors.io,
              .log = log_,
              .registry = wiring.registry,
              .clock = wiring.clock,
          }) {}

    Result<void> start(const CancellationToken& cancel) override {
        const auto settings = wiring_.settings();
        // All of them, so that what cannot be is said now.
        for (const RingRow& row : ring_rows()) MIMIR_TRY(stores_.at(ring_store(*settings, row)));
        const kv::Options common = settings->common.kvstore;
        MIMIR_TRY(kv::KvStore* const store, stores_.at(common));

        const std::filesystem::path state_dir = settings->node.state_dir;
        const ring::ClusterOptions options{
            .prefix = common.prefix,
            .name = settings->common.cluster_name,
            .replication_factor = replication_factor(*settings),
            .id_file = state_dir / (common.store == kv::StoreKind::etcd ? "cluster"
                                                                         : "cluster-local"),
        };
        SeededRandom random(random_seed());
        std::optional<std::chrono::steady_clock::time_point> reminded;
        while (true) {
            const auto joined = wiring_.files.create_directories(state_dir).and_then([&] {
                return ring::join_cluster(options, *store, wiring_.files, log_, random);
            });
            if (joined) {
                log_.info(
                    "belongs to a cluster",
                    {{"store", store->describe()},
                     {"cluster", joined->name},
                     {"id", joined->id},
                     {"replication_factor", joined->replication_factor}}
                );
                break;
            }
            // Time mends neither of these; a full disk, or a store that is away, it may.
            const ErrorKind kind = joined.error().kind;
            if (kind == ErrorKind::conflict || kind == ErrorKind::corrupt) {
                return tl::unexpected(joined.error());
            }
            const auto now = std::chrono::steady_clock::now();
            if (!reminded || now - *reminded > kRemindEvery) {
                reminded = now;
                log_.warn(
                    "waiting for the key-value store",
                    {{"store", store->describe()}, {"err", joined.error()}}
                );
            }
            MIMIR_TRY(cancel.check());
            std::this_thread::sleep_for(kRetryEvery);
        }
        wiring_.stores = &stores_;
        return {};
    }

    Result<void> stop(std::chrono::milliseconds) override {
        wiring_.stores = nullptr;
        return {};
    }

  private:
    Wiring& wiring_;
    const telemetry::Logger log_;
    Stores stores_;
};

class RingService final : public modules::Service {
  public:
    RingService(Wiring& wiring, const RingRow& row, kv::KvStore& store)
        : wiring_(wiring),
          row_(row),
          ring_(
              std::string(row.component),
              ring_store(*wiring.settings(), row).prefix,
              options(wiring, row),
              {
                  .store = store,
                  .log = wiring.log.component("ring"),
                  .registry = wiring.registry,
                  .clock = wiring.clock,
              }
          ) {}

    Result<void> start(const CancellationToken& cancel) override {
        // What is in the ring is wanted before the first look-up; a store that is away is waited for.
        while (!ring_.wait_until_read(kRetryEvery)) MIMIR_TRY(cancel.check());
        const ring::RingRouteOptions page{
            .pattern = fmt::format("/{}/ring", row_.component),
            .module = ring_module(row_.component),
        };
        auto& pool = wiring_.executors.background;
        for (http::Route& route : ring::ring_routes(page, ring_, pool, wiring_.clock)) {
            routes_.push_back(wiring_.router.add(std::move(route)));
        }
        published_.emplace(wiring_.ring_slot(row_.component), ring_);
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        published_.reset();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    static ring::RingOptions options(const Wiring& wiring, const RingRow& row) {
        const auto settings = wiring.settings();
        const auto store = ring_store(*settings, row);
        auto options = ring::ring_options(row.settings(*settings), store.store);
        options.own_instance_id = wiring.identity_in(row.component).id;
        options.expects_peers = row.component == "ingester" && options.replication_factor > 1;
        return options;
    }

    Wiring& wiring_;
    const RingRow& row_;
    ring::Ring ring_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<ring::Ring>::Publication> published_;
};

class PeersService final : public modules::Service {
  public:
    PeersService(Wiring& wiring, std::shared_ptr<const http::TlsClientContext> tls)
        : wiring_(wiring),
          tls_(std::move(tls)),
          pool_(
              {.cluster = wiring.settings()->common.cluster_name, .tls = tls_},
              {
                  .io = wiring.executors.io,
                  .log = wiring.log.component("peers"),
                  .registry = wiring.registry,
                  .clock = wiring.clock,
              }
          ),
          ingesters_({
              .peers = pool_,
              .local = wiring.ingester,
              .local_id = wiring.identity_in("ingester").id,
          }) {}

    Result<void> start(const CancellationToken&) override {
        hello_ = rpc::add_hello(wiring_.internal_routes());
        wiring_.peers = &pool_;
        wiring_.ingesters = &ingesters_;
        wiring_.peers_tls = tls_;
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        hello_.close(grace);
        wiring_.peers_tls = nullptr;
        wiring_.ingesters = nullptr;
        wiring_.peers = nullptr;
        return {};
    }

  private:
    Wiring& wiring_;
    const std::shared_ptr<const http::TlsClientContext> tls_;
    rpc::PeerPool pool_;
    rpc::IngesterPool ingesters_;
    http::RouteRegistration hello_;
};

class QueryDispatchService final : public modules::Service {
  public:
    explicit QueryDispatchService(Wiring& wiring)
        : wiring_(wiring),
          schedulers_({
              .peers = *wiring.peers,
              .local = wiring.query_scheduler,
              .ring = wiring.ring("query-scheduler"),
              .identity = wiring.identity_in("query-scheduler"),
              .clock = wiring.clock,
          }),
          queriers_({
              .peers = *wiring.peers,
              .local = wiring.querier,
              .local_id = wiring.identity_in("querier").id,
              .remote =
                  [](std::shared_ptr<rpc::Peer> peer, std::uint64_t ticket) {
                      return std::make_shared<rpc::RemoteQueryRunner>(std::move(peer), ticket);
                  },
          }),
          dispatch_({}, schedulers_, queriers_) {}

    Result<void> start(const CancellationToken&) override {
        wiring_.query_schedulers = &schedulers_;
        wiring_.dispatch = &dispatch_;
        return {};
    }

    Result<void> stop(std::chrono::milliseconds) override {
        wiring_.dispatch = nullptr;
        wiring_.query_schedulers = nullptr;
        return {};
    }

  private:
    Wiring& wiring_;
    rpc::QuerySchedulerPool schedulers_;
    rpc::QuerierPool queriers_;
    rpc::SchedulerDispatch dispatch_;
};

}  // namespace

Result<std::unique_ptr<modules::Service>> create_query_dispatch_service(Wiring& wiring) {
    return std::make_unique<QueryDispatchService>(wiring);
}

Result<std::unique_ptr<modules::Service>> create_kv_store_service(Wiring& wiring) {
    return std::make_unique<KvStoreService>(wiring);
}

Result<std::unique_ptr<modules::Service>> create_ring_service(
    Wiring& wiring, std::string_view component
) {
    const RingRow& row = ring_row(component);
    MIMIR_TRY(kv::KvStore* const store, wiring.stores->at(ring_store(*wiring.settings(), row)));
    return std::make_unique<RingService>(wiring, row, *store);
}

Result<std::unique_ptr<modules::Service>> create_peers_service(Wiring& wiring) {
    const InternalTlsOptions tls = wiring.settings()->common.internal_tls;
    std::shared_ptr<const http::TlsClientContext> context;
    if (tls.enabled()) {
        MIMIR_TRY(
            context,
            http::TlsClientContext::load({
                .ca_file = tls.ca_path,
                .certificate_file = tls.cert_path,
                .key_file = tls.key_path,
                .server_name = tls.server_name,
            })
        );
    }
    return std::make_unique<PeersService>(wiring, std::move(context));
}

}  // namespace mimir::app
