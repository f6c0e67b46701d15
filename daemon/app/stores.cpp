#include "app/stores.hpp"

namespace mimir::app {

Result<kv::KvStore*> Stores::at(kv::Options options) {
    options.prefix.clear();  // it is for those who make keys
    return made_.with([&](std::vector<Made>& made) -> Result<kv::KvStore*> {
        for (const Made& one : made) {
            if (one.options == options) return one.store.get();
        }
        MIMIR_TRY(auto store, kv::create(options, environment_));
        return made.emplace_back(Made{options, std::move(store)}).store.get();
    });
}

}  // namespace mimir::app
