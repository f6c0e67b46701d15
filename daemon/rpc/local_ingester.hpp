#pragma once

#include <utility>

#include "rpc/ingester_client.hpp"

namespace mimir::rpc {

/// An ingester of this process for those who ask it here: plain calls, on the caller's thread, of an
/// object that has the same operations but returns what they give.
template <class Ingester>
class LocalIngester final : public IngesterClient {
  public:
    /// The ingester outlives the client.
    explicit LocalIngester(Ingester& ingester) : ingester_(ingester) {}

    void push(
        const RequestContext& context, std::shared_ptr<const PushBatch> batch, Done<void> done
    ) override {
        done(ingester_.push(context, batch->request()));
    }
    void select(
        const RequestContext& context,
        const model::Matchers& matchers,
        TimeRange range,
        SelectionHints /*hints*/,
        Done<std::unique_ptr<chunkenc::SeriesSet>> done
    ) override {
        done(ingester_.select(context, matchers, range));
    }
    void series(
        const RequestContext& context,
        const std::vector<model::Matchers>& selectors,
        TimeRange range,
        Done<std::vector<model::Labels>> done
    ) override {
        done(ingester_.series(context, selectors, range));
    }
    void label_names(
        const RequestContext& context,
        const model::Matchers& matchers,
        TimeRange range,
        Done<std::vector<std::string>> done
    ) override {
        done(ingester_.label_names(context, matchers, range));
    }
    void label_values(
        const RequestContext& context,
        std::string_view name,
        const model::Matchers& matchers,
        TimeRange range,
        Done<std::vector<std::string>> done
    ) override {
        done(ingester_.label_values(context, name, matchers, range));
    }
    void exemplars(
        const RequestContext& context,
        const std::vector<model::Matchers>& selectors,
        TimeRange range,
        Done<std::vector<model::SeriesExemplars>> done
    ) override {
        done(ingester_.exemplars(context, selectors, range));
    }
    void metadata(
        const RequestContext& context,
        const MetadataQuery& query,
        Done<std::vector<model::MetricMetadata>> done
    ) override {
        done(ingester_.metadata(context, query));
    }

  private:
    Ingester& ingester_;
};

}  // namespace mimir::rpc
