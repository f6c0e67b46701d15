#include "block_test_support.hpp"

#include "chunkenc/decode.hpp"
#include "chunkenc/xor_chunk.hpp"
#include "tsdb/block/block_writer.hpp"

namespace mimir::tsdb::test_support {

OwnedChunk make_chunk(const Samples& samples) {
    chunkenc::XorChunk chunk;
    for (const auto& [time, value] : samples) chunk.append({time}, value);
    return {{{samples.begin()->first}, {samples.rbegin()->first}}, std::string(chunk.data())};
}

std::vector<OwnedChunk> make_chunks(const Samples& samples, std::size_t samples_per_chunk) {
    std::vector<OwnedChunk> chunks;
    Samples open;
    for (const auto& sample : samples) {
        open.insert(sample);
        if (open.size() < samples_per_chunk) continue;
        chunks.push_back(make_chunk(open));
        open.clear();
    }
    if (!open.empty()) chunks.push_back(make_chunk(open));
    return chunks;
}

Ulid ulid(unsigned n) {
    SeededRandom random(n);
    return Ulid::create({1'700'000'000'000 + n}, random);
}

Dataset random_dataset(
    Random& random, std::size_t series, std::size_t samples, std::int64_t begin, std::int64_t end
) {
    Dataset data;
    for (std::size_t i = 0; i < series; ++i) {
        model::LabelsBuilder builder;
        const std::uint64_t number = random.below(series);
        const std::string pod = "p" + std::to_string(number);
        builder.set(model::kMetricName, random.below(2) == 0 ? "up" : "errors_total")
            .set("pod", pod);
        Samples& one = data[builder.build()];
        for (std::uint64_t n = 1 + random.below(samples); n > 0; --n) {
            const auto offset = random.below(static_cast<std::uint64_t>(end - begin));
            const std::int64_t time = begin + static_cast<std::int64_t>(offset);
            one[time] = static_cast<double>(time) * 1000 + static_cast<double>(number);
        }
    }
    return data;
}

Result<std::optional<BlockMeta>> write_block(
    fs::FileSystem& files,
    const fs::Path& dir,
    Ulid name,
    const Dataset& data,
    std::int64_t begin,
    std::int64_t end,
    std::uint64_t segment_bytes_max
) {
    const BlockWriter::Plan plan{name, {begin}, {end}, BlockOrigin{}};
    MIMIR_TRY(const auto writer, BlockWriter::create(files, dir, plan, segment_bytes_max));
    for (const auto& [labels, samples] : data) {
        const Samples inside(samples.lower_bound(begin), samples.lower_bound(end));
        const std::vector<OwnedChunk> chunks = make_chunks(inside, 20);
        std::vector<chunkenc::ChunkView> views;
        for (const OwnedChunk& chunk : chunks) views.push_back(chunk.view());
        MIMIR_TRY(writer->add(labels, views));
    }
    return writer->finish();
}

Result<Dataset> read_dataset(chunkenc::SeriesSet& set, TimeRange range, std::size_t batch_series) {
    Dataset data;
    chunkenc::ChunkBatch batch;
    chunkenc::Points points;
    for (std::size_t first = 0; first < set.count(); first += batch_series) {
        const std::size_t count = std::min(batch_series, set.count() - first);
        MIMIR_TRY(set.load(first, count, batch));
        for (std::size_t i = 0; i < count; ++i) {
            Samples& samples = data[model::Labels(set.labels(first + i))];
            for (const chunkenc::ChunkView& chunk : batch.chunks_of(i)) {
                points.clear();
                MIMIR_TRY(chunkenc::decode(chunk, range, points));
                for (std::size_t n = 0; n < points.float_times.size(); ++n) {
                    samples.emplace(points.float_times[n].ms, points.float_values[n]);
                }
            }
        }
    }
    return data;
}

Dataset filtered(const Dataset& data, const model::Matchers& matchers, TimeRange range) {
    Dataset kept;
    for (const auto& [labels, samples] : data) {
        if (!model::matches(matchers, labels)) continue;
        for (const auto& [time, value] : samples) {
            if (range.contains({time})) kept[labels].emplace(time, value);
        }
    }
    return kept;
}

Dataset united(const Dataset& first, const Dataset& second) {
    Dataset all = first;
    for (const auto& [labels, samples] : second) all[labels].insert(samples.begin(), samples.end());
    return all;
}

}  // namespace mimir::tsdb::test_support
