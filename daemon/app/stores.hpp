#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/guarded.hpp"
#include "kv/create.hpp"
#include "kv/kv_store.hpp"
#include "kv/options.hpp"

namespace mimir::app {

/// The key-value stores that the settings name; those that are equal are one.
class Stores {
  public:
    explicit Stores(kv::Environment environment) : environment_(std::move(environment)) {}

    /// Makes the store when it is asked for first. It lives as long as this.
    /// Errors: as kv::create().
    /// Threads: any.
    Result<kv::KvStore*> at(kv::Options options);

  private:
    struct Made {
        kv::Options options;
        std::unique_ptr<kv::KvStore> store;
    };

    const kv::Environment environment_;
    Guarded<std::vector<Made>> made_;
};

}  // namespace mimir::app
