#include "tsdb/wal/wal.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "tsdb/wal/framing.hpp"
#include "tsdb/wal/wal_files.hpp"

namespace mimir::tsdb {

Result<std::unique_ptr<Wal>> Wal::open(fs::FileSystem& files, fs::Path dir, WalOptions options) {
    MIMIR_TRY(files.create_directories(dir));
    if (options.sync != WalSync::none) MIMIR_TRY(files.sync_dir(dir.parent_path()));
    MIMIR_TRY(const auto contents, list_wal(files, dir));
    std::unique_ptr<Wal> wal(new Wal(files, std::move(dir), options));
    std::uint32_t next = contents.checkpoint ? contents.checkpoint->through + 1 : 0;
    wal->segments_.first = next;
    if (!contents.segments.empty()) {
        wal->segments_.first = contents.segments.front().number;
        next = contents.segments.back().number + 1;
    }
    MIMIR_TRY(wal->open_segment(next));
    wal->segments_.last = next;
    return wal;
}

Wal::Wal(fs::FileSystem& files, fs::Path dir, WalOptions options)
    : files_(files), dir_(std::move(dir)), options_(options), pending_(std::make_shared<Batch>()) {}

Result<void> Wal::log(std::span<const std::string_view> records) {
    Lock lock(mutex_);
    MIMIR_TRY(make_room(lock, records));
    for (const std::string_view record : records) {
        const std::size_t before = pending_->bytes.size();
        append_framed(pending_->bytes, position_, record);
        position_ += pending_->bytes.size() - before;
    }
    const std::shared_ptr<Batch> batch = pending_;
    while (!batch->done) {
        if (writing_) {
            changed_.wait(lock);
        } else {
            write_pending(lock);
        }
    }
    return batch->result;
}

Result<void> Wal::sync() {
    Lock lock(mutex_);
    become_writer(lock);
    lock.unlock();
    Result<void> synced = file_->sync();
    lock.lock();
    cease_writing();
    return synced;
}

Result<std::uint32_t> Wal::start_segment() {
    Lock lock(mutex_);
    become_writer(lock);
    MIMIR_TRY(rotate(lock));
    return segments_.last;
}

Result<void> Wal::remove_segments_through(std::uint32_t last) {
    MIMIR_ASSERT(last < segments().last, "the segment being written stays");
    MIMIR_TRY(const auto present, list_segments(files_, dir_));
    for (const WalSegment& segment : present) {
        if (segment.number > last) break;
        MIMIR_TRY(files_.remove_file(segment.path));
        fs::Path aside = segment.path;
        aside += kDamagedSuffix;
        if (files_.exists(aside)) MIMIR_TRY(files_.remove_file(aside));
    }
    MIMIR_TRY(files_.sync_dir(dir_));
    Lock lock(mutex_);
    segments_.first = std::max(segments_.first, last + 1);
    return {};
}

SegmentRange Wal::segments() const {
    Lock lock(mutex_);
    return segments_;
}

/// Leaves the lock held, and the records fitting into the segment that position_ is in.
Result<void> Wal::make_room(Lock& lock, std::span<const std::string_view> records) {
    const auto fits = [&] {
        std::uint64_t end = position_;
        for (const std::string_view record : records) end += framed_bytes(end, record.size());
        return end <= options_.segment_bytes;
    };
    while (position_ > 0 && !fits()) {
        become_writer(lock);
        if (position_ == 0 || fits()) {  // another thread made room meanwhile
            cease_writing();
            return {};
        }
        MIMIR_TRY(rotate(lock));
    }
    return {};
}

/// Waits until nothing is pending or being written, and keeps others from writing.
void Wal::become_writer(Lock& lock) {
    while (writing_ || !pending_->bytes.empty()) {
        if (writing_) {
            changed_.wait(lock);
        } else {
            write_pending(lock);
        }
    }
    writing_ = true;
}

void Wal::cease_writing() {
    writing_ = false;
    changed_.notify_all();
}

void Wal::write_pending(Lock& lock) {
    writing_ = true;
    const std::shared_ptr<Batch> batch = std::exchange(pending_, std::make_shared<Batch>());
    pending_->bytes = std::move(spare_);
    lock.unlock();
    Result<void> result = write_out(batch->bytes);
    lock.lock();
    if (!result) {
        // What was framed meanwhile assumed that this batch would lie before it.
        pending_->result = result;
        pending_->done = true;
        pending_ = std::make_shared<Batch>();
        position_ = good_end_;
    }
    batch->result = std::move(result);
    batch->done = true;
    spare_ = std::move(batch->bytes);
    spare_.clear();
    cease_writing();
}

Result<void> Wal::write_out(std::string_view bytes) {
    if (torn_) MIMIR_TRY(file_->truncate(good_end_));
    torn_ = true;
    Result<void> result = file_->append(bytes);
    if (result && options_.sync == WalSync::always) result = file_->sync();
    if (!result) {
        torn_ = !file_->truncate(good_end_).has_value();
        return with_context(std::move(result), "writing the log");
    }
    torn_ = false;
    good_end_ += bytes.size();
    return result;
}

/// As the writer; ceases to be it.
Result<void> Wal::rotate(Lock& lock) {
    const std::uint32_t next = segments_.last + 1;
    lock.unlock();
    Result<void> result;
    if (torn_) result = file_->truncate(good_end_);
    if (result && options_.sync == WalSync::interval) result = file_->sync();
    if (result) result = open_segment(next);
    lock.lock();
    if (result) {
        segments_.last = next;
        position_ = 0;
    }
    cease_writing();
    return with_context(std::move(result), "starting a segment of the log");
}

Result<void> Wal::open_segment(std::uint32_t number) {
    // Replaces what a failed attempt left.
    MIMIR_TRY(
        auto file,
        files_.open_writable(dir_ / segment_name(number), fs::FileSystem::OpenMode::truncate)
    );
    if (options_.sync != WalSync::none) MIMIR_TRY(files_.sync_dir(dir_));
    file_ = std::move(file);
    good_end_ = 0;
    torn_ = false;
    return {};
}

}  // namespace mimir::tsdb
