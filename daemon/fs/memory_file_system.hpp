#pragma once

#include <mutex>

#include "base/random.hpp"
#include "fs/file_system.hpp"

namespace mimir::fs {

namespace detail {
struct MemoryNode;
}

/// Files in memory, for tests and for storage that need not last. Relative and absolute paths mean
/// the same: there is one root. Knows what would be on stable storage, so that FaultyFileSystem can
/// cut the power.
class MemoryFileSystem final : public FileSystem {
  public:
    MemoryFileSystem();
    ~MemoryFileSystem() override;
    MemoryFileSystem(const MemoryFileSystem&) = delete;
    MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;

    Result<std::unique_ptr<WritableFile>> open_writable(const Path& path, OpenMode mode) override;
    Result<std::unique_ptr<ReadableFile>> open_readable(const Path& path) const override;
    /// A copy of the file as it is now.
    Result<std::shared_ptr<const MappedFile>> map(const Path& path) const override;
    Result<std::string> read_file(const Path& path) const override;

    Result<std::vector<DirectoryEntry>> list(const Path& dir) const override;
    bool exists(const Path& path) const override;
    Result<void> create_directories(const Path& dir) override;
    Result<void> rename(const Path& from, const Path& to) override;
    Result<void> remove_file(const Path& path) override;
    Result<void> remove_all(const Path& path) override;
    Result<void> sync_dir(const Path& dir) override;

    Result<std::unique_ptr<FileLock>> lock(const Path& path) override;
    /// As good as endless.
    Result<std::uint64_t> free_bytes(const Path& path) const override;

    /// Goes back to what was synced. With `keep`, each file also keeps a random prefix of its
    /// unsynced bytes, and each folder the effect of a random prefix of its unsynced changes of
    /// names.
    void forget_unsynced(Random* keep = nullptr);

  private:
    mutable std::mutex mutex_;  // guards the tree; each file guards its own bytes
    std::shared_ptr<detail::MemoryNode> root_;
};

}  // namespace mimir::fs
