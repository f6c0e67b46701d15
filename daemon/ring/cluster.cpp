#include "ring/cluster.hpp"

#include <optional>

#include "wire/proto.hpp"

namespace mimir::ring {
namespace {

constexpr std::uint32_t kName = 1;
constexpr std::uint32_t kId = 2;
constexpr std::uint32_t kReplicationFactor = 3;

constexpr std::size_t kIdDigits = 32;

Result<std::optional<std::string>> read_id(const fs::FileSystem& files, const fs::Path& path) {
    auto text = files.read_file(path);
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
    if (!text) return tl::unexpected(std::move(text).error());
    while (text->ends_with('\n')) text->pop_back();
    if (text->size() != kIdDigits ||
        text->find_first_not_of("0123456789abcdef") != std::string::npos) {
        return fail(ErrorKind::corrupt, "{} holds no cluster id", path.native());
    }
    return std::optional(*std::move(text));
}

/// The processes of a node do this at once when they first start: each writes a file of its own, so
/// that what gets the name is whole.
Result<void> write_id(
    fs::FileSystem& files, const fs::Path& path, const std::string& id, Random& random
) {
    MIMIR_TRY(files.create_directories(path.parent_path()));
    fs::Path own = path;
    own += fmt::format(".{:016x}", random.next());
    MIMIR_TRY(fs::write_file_atomically(files, own, id + "\n"));
    MIMIR_TRY(files.rename(own, path));
    return files.sync_dir(path.parent_path());
}

/// Whether this node may be of that cluster.
Result<void> compare(
    const ClusterOptions& own,
    const std::optional<std::string>& remembered,
    const Cluster& there,
    const kv::KvStore& store
) {
    if (there.name != own.name) {
        return fail(
            ErrorKind::conflict,
            "the cluster in {} is named \"{}\", this node's is \"{}\": set common.cluster_name to "
            "\"{}\", or give this cluster a key-value store or a prefix of its own",
            store.describe(),
            there.name,
            own.name,
            there.name
        );
    }
    if (remembered && *remembered != there.id) {
        return fail(
            ErrorKind::conflict,
            "this node belongs to cluster {} ({} says so), but {} holds cluster {}: point "
            "common.kvstore at the store of before; or, if this node is to move to that cluster with "
            "all that it has stored, remove {}",
            *remembered,
            own.id_file,
            store.describe(),
            there.id,
            own.id_file
        );
    }
    if (there.replication_factor != own.replication_factor) {
        return fail(
            ErrorKind::conflict,
            "the cluster in {} keeps {} copies of each series, this node is told to keep {}: set "
            "ingester.ring.replication_factor to {}; to change it for all, stop every process of the "
            "cluster and remove the key {}cluster from the store",
            store.describe(),
            there.replication_factor,
            own.replication_factor,
            there.replication_factor,
            own.prefix
        );
    }
    return {};
}

}  // namespace

std::string encode(const Cluster& cluster) {
    std::string bytes;
    wire::ProtoWriter out(bytes);
    out.bytes(kName, cluster.name);
    out.bytes(kId, cluster.id);
    out.uint64(kReplicationFactor, cluster.replication_factor);
    return bytes;
}

Result<Cluster> decode_cluster(std::string_view bytes) {
    Cluster cluster{.replication_factor = 0};
    wire::ProtoReader in(bytes);
    while (in.next()) {
        switch (in.field()) {
            case kName: cluster.name = in.bytes(); break;
            case kId: cluster.id = in.bytes(); break;
            case kReplicationFactor: cluster.replication_factor = in.uint64(); break;
            default: break;
        }
    }
    if (!in.ok() || cluster.id.empty() || cluster.replication_factor == 0) {
        return fail(ErrorKind::corrupt, "the cluster's record can't be read");
    }
    return cluster;
}

Result<Cluster> join_cluster(
    const ClusterOptions& options,
    kv::KvStore& store,
    fs::FileSystem& files,
    const telemetry::Logger& log,
    Random& random
) {
    const std::string key = options.prefix + "cluster";
    MIMIR_TRY(const auto remembered, read_id(files, options.id_file));
    MIMIR_TRY(auto entry, store.get(key));
    std::optional<Cluster> cluster;
    if (!entry) {
        cluster = Cluster{
            .name = options.name,
            .id = remembered ? *remembered
                             : fmt::format("{:016x}{:016x}", random.next(), random.next()),
            .replication_factor = options.replication_factor,
        };
        const auto made = store.compare_and_swap(key, kv::kAbsent, encode(*cluster));
        if (made) {
            log.info(
                "the store had no cluster's record, and has one now",
                {{"cluster", cluster->name}, {"id", cluster->id}, {"store", store.describe()}}
            );
        } else if (made.error().kind == ErrorKind::conflict) {
            // Another was first, or ours arrived and we did not hear of it.
            cluster.reset();
            MIMIR_TRY(entry, store.get(key));
            if (!entry) {
                return fail(ErrorKind::unavailable, "the cluster's record comes and goes");
            }
        } else {
            return tl::unexpected(made.error());
        }
    }
    if (!cluster) {
        MIMIR_TRY(cluster, decode_cluster(entry->value));
        MIMIR_TRY(compare(options, remembered, *cluster, store));
    }
    if (!remembered) MIMIR_TRY(write_id(files, options.id_file, cluster->id, random));
    return *cluster;
}

}  // namespace mimir::ring
