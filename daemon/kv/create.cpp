#include "kv/create.hpp"

#include "kv/detail/measured.hpp"
#include "kv/etcd.hpp"
#include "kv/inmemory.hpp"
#include "kv/sqlite.hpp"

namespace mimir::kv {
namespace {

Result<std::unique_ptr<KvStore>> create_bare(
    const Options& options, const Environment& environment
) {
    const auto log = environment.log.component("kv");
    switch (options.store) {
        case StoreKind::inmemory: return std::make_unique<InMemoryKvStore>(environment.clock);
        case StoreKind::sqlite:
            return std::make_unique<SqliteKvStore>(
                environment.state_dir / "kv.sqlite", log, environment.clock
            );
        case StoreKind::etcd: return EtcdKvStore::create(environment.io, options.etcd, log);
    }
    return fail(ErrorKind::internal, "no such store");
}

}  // namespace

Result<std::unique_ptr<KvStore>> create(const Options& options, Environment environment) {
    config::Findings findings;
    validate(options, "common.kvstore", findings);
    MIMIR_TRY(findings.result());
    MIMIR_TRY(auto store, create_bare(options, environment));
    return std::make_unique<detail::MeasuredKvStore>(
        std::move(store), to_string(options.store), environment.registry
    );
}

}  // namespace mimir::kv
