#include "tsdb/head/detail/replay_worker.hpp"

#include <algorithm>
#include <span>

namespace mimir::tsdb::detail {
namespace {

constexpr std::size_t kWaitingMax = 8;
constexpr std::size_t kWave = 32;

}  // namespace

void ReplayBatch::clear() {
    series.clear();
    labels.clear();
    samples.clear();
    histograms.clear();
}

ReplayWorker::ReplayWorker(Mode mode, const std::vector<ReplayedChunk>& chunks) : chunks_(chunks) {
    if (mode == Mode::threaded) thread_ = std::thread([this] { run(); });
}

ReplayWorker::~ReplayWorker() { finish(); }

void ReplayWorker::submit(ReplayBatch& batch) {
    if (!thread_.joinable()) {
        apply(batch);
        batch.clear();
        return;
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < kWaitingMax; });
    waiting_.push_back(std::move(batch));
    batch = {};
    if (!spare_.empty()) {
        batch = std::move(spare_.back());
        spare_.pop_back();
    }
    changed_.notify_all();
}

void ReplayWorker::finish() {
    if (!thread_.joinable()) return;
    {
        std::lock_guard lock(mutex_);
        finished_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void ReplayWorker::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [&] { return finished_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        ReplayBatch batch = std::move(waiting_.front());
        waiting_.pop_front();
        changed_.notify_all();
        lock.unlock();
        apply(batch);
        batch.clear();
        lock.lock();
        spare_.push_back(std::move(batch));
    }
}

void ReplayWorker::apply(const ReplayBatch& batch) {
    apply_series(batch);
    apply_samples(batch);
    for (const ReplayBatch::Histogram& one : batch.histograms) {
        const Place place = places_[one.series];
        samples_ += place.shard->restore_histogram(place.slot, one.sample) ? 1 : 0;
    }
}

void ReplayWorker::apply_series(const ReplayBatch& batch) {
    std::string_view labels = batch.labels;
    for (const ReplayBatch::Series& one : batch.series) {
        const auto own = model::LabelsView::from_canonical(labels.substr(0, one.labels_bytes));
        labels.remove_prefix(one.labels_bytes);
        const std::uint32_t slot = one.shard->restore_series(own, one.hash, one.ref);
        places_.push_back({.shard = one.shard, .slot = slot});
        for (const ReplayedChunk& chunk :
             std::ranges::equal_range(chunks_, one.ref, {}, &ReplayedChunk::ref)) {
            chunks_taken_ += one.shard->restore_chunk(slot, chunk.chunk) ? 1 : 0;
        }
    }
}

void ReplayWorker::apply_samples(const ReplayBatch& batch) {
    std::span<const ReplayBatch::Sample> samples = batch.samples;
    while (!samples.empty()) {
        const auto wave = samples.first(std::min(kWave, samples.size()));
        samples = samples.subspan(wave.size());
        for (const auto& one : wave)
            places_[one.series].shard->prefetch_series(places_[one.series].slot);
        for (const auto& one : wave) {
            places_[one.series].shard->prefetch_open_chunk(places_[one.series].slot);
        }
        for (const auto& one : wave) {
            const Place place = places_[one.series];
            samples_ += place.shard->restore_sample(place.slot, one.time, one.value) ? 1 : 0;
        }
    }
}

}  // namespace mimir::tsdb::detail
