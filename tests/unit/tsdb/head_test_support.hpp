#pragma once

// What tests of the head share.

#include "block_test_support.hpp"
#include "model/write_request.hpp"
#include "support/test_support.hpp"
#include "tsdb/head/head.hpp"

namespace mimir::tsdb::test_support {

/// Puts a request together.
class RequestBuilder {
  public:
    RequestBuilder& sample(std::string_view labels, std::int64_t time, double value) {
        return sample(test::labels(labels), time, value);
    }
    RequestBuilder& sample(const model::Labels& labels, std::int64_t time, double value);
    RequestBuilder& histogram(std::string_view labels, model::HistogramSample sample);
    RequestBuilder& exemplar(std::string_view labels, model::Exemplar exemplar);
    /// Another entry for a series, to which samples, histograms and exemplars are added afterwards.
    RequestBuilder& series(const model::Labels& labels);
    RequestBuilder& add_sample(std::int64_t time, double value);
    RequestBuilder& add_histogram(model::HistogramSample sample);
    RequestBuilder& add_exemplar(model::Exemplar exemplar);

    [[nodiscard]] const model::WriteRequest& request() const { return request_; }

  private:
    model::WriteRequest request_;
};

/// Small enough for tests: blocks of 2 h, two shards.
HeadOptions head_options(WalSync sync = WalSync::none);

std::unique_ptr<Head> open_head(
    fs::FileSystem& files, const fs::Path& dir, HeadOptions options = head_options()
);

/// Float samples of the series that match.
Dataset read_head(Head& head, const model::Matchers& matchers = {}, TimeRange range = kAllTime);

}  // namespace mimir::tsdb::test_support
