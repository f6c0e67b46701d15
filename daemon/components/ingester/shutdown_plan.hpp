#pragma once

#include <optional>

#include "base/guarded.hpp"
#include "base/result.hpp"
#include "fs/file_system.hpp"

namespace mimir::ingester {

/// What becomes of an ingester's heads and ring entry when it stops. Operators change it while the
/// ingester runs; one that was told to prepare for its end knows it after a restart too, by a file
/// in its data folder.
/// Threads: any; calls that return a Result write to the disk.
class ShutdownPlan {
  public:
    struct Defaults {
        bool flush = false;
        bool unregister = true;
    };
    /// Errors: those of the file system.
    static Result<std::unique_ptr<ShutdownPlan>> open(
        fs::FileSystem& files, const fs::Path& dir, Defaults defaults
    );

    /// Whether the heads are written to blocks.
    [[nodiscard]] bool flush() const;
    /// Whether the ring entry is removed.
    [[nodiscard]] bool unregister() const;

    /// Flush and unregister at the next stop, even after a restart.
    Result<void> prepare();
    Result<void> revert();
    [[nodiscard]] bool prepared() const;
    /// Flush and unregister at this stop.
    void stop_for_good();
    /// Unset: as the options say.
    void set_unregister(std::optional<bool> unregister);
    /// The ingester has stopped as planned: the next one begins with the defaults.
    Result<void> carried_out();

  private:
    struct State {
        bool prepared = false;
        bool for_good = false;
        std::optional<bool> unregister;
    };

    ShutdownPlan(fs::FileSystem& files, fs::Path marker, Defaults defaults, bool prepared);

    fs::FileSystem& files_;
    const fs::Path marker_;
    const Defaults defaults_;
    Guarded<State> state_;
};

}  // namespace mimir::ingester
