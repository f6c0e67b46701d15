#include "tsdb/head/detail/chunk_files.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/assert.hpp"
#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"

namespace mimir::tsdb::detail {
namespace {

constexpr std::uint32_t kMagic = 0x0130BC91;
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 8;
/// Of a chunk without its data: series, times, encoding, the longest length, checksum.
constexpr std::size_t kEntryBytesMax = 8 + 8 + 8 + 1 + 5 + 4;
constexpr std::uint8_t kOutOfOrderBit = 0x80;

// A growing file is mapped anew when so much of it was written since, to page it in again not too often.
constexpr std::uint64_t kRemapBytesMin = 1 << 20;
constexpr std::uint64_t kRemapBytesMax = 4 << 20;

std::optional<std::uint32_t> parse_number(std::string_view name) {
    std::uint32_t number = 0;
    const char* end = name.data() + name.size();
    const auto [at, error] = std::from_chars(name.data(), end, number);
    if (name.size() < 6 || error != std::errc{} || at != end) return std::nullopt;
    return number;
}

struct Entry {
    WalRef ref = 0;
    StoredChunk chunk;
    bool out_of_order = false;
};

/// Reads the entry at `offset`. Nothing at the end, and `error` says so when that is not the file's own.
std::optional<Entry> read_entry(
    std::string_view file, std::uint64_t& offset, std::string_view& error
) {
    const std::string_view rest = file.substr(offset);
    encoding::ByteReader reader(rest);
    Entry entry;
    entry.ref = reader.be64();
    entry.chunk.min = {static_cast<std::int64_t>(reader.be64())};
    const TimestampMs max{static_cast<std::int64_t>(reader.be64())};
    const std::uint8_t encoding_byte = reader.u8();
    const std::uint64_t size = reader.uvarint();
    if (entry.ref == 0 && rest.find_first_not_of('\0') == rest.npos) return std::nullopt;
    entry.chunk.offset = static_cast<std::uint32_t>(file.size() - reader.remaining());
    entry.chunk.size = static_cast<std::uint32_t>(size);
    reader.raw(size);
    const std::string_view checked = rest.substr(0, rest.size() - reader.remaining());
    const std::uint32_t checksum = reader.be32();
    if (!reader.ok()) {
        error = "the last chunk is torn";
        return std::nullopt;
    }
    const std::uint64_t duration =
        static_cast<std::uint64_t>(max.ms) - static_cast<std::uint64_t>(entry.chunk.min.ms);
    if (encoding::crc32c(checked) != checksum || duration > 0xFFFFFFFF) {
        error = "a wrong checksum";
        return std::nullopt;
    }
    entry.chunk.duration_ms = static_cast<std::uint32_t>(duration);
    entry.chunk.encoding_number = encoding_byte & 7;
    entry.out_of_order = (encoding_byte & kOutOfOrderBit) != 0;
    offset = file.size() - reader.remaining();
    return entry;
}

bool has_header(std::string_view file) {
    return file.size() >= kHeaderBytes && encoding::load_be<std::uint32_t>(file.data()) == kMagic &&
           static_cast<std::uint8_t>(file[4]) == kVersion;
}

bool is_known(chunkenc::Encoding encoding) {
    return encoding >= chunkenc::Encoding::xor_float &&
           encoding <= chunkenc::Encoding::float_histogram;
}

}  // namespace

std::string_view ChunkFilesView::data(const StoredChunk& chunk) const {
    const auto after = std::ranges::upper_bound(
        regions_,
        std::pair{std::uint32_t{chunk.file}, std::uint64_t{chunk.offset}},
        {},
        [](const Region& region) { return std::pair{region.file, region.begin}; }
    );
    MIMIR_ASSERT(
        after != regions_.begin() && std::prev(after)->file == chunk.file,
        "a view shows every chunk that was stored before it"
    );
    const Region& region = *std::prev(after);
    return {region.bytes + (chunk.offset - region.begin), chunk.size};
}

Result<std::unique_ptr<ChunkFiles>> ChunkFiles::open(
    fs::FileSystem& files,
    fs::Path dir,
    Options options,
    const Visitor& visit,
    std::vector<std::string>& damages
) {
    MIMIR_TRY(files.create_directories(dir));
    std::unique_ptr<ChunkFiles> opened(new ChunkFiles(files, std::move(dir), options));
    MIMIR_TRY(opened->read_existing(visit, damages));
    return opened;
}

ChunkFiles::ChunkFiles(fs::FileSystem& files, fs::Path dir, Options options)
    : files_(files), dir_(std::move(dir)), options_(options) {}

Result<void> ChunkFiles::read_existing(const Visitor& visit, std::vector<std::string>& damages) {
    MIMIR_TRY(const auto entries, files_.list(dir_));
    std::vector<std::uint32_t> numbers;
    for (const fs::DirectoryEntry& entry : entries) {
        if (const auto number = parse_number(entry.name)) numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    // Series must have no gaps: behind a damaged or missing file, no other counts.
    bool broken = false;
    for (const std::uint32_t number : numbers) {
        if (!broken && number > next_number_ && next_number_ > 1) {
            broken = true;
            damages.push_back(fmt::format(
                "chunk file {} is missing; those behind it are dropped, and their samples come "
                "from the log",
                path_of(next_number_).native()
            ));
        }
        next_number_ = number + 1;
        File file;
        if (!broken) {
            const std::size_t damages_before = damages.size();
            MIMIR_TRY(file, read_file(number, visit, damages));
            broken = damages.size() > damages_before;
        }
        if (file.size > kHeaderBytes) {
            known_.push_back(std::move(file));
        } else {
            MIMIR_TRY(files_.remove_file(path_of(number)));
        }
    }
    return {};
}

Result<ChunkFiles::File> ChunkFiles::read_file(
    std::uint32_t number, const Visitor& visit, std::vector<std::string>& damages
) {
    const fs::Path path = path_of(number);
    MIMIR_TRY(const auto mapping, files_.map(path));
    const std::string_view content = mapping->bytes();
    File file{.number = number, .complete = true};
    std::string_view error;
    if (has_header(content)) {
        file.size = kHeaderBytes;
        while (file.size < content.size()) {
            auto entry = read_entry(content, file.size, error);
            if (!entry) break;
            if (entry->out_of_order || !is_known(entry->chunk.encoding())) continue;
            entry->chunk.file = number;
            file.max_time = std::max(file.max_time, entry->chunk.max());
            visit(entry->ref, entry->chunk);
        }
    } else {
        error = "no header";
    }
    file.on_disk = file.size;
    if (!error.empty()) {
        damages.push_back(fmt::format(
            "chunk file {}: {} at byte {}; what is behind is dropped, and its samples come from "
            "the log",
            path.native(),
            error,
            file.size
        ));
        MIMIR_TRY(auto cut, files_.open_writable(path, fs::FileSystem::OpenMode::append));
        MIMIR_TRY(cut->truncate(file.size));
    }
    return file;
}

StoredChunk ChunkFiles::append(WalRef ref, const chunkenc::ChunkView& chunk) {
    Lock lock(mutex_);
    char* const entry = reserve(kEntryBytesMax + chunk.data.size());
    encoding::store_be(entry, ref);
    encoding::store_be(entry + 8, static_cast<std::uint64_t>(chunk.range.min.ms));
    encoding::store_be(entry + 16, static_cast<std::uint64_t>(chunk.range.max.ms));
    entry[24] = static_cast<char>(chunk.encoding);
    char* at = encoding::store_uvarint(entry + 25, chunk.data.size());
    Block& block = *blocks_.back();
    File& file = known_.back();
    StoredChunk stored{.min = chunk.range.min};
    stored.duration_ms = static_cast<std::uint32_t>((chunk.range.max - chunk.range.min).count());
    stored.file = file.number;
    stored.encoding_number = static_cast<std::uint32_t>(chunk.encoding) & 7;
    stored.offset = static_cast<std::uint32_t>(
        block.offset + static_cast<std::uint64_t>(at - block.bytes.get())
    );
    stored.size = static_cast<std::uint32_t>(chunk.data.size());
    std::memcpy(at, chunk.data.data(), chunk.data.size());
    at += chunk.data.size();
    const std::string_view checked(entry, static_cast<std::size_t>(at - entry));
    encoding::store_be(at, encoding::crc32c(checked));
    block.size += checked.size() + sizeof(std::uint32_t);
    file.size += checked.size() + sizeof(std::uint32_t);
    file.max_time = std::max(file.max_time, chunk.range.max);
    return stored;
}

/// Where to write the next entry, of at most so many bytes.
char* ChunkFiles::reserve(std::size_t bytes) {
    if (known_.empty() || known_.back().complete ||
        known_.back().size + bytes > options_.file_bytes) {
        seal_last_block();
        if (!known_.empty()) known_.back().complete = true;
        known_.push_back({.number = next_number_++});
        add_block(std::max(options_.block_bytes, kHeaderBytes + bytes));
        char* const header = blocks_.back()->bytes.get();
        std::memset(header, 0, kHeaderBytes);
        encoding::store_be(header, kMagic);
        header[4] = static_cast<char>(kVersion);
        blocks_.back()->size = known_.back().size = kHeaderBytes;
    }
    if (blocks_.empty() || blocks_.back()->capacity - blocks_.back()->size < bytes) {
        seal_last_block();
        add_block(std::max(options_.block_bytes, bytes));
    }
    return blocks_.back()->bytes.get() + blocks_.back()->size;
}

void ChunkFiles::add_block(std::size_t bytes) {
    auto block = std::make_shared<Block>();
    block->file = known_.back().number;
    block->offset = known_.back().size;
    block->capacity = bytes;
    block->bytes = std::make_unique_for_overwrite<char[]>(bytes);
    blocks_.push_back(std::move(block));
    view_.reset();
}

void ChunkFiles::seal_last_block() {
    if (blocks_.empty()) return;
    Block& last = *blocks_.back();
    last.capacity = last.size;
    if (!last.written) wants_flush_.store(true, std::memory_order_relaxed);
}

Result<void> ChunkFiles::flush(Flush what) {
    Lock lock(mutex_);
    flushed_.wait(lock, [&] { return !flushing_; });
    if (what == Flush::everything) seal_last_block();
    wants_flush_.store(false, std::memory_order_relaxed);
    flushing_ = true;
    Result<void> result;
    for (std::size_t i = 0; result && i < blocks_.size(); ++i) {
        const std::shared_ptr<Block> block = blocks_[i];
        if (block->written) continue;
        if (block->size < block->capacity) break;  // it is being filled
        lock.unlock();
        result = write_block(*block);
        lock.lock();
        block->written = result.has_value();
    }
    if (!result) {
        ++write_failures_;
        wants_flush_.store(true, std::memory_order_relaxed);
    }
    drop_mappable_blocks();
    flushing_ = false;
    flushed_.notify_all();
    return with_context(std::move(result), "writing chunks of the head");
}

Result<void> ChunkFiles::write_block(const Block& block) {
    if (writer_ == nullptr || writer_file_ != block.file) {
        const auto mode = block.offset == 0 ? fs::FileSystem::OpenMode::truncate
                                            : fs::FileSystem::OpenMode::append;
        MIMIR_TRY(writer_, files_.open_writable(path_of(block.file), mode));
        writer_file_ = block.file;
    }
    if (writer_->size() != block.offset) MIMIR_TRY(writer_->truncate(block.offset));
    Result<void> appended = writer_->append({block.bytes.get(), block.size});
    if (!appended) writer_.reset();
    return appended;
}

/// Lets go of blocks that can as well be read from their file: when the file is complete, or enough of it was written.
void ChunkFiles::drop_mappable_blocks() {
    for (File& file : known_) {
        std::uint64_t written = 0;
        bool all_written = true;
        for (const auto& block : blocks_) {
            if (block->file != file.number) continue;
            if (block->written) written += block->size;
            all_written = all_written && block->written;
        }
        const std::uint64_t enough = std::clamp(file.on_disk / 4, kRemapBytesMin, kRemapBytesMax);
        if (written == 0 || (written < enough && !(file.complete && all_written))) continue;
        std::erase_if(blocks_, [&](const auto& block) {
            return block->written && block->file == file.number;
        });
        file.on_disk += written;
        file.mapping.reset();
        view_.reset();
    }
}

Result<std::shared_ptr<const ChunkFilesView>> ChunkFiles::view() {
    Lock lock(mutex_);
    if (view_) return view_;
    auto view = std::make_shared<ChunkFilesView>();
    for (File& file : known_) {
        if (file.on_disk > 0) {
            if (!file.mapping) {
                MIMIR_TRY(file.mapping, files_.map(path_of(file.number)));
            }
            view->regions_.push_back({file.number, 0, file.mapping->bytes().data()});
            view->owners_.push_back(file.mapping);
        }
        for (const auto& block : blocks_) {
            if (block->file != file.number) continue;
            view->regions_.push_back({file.number, block->offset, block->bytes.get()});
            view->owners_.push_back(block);
        }
    }
    view_ = view;
    return view_;
}

Result<void> ChunkFiles::remove_before(TimestampMs time) {
    Lock lock(mutex_);
    flushed_.wait(lock, [&] { return !flushing_; });
    while (!known_.empty() && known_.front().max_time < time) {
        const std::uint32_t number = known_.front().number;
        // A file whose removal failed is found, and removed, at the next start's first call.
        auto removed = files_.remove_file(path_of(number));
        if (!removed && removed.error().kind != ErrorKind::not_found) return removed;
        if (writer_file_ == number) writer_.reset();
        std::erase_if(blocks_, [&](const auto& block) { return block->file == number; });
        known_.pop_front();
        view_.reset();
    }
    return {};
}

std::uint64_t ChunkFiles::memory_bytes() const {
    Lock lock(mutex_);
    std::uint64_t bytes = 0;
    for (const auto& block : blocks_) bytes += std::max(block->capacity, options_.block_bytes);
    return bytes;
}

std::uint64_t ChunkFiles::file_bytes() const {
    Lock lock(mutex_);
    std::uint64_t bytes = 0;
    for (const File& file : known_) bytes += file.size;
    return bytes;
}

std::uint64_t ChunkFiles::write_failures() const {
    Lock lock(mutex_);
    return write_failures_;
}

fs::Path ChunkFiles::path_of(std::uint32_t number) const {
    return dir_ / fmt::format("{:06}", number);
}

}  // namespace mimir::tsdb::detail
