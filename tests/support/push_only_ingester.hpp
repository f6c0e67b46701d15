#pragma once

#include "rpc/ingester_client.hpp"

namespace mimir::test {

/// An ingester client that has nothing to read; what a push does is up to those who derive.
class PushOnlyIngester : public rpc::IngesterClient {
  public:
    using Context = rpc::RequestContext;
    template <class T>
    using Done = rpc::Done<T>;
    using Names = std::vector<std::string>;
    using Matchers = model::Matchers;
    using Selectors = std::vector<Matchers>;

    void select(
        const Context&,
        const Matchers&,
        TimeRange,
        rpc::SelectionHints,
        Done<std::unique_ptr<chunkenc::SeriesSet>> done
    ) override {
        done(nullptr);
    }
    void series(const Context&, const Selectors&, TimeRange, Done<std::vector<model::Labels>> done)
        override {
        done({});
    }
    void label_names(const Context&, const Matchers&, TimeRange, Done<Names> done) override {
        done({});
    }
    void label_values(
        const Context&, std::string_view, const Matchers&, TimeRange, Done<Names> done
    ) override {
        done({});
    }
    void exemplars(
        const Context&, const Selectors&, TimeRange, Done<std::vector<model::SeriesExemplars>> done
    ) override {
        done({});
    }
    void metadata(
        const Context&, const rpc::MetadataQuery&, Done<std::vector<model::MetricMetadata>> done
    ) override {
        done({});
    }
};

}  // namespace mimir::test
