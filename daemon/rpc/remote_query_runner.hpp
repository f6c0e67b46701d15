#pragma once

#include <cstdint>
#include <memory>

#include "rpc/peer.hpp"
#include "rpc/query_runner.hpp"

namespace mimir::rpc {

/// Of one answer, as it crosses; what a querier may hold for a query is bounded by its own limits.
inline constexpr std::size_t kQueryAnswerBytesLimit = 1 << 30;

/// A querier of another process, for the one call that the ticket was given for; see docs/internal-protocol.md for its
/// calls. Answers are read frame by frame on the event loop, a frame at a time. A selection's series come in the order of
/// SeriesKey and are loaded forward only, which blocks for the network; it may outlive the runner.
/// Errors: not_found, when the querier does not know the ticket (any more): acquire another.
class RemoteQueryRunner final : public QueryRunner {
  public:
    RemoteQueryRunner(
        std::shared_ptr<Peer> peer,
        std::uint64_t ticket,
        std::size_t answer_bytes_limit = kQueryAnswerBytesLimit
    );

    Answer<promql::QueryResult> query(
        RequestContext context, promql::Query query, promql::ExprPtr expr
    ) override;
    Answer<Selection<model::Labels>> series(RequestContext context, SelectionQuery query) override;
    Answer<Selection<std::string>> label_names(RequestContext context, SelectionQuery query)
        override;
    Answer<Selection<std::string>> label_values(
        RequestContext context, std::string name, SelectionQuery query
    ) override;
    Answer<std::vector<model::SeriesExemplars>> exemplars(
        RequestContext context, SelectionQuery query
    ) override;
    Answer<std::vector<model::MetricMetadata>> metadata(RequestContext context, MetadataQuery query)
        override;
    Answer<std::unique_ptr<chunkenc::SeriesSet>> select(
        RequestContext context, model::Matchers matchers, TimeRange range
    ) override;

  private:
    template <class Reader>
    Answer<typename Reader::Answer> ask(
        RequestContext context, std::string_view call, std::string body, Reader reader
    ) const;
    [[nodiscard]] http::Headers headers() const;

    const std::shared_ptr<Peer> peer_;
    const std::uint64_t ticket_;
    const std::size_t answer_bytes_limit_;
};

}  // namespace mimir::rpc
