#pragma once

#include <memory>

#include "rpc/ingester_client.hpp"
#include "rpc/peer.hpp"

namespace mimir::rpc {

/// Bytes of the labels of one selection, which are all held until it ends.
inline constexpr std::size_t kSelectionLabelsBytesLimit = 512 << 20;

/// An ingester of another process; see docs/internal-protocol.md for its calls. A selection's series come in
/// the order of SeriesKey, or of their ids where labels are missing; their chunks while they are loaded,
/// forward only; loading blocks for the network. May go before its calls have ended.
class RemoteIngester final : public IngesterClient {
  public:
    explicit RemoteIngester(
        std::shared_ptr<Peer> peer, std::size_t labels_bytes_limit = kSelectionLabelsBytesLimit
    );

    void push(
        const RequestContext& context, std::shared_ptr<const PushBatch> batch, Done<void> done
    ) override;
    void select(
        const RequestContext& context,
        const model::Matchers& matchers,
        TimeRange range,
        SelectionHints hints,
        Done<std::unique_ptr<chunkenc::SeriesSet>> done
    ) override;
    void series(
        const RequestContext& context,
        const std::vector<model::Matchers>& selectors,
        TimeRange range,
        Done<std::vector<model::Labels>> done
    ) override;
    void label_names(
        const RequestContext& context,
        const model::Matchers& matchers,
        TimeRange range,
        Done<std::vector<std::string>> done
    ) override;
    void label_values(
        const RequestContext& context,
        std::string_view name,
        const model::Matchers& matchers,
        TimeRange range,
        Done<std::vector<std::string>> done
    ) override;
    void exemplars(
        const RequestContext& context,
        const std::vector<model::Matchers>& selectors,
        TimeRange range,
        Done<std::vector<model::SeriesExemplars>> done
    ) override;
    void metadata(
        const RequestContext& context,
        const MetadataQuery& query,
        Done<std::vector<model::MetricMetadata>> done
    ) override;

  private:
    const std::shared_ptr<Peer> peer_;
    const std::size_t labels_bytes_limit_;
};

}  // namespace mimir::rpc
