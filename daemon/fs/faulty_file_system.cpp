#include "fs/faulty_file_system.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

namespace mimir::fs {
namespace detail {

/// What is to go wrong, and when. Shared with the open files, which ask before each step.
class Faults {
  public:
    static constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

    enum class Kind { change, append, read };

    struct Fault {
        std::uint64_t at = 0;
        Error error;
        bool lasts = false;
        std::size_t bytes_kept = 0;
    };

    [[nodiscard]] std::uint64_t changes() const {
        const std::scoped_lock lock(mutex_);
        return counts_[index(Kind::change)];
    }
    [[nodiscard]] std::uint64_t epoch() const {
        const std::scoped_lock lock(mutex_);
        return epoch_;
    }
    [[nodiscard]] std::uint64_t free_bytes() const {
        const std::scoped_lock lock(mutex_);
        return free_bytes_;
    }

    void plan(Kind kind, Fault fault) {
        const std::scoped_lock lock(mutex_);
        fault.at += counts_[index(kind)];
        plans_[index(kind)] = std::move(fault);
    }
    void set_free_bytes(std::uint64_t bytes) {
        const std::scoped_lock lock(mutex_);
        free_bytes_ = bytes;
    }
    void heal() {
        const std::scoped_lock lock(mutex_);
        for (auto& plan : plans_) plan.reset();
        free_bytes_ = kEndless;
    }
    void begin_epoch() {
        heal();
        const std::scoped_lock lock(mutex_);
        ++epoch_;
    }

    Result<void> before(Kind kind) {
        const std::scoped_lock lock(mutex_);
        return step(kind);
    }

    /// How many of the bytes are to be written, and whether writing then succeeds.
    struct Append {
        std::size_t bytes = 0;
        Result<void> result;
    };
    Append before_append(std::size_t bytes) {
        const std::scoped_lock lock(mutex_);
        if (Result<void> result = step(Kind::change); !result) return {0, std::move(result)};
        if (Result<void> result = step(Kind::append); !result) {
            return {std::min(bytes, plans_[index(Kind::append)]->bytes_kept), std::move(result)};
        }
        if (bytes > free_bytes_) {
            return {
                std::exchange(free_bytes_, 0),
                fail(ErrorKind::unavailable, "No space left on device")
            };
        }
        if (free_bytes_ != kEndless) free_bytes_ -= bytes;
        return {bytes, {}};
    }

  private:
    static std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }

    Result<void> step(Kind kind) {
        const std::uint64_t now = ++counts_[index(kind)];
        const std::optional<Fault>& plan = plans_[index(kind)];
        if (plan && (now == plan->at || (plan->lasts && now > plan->at))) {
            return tl::unexpected(plan->error);
        }
        return {};
    }

    mutable std::mutex mutex_;
    std::uint64_t counts_[3] = {};
    std::optional<Fault> plans_[3];
    std::uint64_t free_bytes_ = kEndless;
    std::uint64_t epoch_ = 0;  // of power: files opened in an earlier one are dead
};

}  // namespace detail

namespace {

using detail::Faults;
using Kind = Faults::Kind;

/// Of one open file: fails after a power cut, and when it is planned.
class FileFaults {
  public:
    explicit FileFaults(std::shared_ptr<Faults> faults)
        : faults_(std::move(faults)), epoch_(faults_->epoch()) {}

    Result<void> before(Kind kind) const {
        MIMIR_TRY(check_power());
        return faults_->before(kind);
    }
    [[nodiscard]] Faults::Append before_append(std::size_t bytes) const {
        if (Result<void> power = check_power(); !power) return {0, std::move(power)};
        return faults_->before_append(bytes);
    }

  private:
    Result<void> check_power() const {
        if (faults_->epoch() == epoch_) return {};
        return fail(ErrorKind::internal, "the file was open when the power was cut");
    }

    std::shared_ptr<Faults> faults_;
    std::uint64_t epoch_;
};

class FaultyWritableFile final : public WritableFile {
  public:
    FaultyWritableFile(std::unique_ptr<WritableFile> file, std::shared_ptr<Faults> faults)
        : file_(std::move(file)), faults_(std::move(faults)) {}

    Result<void> append(std::string_view bytes) override {
        Faults::Append admitted = faults_.before_append(bytes.size());
        MIMIR_TRY(file_->append(bytes.substr(0, admitted.bytes)));
        return std::move(admitted.result);
    }
    Result<void> sync() override {
        MIMIR_TRY(faults_.before(Kind::change));
        return file_->sync();
    }
    Result<void> truncate(std::uint64_t size) override {
        MIMIR_TRY(faults_.before(Kind::change));
        return file_->truncate(size);
    }
    [[nodiscard]] std::uint64_t size() const override { return file_->size(); }

  private:
    std::unique_ptr<WritableFile> file_;
    FileFaults faults_;
};

class FaultyReadableFile final : public ReadableFile {
  public:
    FaultyReadableFile(std::unique_ptr<ReadableFile> file, std::shared_ptr<Faults> faults)
        : file_(std::move(file)), faults_(std::move(faults)) {}

    Result<void> read(std::uint64_t offset, std::size_t size, std::string& out) const override {
        MIMIR_TRY(faults_.before(Kind::read));
        return file_->read(offset, size, out);
    }
    [[nodiscard]] Result<std::uint64_t> size() const override {
        MIMIR_TRY(faults_.before(Kind::read));
        return file_->size();
    }

  private:
    std::unique_ptr<ReadableFile> file_;
    FileFaults faults_;
};

}  // namespace

FaultyFileSystem::FaultyFileSystem() : faults_(std::make_shared<Faults>()) {}
FaultyFileSystem::~FaultyFileSystem() = default;

std::uint64_t FaultyFileSystem::operations() const { return faults_->changes(); }

void FaultyFileSystem::fail_operation(std::uint64_t n, Error error) {
    faults_->plan(Kind::change, {.at = n, .error = std::move(error)});
}
void FaultyFileSystem::fail_from(std::uint64_t n, Error error) {
    faults_->plan(Kind::change, {.at = n, .error = std::move(error), .lasts = true});
}
void FaultyFileSystem::tear_append(std::uint64_t n, std::size_t bytes_kept) {
    Error error{ErrorKind::internal, {}, "Input/output error"};
    faults_->plan(Kind::append, {.at = n, .error = std::move(error), .bytes_kept = bytes_kept});
}
void FaultyFileSystem::fail_read(std::uint64_t n, Error error) {
    faults_->plan(Kind::read, {.at = n, .error = std::move(error)});
}
void FaultyFileSystem::set_free_bytes(std::uint64_t bytes) { faults_->set_free_bytes(bytes); }
void FaultyFileSystem::heal() { faults_->heal(); }

void FaultyFileSystem::power_cut(Random* keep) {
    faults_->begin_epoch();
    memory_.forget_unsynced(keep);
}

Result<std::unique_ptr<WritableFile>> FaultyFileSystem::open_writable(
    const Path& path, OpenMode mode
) {
    MIMIR_TRY(faults_->before(Kind::change));
    MIMIR_TRY(auto file, memory_.open_writable(path, mode));
    return std::make_unique<FaultyWritableFile>(std::move(file), faults_);
}

Result<std::unique_ptr<ReadableFile>> FaultyFileSystem::open_readable(const Path& path) const {
    MIMIR_TRY(faults_->before(Kind::read));
    MIMIR_TRY(auto file, memory_.open_readable(path));
    return std::make_unique<FaultyReadableFile>(std::move(file), faults_);
}

Result<std::shared_ptr<const MappedFile>> FaultyFileSystem::map(const Path& path) const {
    MIMIR_TRY(faults_->before(Kind::read));
    return memory_.map(path);
}

Result<std::string> FaultyFileSystem::read_file(const Path& path) const {
    MIMIR_TRY(faults_->before(Kind::read));
    return memory_.read_file(path);
}

Result<std::vector<DirectoryEntry>> FaultyFileSystem::list(const Path& dir) const {
    MIMIR_TRY(faults_->before(Kind::read));
    return memory_.list(dir);
}

bool FaultyFileSystem::exists(const Path& path) const { return memory_.exists(path); }

Result<void> FaultyFileSystem::create_directories(const Path& dir) {
    MIMIR_TRY(faults_->before(Kind::change));
    return memory_.create_directories(dir);
}

Result<void> FaultyFileSystem::rename(const Path& from, const Path& to) {
    MIMIR_TRY(faults_->before(Kind::change));
    return memory_.rename(from, to);
}

Result<void> FaultyFileSystem::remove_file(const Path& path) {
    MIMIR_TRY(faults_->before(Kind::change));
    return memory_.remove_file(path);
}

Result<void> FaultyFileSystem::remove_all(const Path& path) {
    MIMIR_TRY(faults_->before(Kind::change));
    return memory_.remove_all(path);
}

Result<void> FaultyFileSystem::sync_dir(const Path& dir) {
    MIMIR_TRY(faults_->before(Kind::change));
    return memory_.sync_dir(dir);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::lock(const Path& path) {
    MIMIR_TRY(faults_->before(Kind::change));
    return memory_.lock(path);
}

Result<std::uint64_t> FaultyFileSystem::free_bytes(const Path&) const {
    return faults_->free_bytes();
}

}  // namespace mimir::fs
