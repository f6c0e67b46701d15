#include "counting_storage.hpp"

#include <algorithm>

#include "chunkenc/xor_chunk.hpp"
#include "support/test_support.hpp"

namespace mimir::test {

class CountingStorage::Set final : public chunkenc::SeriesSet {
  public:
    Set(CountingStorage& storage, std::vector<const Series*> series)
        : storage_(storage), series_(std::move(series)) {}

    [[nodiscard]] std::size_t count() const override { return series_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return series_[index]->labels;
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        ++storage_.loads;
        if (storage_.cancel_on_load != nullptr) storage_.cancel_on_load->cancel();
        batch.clear();
        for (std::size_t i = first; i < first + count; ++i) {
            batch.begin_series();
            for (const auto& [range, data] : series_[i]->chunks) {
                batch.add({range, chunkenc::Encoding::xor_float, data});
            }
        }
        return {};
    }

  private:
    CountingStorage& storage_;
    std::vector<const Series*> series_;
};

void CountingStorage::add_chunk(std::string_view text, const std::vector<Sample>& samples) {
    chunkenc::XorChunk chunk;
    for (const auto& [seconds, value] : samples) chunk.append({seconds * 1000}, value);
    const auto wanted = labels(text);
    auto at = std::ranges::find(series_, wanted, &Series::labels);
    if (at == series_.end()) at = series_.insert(at, {wanted, {}});
    at->chunks.push_back(
        {{{samples.front().seconds * 1000}, {samples.back().seconds * 1000}},
         std::string(chunk.data())}
    );
}

void CountingStorage::add_counter(std::string_view text, std::size_t samples) {
    std::vector<Sample> made;
    for (std::size_t i = 0; i < samples; ++i) {
        made.push_back({static_cast<std::int64_t>(i) * 15, static_cast<double>(i)});
    }
    add_chunk(text, made);
}

Result<std::unique_ptr<chunkenc::SeriesSet>> CountingStorage::select(
    const model::Matchers& matchers, TimeRange range
) {
    ranges.push_back(range);
    std::vector<const Series*> found;
    for (const auto& series : series_) {
        if (model::matches(matchers, series.labels)) found.push_back(&series);
    }
    return std::make_unique<Set>(*this, std::move(found));
}

}  // namespace mimir::test
