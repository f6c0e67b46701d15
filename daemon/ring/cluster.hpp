#pragma once

// The cluster's record in the key-value store, "<prefix>cluster": what all of its processes must
// agree on. Checked before joining a ring, so that two clusters never mix.

#include <string>

#include "base/random.hpp"
#include "base/result.hpp"
#include "fs/file_system.hpp"
#include "kv/kv_store.hpp"
#include "telemetry/log.hpp"

namespace mimir::ring {

struct ClusterOptions {
    /// As Ring's.
    std::string prefix;
    /// `common.cluster_name`.
    std::string name;
    std::size_t replication_factor = 1;
    /// Where this node remembers the id of the cluster that it belongs to: "<state_dir>/cluster".
    std::string id_file;
};

struct Cluster {
    std::string name;
    /// Random, 16 bytes in hexadecimal; for ever.
    std::string id;
    std::size_t replication_factor = 1;

    bool operator==(const Cluster&) const = default;
};

std::string encode(const Cluster& cluster);
/// Errors: corrupt.
Result<Cluster> decode_cluster(std::string_view bytes);

/// Makes the record if there is none, with the id that the node remembers or else a new one; compares
/// it otherwise; and remembers its id.
/// Errors: conflict, when name, id or replication factor differ: says which, and what to do;
///         unavailable, when the store can't be reached; corrupt; those of the file system.
Result<Cluster> join_cluster(
    const ClusterOptions& options,
    kv::KvStore& store,
    fs::FileSystem& files,
    const telemetry::Logger& log,
    Random& random
);

}  // namespace mimir::ring
