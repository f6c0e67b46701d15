#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chunkenc/xor_chunk.hpp"
#include "rpc/query_dispatch.hpp"
#include "support/test_support.hpp"

namespace mimir::query_frontend {

/// One series of chunks that may overlap.
class OneSeries final : public chunkenc::SeriesSet {
  public:
    explicit OneSeries(const std::vector<chunkenc::XorChunk>& chunks) : chunks_(chunks) {}
    [[nodiscard]] std::size_t count() const override { return 1; }
    [[nodiscard]] model::LabelsView labels(std::size_t) const override { return labels_; }
    Result<void> load(std::size_t, std::size_t, chunkenc::ChunkBatch& batch) override {
        batch.clear();
        batch.begin_series();
        for (const auto& chunk : chunks_) {
            batch.add({{{0}, {100}}, chunkenc::Encoding::xor_float, chunk.data()});
        }
        return {};
    }

  private:
    const model::Labels labels_ = test::labels("up{job=\"a\"}");
    const std::vector<chunkenc::XorChunk>& chunks_;
};

/// Answers what the test says, and remembers what it was asked.
class FakeQuerier : public rpc::QueryRunner {
  public:
    Answer<promql::QueryResult> query(
        rpc::RequestContext context, promql::Query query, promql::ExprPtr
    ) override {
        tenant = context.tenant->str();
        asked = query;
        co_return answer;
    }
    Answer<rpc::Selection<model::Labels>> series(rpc::RequestContext, rpc::SelectionQuery query)
        override {
        selection = query;
        co_return rpc::Selection<model::Labels>{{test::labels("up{job=\"a\"}")}, true};
    }
    Answer<rpc::Selection<std::string>> label_names(rpc::RequestContext, rpc::SelectionQuery query)
        override {
        selection = query;
        co_return rpc::Selection<std::string>{{"__name__", "job"}, false};
    }
    Answer<rpc::Selection<std::string>> label_values(
        rpc::RequestContext, std::string name, rpc::SelectionQuery query
    ) override {
        selection = query;
        co_return rpc::Selection<std::string>{{name}, false};
    }
    Answer<std::vector<model::SeriesExemplars>> exemplars(
        rpc::RequestContext, rpc::SelectionQuery query
    ) override {
        selection = query;
        co_return std::vector<model::SeriesExemplars>{
            {test::labels("up"), {{test::labels("{trace_id=\"abc\"}"), 6, {1600096945479}}}}
        };
    }
    Answer<std::vector<model::MetricMetadata>> metadata(rpc::RequestContext, rpc::MetadataQuery)
        override {
        co_return std::vector<model::MetricMetadata>{
            {"a", {model::MetricType::counter, "h1", ""}},
            {"a", {model::MetricType::gauge, "h2", "s"}},
            {"b", {}},
        };
    }
    Answer<std::unique_ptr<chunkenc::SeriesSet>> select(
        rpc::RequestContext, model::Matchers, TimeRange
    ) override {
        if (chunks.empty()) co_return fail(ErrorKind::internal, "no series here");
        co_return std::make_unique<OneSeries>(chunks);
    }

    std::vector<chunkenc::XorChunk> chunks;
    std::string tenant;
    promql::Query asked;
    rpc::SelectionQuery selection;
    Result<promql::QueryResult> answer = promql::QueryResult{promql::Scalar{{1000}, 2}};
};

/// Gives the one querier to everybody, and counts.
class FakeDispatch final : public rpc::QueryDispatch {
  public:
    explicit FakeDispatch(rpc::QueryRunner& runner) : runner_(runner) {}

    boost::asio::awaitable<Result<std::shared_ptr<rpc::QueryRunner>>> acquire(rpc::RequestContext
    ) override {
        ++acquired;
        if (!refusal) co_return tl::unexpected(refusal.error());
        held_most = std::max(held_most, ++held);
        co_return std::shared_ptr<rpc::QueryRunner>(&runner_, [this](rpc::QueryRunner*) {
            --held;
        });
    }

    Result<void> refusal;
    int acquired = 0;
    int held = 0;  ///< Slots that are busy.
    int held_most = 0;

  private:
    rpc::QueryRunner& runner_;
};

}  // namespace mimir::query_frontend
