#include "components/flusher/flusher.hpp"

#include <optional>

#include "model/tenant.hpp"

namespace mimir::flusher {
namespace {

Result<void> flush(
    const fs::Path& dir, const tsdb::TsdbOptions& storage, const Environment& environment
) {
    MIMIR_TRY(
        const auto db,
        tsdb::Tsdb::open(
            {environment.files, environment.clock, environment.metrics, environment.log},
            dir,
            storage
        )
    );
    return db->flush();
}

/// Whoever reads it should know what to do.
Error explained(const Error& error, const model::TenantId& tenant, const fs::Path& dir) {
    Error explained = error.with_context(fmt::format("flushing tenant {}", tenant.str()));
    if (error.kind == ErrorKind::conflict) {
        explained.message +=
            fmt::format(": is an ingester running on {}? stop it first", dir.string());
    }
    return explained;
}

}  // namespace

Result<std::size_t> flush_all(
    const fs::Path& dir,
    const tsdb::TsdbOptions& storage,
    const Environment& environment,
    const CancellationToken& cancel
) {
    MIMIR_TRY(const auto entries, environment.files.list(dir));
    std::optional<Error> first_error;
    std::size_t flushed = 0;
    for (const fs::DirectoryEntry& entry : entries) {
        const auto tenant = model::TenantId::parse(entry.name);
        if (!entry.is_directory || !tenant) continue;
        MIMIR_TRY(cancel.check());
        if (const auto done = flush(dir / entry.name, storage, environment); !done) {
            Error error = explained(done.error(), *tenant, dir);
            environment.log.error("tenant not flushed", {{"user", *tenant}, {"err", error}});
            if (!first_error) first_error = std::move(error);
            continue;
        }
        ++flushed;
        environment.log.info("tenant flushed", {{"user", *tenant}});
    }
    if (first_error) return tl::unexpected(*std::move(first_error));
    return flushed;
}

}  // namespace mimir::flusher
