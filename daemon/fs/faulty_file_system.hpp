#pragma once

#include "base/random.hpp"
#include "fs/memory_file_system.hpp"

namespace mimir::fs {

namespace detail {
class Faults;
}

/// A file system in memory that fails when told to, for tests of what storage does then. Operations
/// that change something are counted, so that a test can run its work once, and then again for each
/// operation going wrong:
///     for (std::uint64_t n = 1; n <= operations; ++n) { files.fail_from(n, error); work();
///     files.power_cut(); check(); }
class FaultyFileSystem final : public FileSystem {
  public:
    FaultyFileSystem();
    ~FaultyFileSystem() override;

    /// Changes so far: opening to write, append, sync, truncate, create_directories, rename,
    /// removals, sync_dir, lock.
    [[nodiscard]] std::uint64_t operations() const;

    /// The n-th change from now on (1 is the next) fails and changes nothing.
    void fail_operation(std::uint64_t n, Error error);
    /// So do all after it: the disk is gone.
    void fail_from(std::uint64_t n, Error error);
    /// The n-th append from now on writes only `bytes_kept` bytes, and fails.
    void tear_append(std::uint64_t n, std::size_t bytes_kept);
    /// The n-th read, mapping or listing from now on fails.
    void fail_read(std::uint64_t n, Error error);
    /// Appends fit into so many bytes from now on; the one that does not is cut short and fails as
    /// unavailable.
    void set_free_bytes(std::uint64_t bytes);
    /// All of the above is over.
    void heal();

    /// Goes back to what was synced, and heals. Files opened before fail from here on. With `keep`,
    /// random prefixes of what was not synced stay (MemoryFileSystem::forget_unsynced).
    void power_cut(Random* keep = nullptr);

    Result<std::unique_ptr<WritableFile>> open_writable(const Path& path, OpenMode mode) override;
    Result<std::unique_ptr<ReadableFile>> open_readable(const Path& path) const override;
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
    Result<std::uint64_t> free_bytes(const Path& path) const override;

  private:
    MemoryFileSystem memory_;
    std::shared_ptr<detail::Faults> faults_;
};

}  // namespace mimir::fs
