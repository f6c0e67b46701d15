#include "fs/memory_file_system.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace mimir::fs {
namespace detail {

using Node = MemoryNode;
using NodePtr = std::shared_ptr<Node>;
using Names = std::map<std::string, NodePtr, std::less<>>;

/// A file or a folder, and what of it is on stable storage. The tree's lock guards a folder, its
/// own lock a file.
struct MemoryNode {
    explicit MemoryNode(bool directory) : is_directory(directory) {}

    void name(const std::string& child, NodePtr node) { change({{child, std::move(node)}}); }
    void unname(const std::string& child) { change({{child, nullptr}}); }

    /// Sets names (to null: removes them) in one step that is kept whole or lost whole.
    void change(Names step) {
        apply(step, names);
        unsynced_steps.push_back(std::move(step));
    }
    static void apply(const Names& step, Names& to) {
        for (const auto& [child, node] : step) {
            if (node == nullptr) {
                to.erase(child);
            } else {
                to[child] = node;
            }
        }
    }
    void sync_names() {
        synced_names = names;
        unsynced_steps.clear();
    }

    void cut(std::size_t size) {
        bytes.resize(size);
        unchanged_size = std::min(unchanged_size, size);
    }
    void sync_bytes() {
        synced.resize(unchanged_size);
        synced.append(bytes, unchanged_size);
        unchanged_size = bytes.size();
    }

    void forget_unsynced(Random* keep) {
        if (!is_directory) return forget_bytes(keep);
        const std::size_t kept = keep == nullptr ? 0 : keep->below(unsynced_steps.size() + 1);
        for (std::size_t i = 0; i < kept; ++i) apply(unsynced_steps[i], synced_names);
        names = synced_names;
        unsynced_steps.clear();
        for (const auto& [name, node] : names) node->forget_unsynced(keep);
    }
    void forget_bytes(Random* keep) {
        const std::scoped_lock lock(mutex);
        const std::size_t unsynced = bytes.size() - unchanged_size;
        const std::size_t kept = keep == nullptr ? 0 : keep->below(unsynced + 1);
        if (kept > 0) {
            bytes.resize(unchanged_size + kept);
        } else {
            bytes = synced;
            unchanged_size = bytes.size();
        }
        sync_bytes();
        is_locked = false;
    }

    const bool is_directory;

    Names names;  // of a folder
    Names synced_names;
    std::vector<Names> unsynced_steps;

    std::mutex mutex;
    std::string bytes;  // of a file
    std::string synced;
    std::size_t unchanged_size = 0;  // up to here, bytes and synced are the same
    bool is_locked = false;
};

}  // namespace detail

namespace {

using detail::Node;
using detail::NodePtr;

tl::unexpected<Error> failed(ErrorKind kind, const Path& path, std::string_view why) {
    return fail(kind, "{}: {}", path.native(), why);
}
tl::unexpected<Error> not_found(const Path& path) {
    return failed(ErrorKind::not_found, path, "No such file or directory");
}

std::vector<std::string> parts_of(const Path& path) {
    std::vector<std::string> parts;
    for (const Path& part : path.lexically_normal().relative_path()) {
        if (!part.empty() && part != ".") parts.push_back(part.native());
    }
    return parts;
}

/// The node of that name, or null.
NodePtr find(NodePtr node, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
        const auto at = node->names.find(part);
        if (at == node->names.end()) return nullptr;
        node = at->second;
    }
    return node;
}

/// Where a name is: its folder and its last part.
struct Place {
    NodePtr folder;
    std::string name;

    [[nodiscard]] NodePtr node() const { return find(folder, {name}); }
};

Result<Place> find_place(const NodePtr& root, const Path& path) {
    std::vector<std::string> parts = parts_of(path);
    if (parts.empty()) return failed(ErrorKind::internal, path, "Is the root");
    std::string name = std::move(parts.back());
    parts.pop_back();
    NodePtr folder = find(root, parts);
    if (folder == nullptr || !folder->is_directory) return not_found(path);
    return Place{std::move(folder), std::move(name)};
}

Result<NodePtr> find_file(const NodePtr& root, const Path& path) {
    NodePtr node = find(root, parts_of(path));
    if (node == nullptr) return not_found(path);
    if (node->is_directory) return failed(ErrorKind::internal, path, "Is a directory");
    return node;
}

Result<NodePtr> find_directory(const NodePtr& root, const Path& path) {
    NodePtr node = find(root, parts_of(path));
    if (node == nullptr) return not_found(path);
    if (!node->is_directory) return failed(ErrorKind::internal, path, "Not a directory");
    return node;
}

/// The file of that name, made when it is missing.
Result<NodePtr> find_or_make_file(const NodePtr& root, const Path& path) {
    MIMIR_TRY(const Place place, find_place(root, path));
    if (place.node() != nullptr) return find_file(root, path);
    auto file = std::make_shared<Node>(false);
    place.folder->name(place.name, file);
    return file;
}

class MemoryWritableFile final : public WritableFile {
  public:
    explicit MemoryWritableFile(NodePtr node) : node_(std::move(node)) {}

    Result<void> append(std::string_view bytes) override {
        const std::scoped_lock lock(node_->mutex);
        node_->bytes += bytes;
        return {};
    }
    Result<void> sync() override {
        const std::scoped_lock lock(node_->mutex);
        node_->sync_bytes();
        return {};
    }
    Result<void> truncate(std::uint64_t size) override {
        const std::scoped_lock lock(node_->mutex);
        node_->cut(size);
        return {};
    }
    [[nodiscard]] std::uint64_t size() const override {
        const std::scoped_lock lock(node_->mutex);
        return node_->bytes.size();
    }

  private:
    NodePtr node_;
};

class MemoryReadableFile final : public ReadableFile {
  public:
    explicit MemoryReadableFile(NodePtr node) : node_(std::move(node)) {}

    Result<void> read(std::uint64_t offset, std::size_t size, std::string& out) const override {
        const std::scoped_lock lock(node_->mutex);
        if (offset < node_->bytes.size()) out.append(node_->bytes, offset, size);
        return {};
    }
    [[nodiscard]] Result<std::uint64_t> size() const override {
        const std::scoped_lock lock(node_->mutex);
        return node_->bytes.size();
    }

  private:
    NodePtr node_;
};

class MemoryMappedFile final : public MappedFile {
  public:
    explicit MemoryMappedFile(std::string bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] std::string_view bytes() const override { return bytes_; }

  private:
    std::string bytes_;
};

class MemoryFileLock final : public FileLock {
  public:
    explicit MemoryFileLock(NodePtr node) : node_(std::move(node)) {}
    MemoryFileLock(const MemoryFileLock&) = delete;
    MemoryFileLock& operator=(const MemoryFileLock&) = delete;
    ~MemoryFileLock() override {
        const std::scoped_lock lock(node_->mutex);
        node_->is_locked = false;
    }

  private:
    NodePtr node_;
};

}  // namespace

MemoryFileSystem::MemoryFileSystem() : root_(std::make_shared<Node>(true)) {}
MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::open_writable(
    const Path& path, OpenMode mode
) {
    const std::scoped_lock lock(mutex_);
    if (mode == OpenMode::create_new && find(root_, parts_of(path)) != nullptr) {
        return failed(ErrorKind::conflict, path, "File exists");
    }
    MIMIR_TRY(NodePtr node, find_or_make_file(root_, path));
    if (mode == OpenMode::truncate) {
        const std::scoped_lock file_lock(node->mutex);
        node->cut(0);
    }
    return std::make_unique<MemoryWritableFile>(std::move(node));
}

Result<std::unique_ptr<ReadableFile>> MemoryFileSystem::open_readable(const Path& path) const {
    const std::scoped_lock lock(mutex_);
    MIMIR_TRY(NodePtr node, find_file(root_, path));
    return std::make_unique<MemoryReadableFile>(std::move(node));
}

Result<std::shared_ptr<const MappedFile>> MemoryFileSystem::map(const Path& path) const {
    MIMIR_TRY(std::string bytes, read_file(path));
    return std::make_shared<const MemoryMappedFile>(std::move(bytes));
}

Result<std::string> MemoryFileSystem::read_file(const Path& path) const {
    const std::scoped_lock lock(mutex_);
    MIMIR_TRY(const NodePtr node, find_file(root_, path));
    const std::scoped_lock file_lock(node->mutex);
    return node->bytes;
}

Result<std::vector<DirectoryEntry>> MemoryFileSystem::list(const Path& dir) const {
    const std::scoped_lock lock(mutex_);
    MIMIR_TRY(const NodePtr folder, find_directory(root_, dir));
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, node] : folder->names) entries.push_back({name, node->is_directory});
    return entries;
}

bool MemoryFileSystem::exists(const Path& path) const {
    const std::scoped_lock lock(mutex_);
    return find(root_, parts_of(path)) != nullptr;
}

Result<void> MemoryFileSystem::create_directories(const Path& dir) {
    const std::scoped_lock lock(mutex_);
    NodePtr folder = root_;
    for (const std::string& part : parts_of(dir)) {
        NodePtr next = find(folder, {part});
        if (next == nullptr) {
            next = std::make_shared<Node>(true);
            folder->name(part, next);
            folder->sync_names();
        }
        if (!next->is_directory) return failed(ErrorKind::conflict, dir, "File exists");
        folder = std::move(next);
    }
    return {};
}

Result<void> MemoryFileSystem::rename(const Path& from, const Path& to) {
    const std::scoped_lock lock(mutex_);
    MIMIR_TRY(const Place source, find_place(root_, from));
    MIMIR_TRY(const Place target, find_place(root_, to));
    const NodePtr node = source.node();
    if (node == nullptr) return not_found(from);
    const NodePtr replaced = target.node();
    if (replaced == node) return {};
    if (replaced != nullptr && replaced->is_directory && !replaced->names.empty()) {
        return failed(ErrorKind::conflict, to, "Directory not empty");
    }
    if (source.folder == target.folder) {
        source.folder->change({{source.name, nullptr}, {target.name, node}});
    } else {
        source.folder->unname(source.name);
        target.folder->name(target.name, node);
    }
    return {};
}

Result<void> MemoryFileSystem::remove_file(const Path& path) {
    const std::scoped_lock lock(mutex_);
    MIMIR_TRY(const Place place, find_place(root_, path));
    MIMIR_TRY(find_file(root_, path));
    place.folder->unname(place.name);
    return {};
}

Result<void> MemoryFileSystem::remove_all(const Path& path) {
    const std::scoped_lock lock(mutex_);
    if (find(root_, parts_of(path)) == nullptr) return {};
    MIMIR_TRY(const Place place, find_place(root_, path));
    place.folder->unname(place.name);
    return {};
}

Result<void> MemoryFileSystem::sync_dir(const Path& dir) {
    const std::scoped_lock lock(mutex_);
    MIMIR_TRY(const NodePtr folder, find_directory(root_, dir));
    folder->sync_names();
    return {};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const Path& path) {
    const std::scoped_lock tree_lock(mutex_);
    MIMIR_TRY(NodePtr node, find_or_make_file(root_, path));
    const std::scoped_lock file_lock(node->mutex);
    if (std::exchange(node->is_locked, true)) {
        return failed(ErrorKind::conflict, path, "is locked by another process");
    }
    return std::make_unique<MemoryFileLock>(std::move(node));
}

Result<std::uint64_t> MemoryFileSystem::free_bytes(const Path&) const {
    return std::numeric_limits<std::uint64_t>::max();
}

void MemoryFileSystem::forget_unsynced(Random* keep) {
    const std::scoped_lock lock(mutex_);
    root_->forget_unsynced(keep);
}

}  // namespace mimir::fs
