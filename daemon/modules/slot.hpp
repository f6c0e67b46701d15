#pragma once

#include <future>
#include <memory>
#include <utility>

#include "base/guarded.hpp"

namespace mimir::modules {

/// Where a module's object is found by those that can do without it: a distributor finds the
/// ingester of this process here while it runs, and answers "unavailable" while it does not. (What
/// a module cannot do without is a dependency, and a plain reference.) Threads: any. Outlives its
/// publications.
template <class T>
class Slot {
  public:
    /// Ends the publication: nobody finds the object any more, and returns when nobody uses it.
    class Publication {
      public:
        Publication(Slot& slot, T& object) : slot_(slot) {
            std::promise<void> gone;
            unused_ = gone.get_future();
            std::shared_ptr<T> shared(&object, [gone = std::move(gone)](T*) mutable {
                gone.set_value();
            });
            slot_.object_.with([&](auto& current) { current = std::move(shared); });
        }
        ~Publication() {
            // Released outside the lock: the last user may be this thread.
            auto own =
                slot_.object_.with([](auto& current) { return std::exchange(current, nullptr); });
            own.reset();
            unused_.wait();
        }
        Publication(const Publication&) = delete;
        Publication& operator=(const Publication&) = delete;

      private:
        Slot& slot_;
        std::future<void> unused_;
    };

    /// The object, kept alive until the pointer goes; null while nobody publishes one. For the
    /// length of one call.
    [[nodiscard]] std::shared_ptr<T> get() const {
        return object_.with([](const auto& current) { return current; });
    }

  private:
    Guarded<std::shared_ptr<T>> object_;
};

}  // namespace mimir::modules
