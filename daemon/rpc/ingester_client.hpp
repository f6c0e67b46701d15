#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "chunkenc/series_set.hpp"
#include "http/request_context.hpp"
#include "model/exemplar.hpp"
#include "model/label_projection.hpp"
#include "model/matcher.hpp"
#include "model/write_request.hpp"
#include "rpc/done.hpp"
#include "wire/remote_write.hpp"

namespace mimir::rpc {

using http::RequestContext;

/// Which metadata is asked for. 0 means no limit.
struct MetadataQuery {
    std::string metric;  ///< Empty: every metric.
    std::size_t metrics_limit = 0;
    std::size_t per_metric_limit = 0;
};

/// What a selection may leave out for its reader. An ingester of another release may leave out nothing.
struct SelectionHints {
    /// The labels that are looked at, null: all. Outlives the call.
    const model::LabelProjection* labels = nullptr;
    /// Nobody else is asked for the same: the set may be in any order.
    bool any_order = false;
};

/// What one or several ingesters are to store: the same for all, so it is encoded once for all that
/// are remote. All of its series are canonical and valid. A request, or a part of one, which costs
/// nothing until it is asked for in one form or the other.
/// Threads: any.
class PushBatch {
  public:
    explicit PushBatch(std::shared_ptr<const model::WriteRequest> whole)
        : whole_(std::move(whole)) {}
    PushBatch(std::shared_ptr<const model::WriteRequest> whole, wire::RequestPart part)
        : whole_(std::move(whole)), part_(std::move(part)) {}

    /// A part is put together by the first who asks; its labels point into the whole.
    [[nodiscard]] const model::WriteRequest& request() const;
    /// As a WriteRequest message: the body as it was received when nothing was changed, else encoded
    /// by the first who asks.
    [[nodiscard]] const std::string& encoded() const;

  private:
    const std::shared_ptr<const model::WriteRequest> whole_;
    const std::optional<wire::RequestPart> part_;
    mutable std::once_flag gathered_once_;
    mutable model::WriteRequest gathered_;
    mutable std::once_flag encoded_once_;
    mutable std::string encoded_;
};

/// What others ask of an ingester. The context's tenant is set. Ranges include both ends. Errors of
/// all: unavailable while the ingester does not run or can't be reached; canceled and timeout, as
/// the context's token says. Threads: those that may block for the disk: a local call does its work
/// there and tells `done` before it returns; a remote one returns at once and tells it later.
/// Arguments are read until the call returns, but for the batch.
class IngesterClient {
  public:
    virtual ~IngesterClient() = default;

    /// Stores the batch's samples, exemplars and metadata; acknowledged once they are in the WAL.
    /// Errors: the first refusal of a series or sample (invalid, limit), by its id; the others are
    ///         stored all the same. Otherwise nothing may be assumed to be stored.
    virtual void push(
        const RequestContext& context, std::shared_ptr<const PushBatch> batch, Done<void> done
    ) = 0;

    /// The set's chunks are loaded by blocking calls; from a remote ingester they stream in the
    /// order of the series, so loads must go forward. With hints about labels, and not in any order, it is an
    /// IdentifiedSeriesSet if labels may be missing.
    virtual void select(
        const RequestContext& context,
        const model::Matchers& matchers,
        TimeRange range,
        SelectionHints hints,
        Done<std::unique_ptr<chunkenc::SeriesSet>> done
    ) = 0;
    /// Label sets of the series that any of the selectors selects. Sorted, unique.
    virtual void series(
        const RequestContext& context,
        const std::vector<model::Matchers>& selectors,
        TimeRange range,
        Done<std::vector<model::Labels>> done
    ) = 0;
    /// Sorted. With matchers: of the series that they select.
    virtual void label_names(
        const RequestContext& context,
        const model::Matchers& matchers,
        TimeRange range,
        Done<std::vector<std::string>> done
    ) = 0;
    virtual void label_values(
        const RequestContext& context,
        std::string_view name,
        const model::Matchers& matchers,
        TimeRange range,
        Done<std::vector<std::string>> done
    ) = 0;
    virtual void exemplars(
        const RequestContext& context,
        const std::vector<model::Matchers>& selectors,
        TimeRange range,
        Done<std::vector<model::SeriesExemplars>> done
    ) = 0;
    /// Sorted by metric.
    virtual void metadata(
        const RequestContext& context,
        const MetadataQuery& query,
        Done<std::vector<model::MetricMetadata>> done
    ) = 0;
};

}  // namespace mimir::rpc
