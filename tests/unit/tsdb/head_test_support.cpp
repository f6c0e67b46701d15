#include "head_test_support.hpp"

namespace mimir::tsdb::test_support {

RequestBuilder& RequestBuilder::series(const model::Labels& labels) {
    request_.rewritten.push_back(labels);
    request_.series.push_back({
        .labels = request_.rewritten.back(),
        .hash = labels.hash(),
        .first_sample = static_cast<std::uint32_t>(request_.samples.size()),
        .first_histogram = static_cast<std::uint32_t>(request_.histograms.size()),
        .first_exemplar = static_cast<std::uint32_t>(request_.exemplars.size()),
        .canonical = true,
    });
    return *this;
}

RequestBuilder& RequestBuilder::add_sample(std::int64_t time, double value) {
    request_.samples.push_back({{time}, value});
    ++request_.series.back().sample_count;
    return *this;
}

RequestBuilder& RequestBuilder::add_histogram(model::HistogramSample sample) {
    request_.histograms.push_back(std::move(sample));
    ++request_.series.back().histogram_count;
    return *this;
}

RequestBuilder& RequestBuilder::add_exemplar(model::Exemplar exemplar) {
    request_.exemplars.push_back(std::move(exemplar));
    ++request_.series.back().exemplar_count;
    return *this;
}

RequestBuilder& RequestBuilder::sample(
    const model::Labels& labels, std::int64_t time, double value
) {
    return series(labels).add_sample(time, value);
}

RequestBuilder& RequestBuilder::histogram(std::string_view labels, model::HistogramSample sample) {
    return series(test::labels(labels)).add_histogram(std::move(sample));
}

RequestBuilder& RequestBuilder::exemplar(std::string_view labels, model::Exemplar exemplar) {
    return series(test::labels(labels)).add_exemplar(std::move(exemplar));
}

HeadOptions head_options(WalSync sync) {
    HeadOptions options;
    options.shard_count = 2;
    options.wal.sync = sync;
    options.reader_wait_max = std::chrono::seconds(10);
    return options;
}

std::unique_ptr<Head> open_head(fs::FileSystem& files, const fs::Path& dir, HeadOptions options) {
    auto head = Head::open(files, dir, std::move(options));
    REQUIRE_OK(head);
    return *std::move(head);
}

Dataset read_head(Head& head, const model::Matchers& matchers, TimeRange range) {
    auto set = head.select(matchers, range);
    REQUIRE_OK(set);
    auto data = read_dataset(**set, range);
    REQUIRE_OK(data);
    // A chunk may overlap the range without having a sample in it.
    std::erase_if(*data, [](const auto& series) { return series.second.empty(); });
    return *std::move(data);
}

}  // namespace mimir::tsdb::test_support
