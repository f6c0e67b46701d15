#include "components/distributor/known_series.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace mimir::distributor {
namespace {

constexpr std::size_t kSlots = 8;  // of 8 bytes: a cache line
constexpr std::size_t kBucketsMin = 64;
// The table doubles when half of its slots are taken: one of 150 sets then finds its bucket full.
constexpr std::size_t kSetsPerBucketMax = kSlots / 2;

/// Hashes whose place is their upper bits. 0 is an empty slot: a set with that hash is never known.
/// Slots are written without order between them: a reader sees a hash or not, and either is right.
struct alignas(64) Bucket {
    std::array<std::atomic<std::uint64_t>, kSlots> slots{};

    [[nodiscard]] bool contains(std::uint64_t hash) const {
        bool found = false;
        for (const auto& slot : slots) found |= slot.load(std::memory_order_relaxed) == hash;
        return found;
    }
    /// Overwrites a slot that the hash picks when none is free.
    void add(std::uint64_t hash) {
        auto* to = &slots[hash % kSlots];
        for (auto& slot : slots) {
            if (slot.load(std::memory_order_relaxed) == 0) to = &slot;
        }
        to->store(hash, std::memory_order_relaxed);
    }
};
static_assert(sizeof(Bucket) == 64);

}  // namespace

struct KnownSeries::Table {
    explicit Table(std::size_t count) : buckets(count), shift(64 - std::countr_zero(count)) {}

    [[nodiscard]] Bucket& bucket_of(std::uint64_t hash) { return buckets[hash >> shift]; }
    [[nodiscard]] bool crowded() const { return added >= buckets.size() * kSetsPerBucketMax; }
    void add(std::uint64_t hash) {
        bucket_of(hash).add(hash);
        ++added;
    }

    [[nodiscard]] std::shared_ptr<Table> doubled() const {
        auto larger = std::make_shared<Table>(buckets.size() * 2);
        for (const Bucket& bucket : buckets) {
            for (const auto& slot : bucket.slots) {
                const std::uint64_t known = slot.load(std::memory_order_relaxed);
                if (known != 0) larger->add(known);
            }
        }
        return larger;
    }

    std::vector<Bucket> buckets;  // a power of two
    int shift;
    std::size_t added = 0;  // written under the lock only
};

KnownSeries::KnownSeries(std::size_t sets_max)
    : buckets_max_(std::bit_ceil(std::max(sets_max / kSetsPerBucketMax, kBucketsMin))),
      table_(std::make_shared<Table>(kBucketsMin)) {}

KnownSeries::~KnownSeries() = default;

void KnownSeries::Reader::prefetch(const model::LabelsHash& hash) const {
    __builtin_prefetch(&table_->bucket_of(hash.low));
}

bool KnownSeries::Reader::contains(const model::LabelsHash& hash) const {
    return hash.low != 0 && table_->bucket_of(hash.low).contains(hash.low);
}

KnownSeries::Reader KnownSeries::reader() const {
    return Reader(table_.with([](const auto& table) { return table; }));
}

void KnownSeries::add(const model::LabelsHash& hash) {
    table_.with([&](std::shared_ptr<Table>& table) {
        if (table->bucket_of(hash.low).contains(hash.low)) return;
        if (table->crowded() && table->buckets.size() < buckets_max_) table = table->doubled();
        table->add(hash.low);
    });
}

}  // namespace mimir::distributor
