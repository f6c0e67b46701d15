#pragma once

#include <memory>

#include "components/distributor/options.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"
#include "kv/kv_store.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "ring/membership.hpp"
#include "ring/ring.hpp"
#include "rpc/distributor_client.hpp"
#include "rpc/ingester_directory.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::distributor {

/// What the distributor is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const http::Tenancy& tenancy;
    const config::LimitsProvider& limits;
    const ring::Ring& ingester_ring;
    rpc::IngesterDirectory& ingesters;
    /// Of the distributors, which this one joins, at the place below.
    const ring::Ring& distributor_ring;
    ring::Place place;
    kv::KvStore& ha_tracker_store;
    std::string ha_tracker_prefix;
    /// Where the distributor is found by others while it runs.
    modules::Slot<rpc::DistributorClient>& slot;
    fs::FileSystem& files;
    runtime::Executors& executors;
    http::Router& router;
    telemetry::Registry& registry;
    telemetry::Logger log;
};

/// The service of the module `distributor`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::distributor
