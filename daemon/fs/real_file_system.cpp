#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fs/file_system.hpp"

namespace mimir::fs {
namespace {

ErrorKind kind_of(int code) {
    switch (code) {
        case ENOENT: return ErrorKind::not_found;
        case EEXIST:
        case ENOTEMPTY: return ErrorKind::conflict;
        case ENOSPC:
        case EDQUOT:
        case EROFS:
        case EMFILE:
        case ENFILE: return ErrorKind::unavailable;
        default: return ErrorKind::internal;
    }
}

/// "opening /data/wal/00000001: No such file or directory"
tl::unexpected<Error> failed(std::string_view doing, const Path& path, int code = errno) {
    return fail(
        kind_of(code), "{} {}: {}", doing, path.native(), std::generic_category().message(code)
    );
}

template <class Call>
auto retry_interrupted(Call call) {
    auto result = call();
    while (result == -1 && errno == EINTR) result = call();
    return result;
}

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_ = -1;
};

Result<Descriptor> open_file(const Path& path, int flags) {
    // Permissions are the umask's business.
    const int number =
        retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
    if (number < 0) return failed("opening", path);
    return Descriptor(number);
}

Result<std::uint64_t> size_of(const Descriptor& file, const Path& path) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return failed("looking at", path);
    return static_cast<std::uint64_t>(status.st_size);
}

/// Appends up to `size` bytes from `offset` to `out`; fewer at the end of the file.
Result<void> read_at(
    const Descriptor& file,
    const Path& path,
    std::uint64_t offset,
    std::size_t size,
    std::string& out
) {
    std::size_t end = out.size();
    out.resize(end + size);
    while (size > 0) {
        const ssize_t count = retry_interrupted([&] {
            return ::pread(file.get(), out.data() + end, size, static_cast<off_t>(offset));
        });
        if (count < 0) return failed("reading", path);
        if (count == 0) break;
        end += static_cast<std::size_t>(count);
        offset += static_cast<std::uint64_t>(count);
        size -= static_cast<std::size_t>(count);
    }
    out.resize(end);
    return {};
}

class RealWritableFile final : public WritableFile {
  public:
    RealWritableFile(Descriptor file, Path path, std::uint64_t size)
        : file_(std::move(file)), path_(std::move(path)), size_(size) {}

    Result<void> append(std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t count = retry_interrupted([&] {
                return ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
            });
            if (count < 0) return failed("writing", path_);
            bytes.remove_prefix(static_cast<std::size_t>(count));
            size_ += static_cast<std::uint64_t>(count);
        }
        return {};
    }

    Result<void> sync() override {
        if (retry_interrupted([&] { return ::fdatasync(file_.get()); }) != 0) {
            return failed("syncing", path_);
        }
        return {};
    }

    Result<void> truncate(std::uint64_t size) override {
        const auto length = static_cast<off_t>(size);
        if (retry_interrupted([&] { return ::ftruncate(file_.get(), length); }) != 0) {
            return failed("truncating", path_);
        }
        size_ = size;
        return {};
    }

    [[nodiscard]] std::uint64_t size() const override { return size_; }

  private:
    Descriptor file_;
    Path path_;
    std::uint64_t size_;
};

class RealReadableFile final : public ReadableFile {
  public:
    RealReadableFile(Descriptor file, Path path) : file_(std::move(file)), path_(std::move(path)) {}

    Result<void> read(std::uint64_t offset, std::size_t size, std::string& out) const override {
        return read_at(file_, path_, offset, size, out);
    }
    [[nodiscard]] Result<std::uint64_t> size() const override { return size_of(file_, path_); }

  private:
    Descriptor file_;
    Path path_;
};

class RealMappedFile final : public MappedFile {
  public:
    explicit RealMappedFile(std::string_view bytes) : bytes_(bytes) {}
    RealMappedFile(const RealMappedFile&) = delete;
    RealMappedFile& operator=(const RealMappedFile&) = delete;
    ~RealMappedFile() override {
        if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
    }
    [[nodiscard]] std::string_view bytes() const override { return bytes_; }

  private:
    std::string_view bytes_;
};

class RealFileLock final : public FileLock {
  public:
    explicit RealFileLock(Descriptor file) : file_(std::move(file)) {}

  private:
    Descriptor file_;
};

class RealFileSystem final : public FileSystem {
  public:
    Result<std::unique_ptr<WritableFile>> open_writable(const Path& path, OpenMode mode) override {
        constexpr int kFlags[] = {O_CREAT | O_EXCL, O_CREAT | O_TRUNC, O_CREAT};
        MIMIR_TRY(auto file, open_file(path, O_WRONLY | kFlags[static_cast<int>(mode)]));
        MIMIR_TRY(const auto size, size_of(file, path));
        return std::make_unique<RealWritableFile>(std::move(file), path, size);
    }

    Result<std::unique_ptr<ReadableFile>> open_readable(const Path& path) const override {
        MIMIR_TRY(auto file, open_file(path, O_RDONLY));
        return std::make_unique<RealReadableFile>(std::move(file), path);
    }

    Result<std::shared_ptr<const MappedFile>> map(const Path& path) const override {
        MIMIR_TRY(const auto file, open_file(path, O_RDONLY));
        MIMIR_TRY(const auto size, size_of(file, path));
        if (size == 0) return std::make_shared<const RealMappedFile>(std::string_view());
        void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
        if (memory == MAP_FAILED) return failed("mapping", path);
        return std::make_shared<const RealMappedFile>(
            std::string_view(static_cast<const char*>(memory), size)
        );
    }

    Result<std::string> read_file(const Path& path) const override {
        MIMIR_TRY(const auto file, open_file(path, O_RDONLY));
        MIMIR_TRY(const auto size, size_of(file, path));
        std::string content;
        MIMIR_TRY(read_at(file, path, 0, size, content));
        return content;
    }

    Result<std::vector<DirectoryEntry>> list(const Path& dir) const override {
        std::vector<DirectoryEntry> entries;
        std::error_code error;
        std::filesystem::directory_iterator at(dir, error);
        for (const std::filesystem::directory_iterator end; !error && at != end;
             at.increment(error)) {
            std::error_code vanished;
            entries.push_back({at->path().filename().native(), at->is_directory(vanished)});
        }
        if (error) return failed("listing", dir, error.value());
        std::ranges::sort(entries, {}, &DirectoryEntry::name);
        return entries;
    }

    bool exists(const Path& path) const override { return ::access(path.c_str(), F_OK) == 0; }

    Result<void> create_directories(const Path& dir) override {
        if (dir.empty()) return {};
        if (::mkdir(dir.c_str(), 0777) != 0) {
            std::error_code error;
            if (errno == EEXIST && std::filesystem::is_directory(dir, error)) return {};
            if (errno != ENOENT) return failed("creating", dir);
            MIMIR_TRY(create_directories(dir.parent_path()));
            if (::mkdir(dir.c_str(), 0777) != 0 && errno != EEXIST) return failed("creating", dir);
        }
        return sync_dir(dir.parent_path());
    }

    Result<void> rename(const Path& from, const Path& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return failed("renaming", from);
        return {};
    }

    Result<void> remove_file(const Path& path) override {
        if (::unlink(path.c_str()) != 0) return failed("removing", path);
        return {};
    }

    Result<void> remove_all(const Path& path) override {
        std::error_code error;
        std::filesystem::remove_all(path, error);
        if (error) return failed("removing", path, error.value());
        return {};
    }

    Result<void> sync_dir(const Path& dir) override {
        MIMIR_TRY(const auto file, open_file(dir.empty() ? "." : dir, O_RDONLY | O_DIRECTORY));
        if (retry_interrupted([&] { return ::fsync(file.get()); }) != 0) {
            return failed("syncing", dir);
        }
        return {};
    }

    Result<std::unique_ptr<FileLock>> lock(const Path& path) override {
        MIMIR_TRY(auto file, open_file(path, O_RDWR | O_CREAT));
        if (retry_interrupted([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); }) != 0) {
            if (errno != EWOULDBLOCK) return failed("locking", path);
            return fail(ErrorKind::conflict, "{} is locked by another process", path.native());
        }
        return std::make_unique<RealFileLock>(std::move(file));
    }

    Result<std::uint64_t> free_bytes(const Path& path) const override {
        struct statvfs status{};
        if (::statvfs(path.c_str(), &status) != 0) return failed("asking the free space of", path);
        return std::uint64_t{status.f_bavail} * status.f_frsize;
    }
};

}  // namespace

FileSystem& real_file_system() {
    static RealFileSystem files;
    return files;
}

}  // namespace mimir::fs
