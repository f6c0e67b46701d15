#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "config/limits.hpp"
#include "ring/ring.hpp"
#include "rpc/gather.hpp"
#include "rpc/ingester_client.hpp"
#include "rpc/ingester_directory.hpp"

namespace mimir::querier {

/// The ingesters that have a tenant's series, read as if they were one, for one request: what several have
/// is there once, and what is told is complete as long as no more of them fail than replication
/// bears. When this process' ingester is all there is to ask, it is asked as by a plain call.
/// Errors of all: unavailable, naming the ingesters; otherwise as IngesterClient's.
/// Threads: those that may block, one at a time.
class IngesterReader {
  public:
    using SeriesSetPtr = std::unique_ptr<chunkenc::SeriesSet>;
    using Strings = std::vector<std::string>;

    /// All of it outlives the reader.
    struct Environment {
        const ring::Ring& ring;
        rpc::IngesterDirectory& ingesters;
        rpc::GatherOptions gather;
        const Clock& clock = system_clock();
    };

    /// Looks up who is to be asked; asks nobody yet. `seed` chooses among equals.
    /// Errors: unavailable, when too few of them are there, or none.
    static Result<std::shared_ptr<IngesterReader>> open(
        const Environment& environment,
        rpc::RequestContext context,
        const config::Limits& limits,
        std::uint64_t seed
    );

    /// The set must not outlive the reader. To be loaded forward. In the order of SeriesKey, or as one local ingester has
    /// it.
    Result<SeriesSetPtr> select(const model::Matchers& matchers, TimeRange range);
    /// The same for a reader that needs no order, and looks at some labels only, when there is a projection: others may be
    /// missing.
    Result<SeriesSetPtr> select_in_any_order(
        const model::Matchers& matchers, TimeRange range, const model::LabelProjection* labels
    );
    Result<std::vector<model::Labels>> series(
        const std::vector<model::Matchers>& selectors, TimeRange range
    );
    Result<Strings> label_names(const model::Matchers& matchers, TimeRange range);
    Result<Strings> label_values(
        std::string_view name, const model::Matchers& matchers, TimeRange range
    );
    Result<std::vector<model::SeriesExemplars>> exemplars(
        const std::vector<model::Matchers>& selectors, TimeRange range
    );
    Result<std::vector<model::MetricMetadata>> metadata(const rpc::MetadataQuery& query);

  private:
    IngesterReader(rpc::RequestContext context, rpc::GatherOptions options, std::uint64_t seed)
        : context_(std::move(context)), options_(options), random_(seed) {}

    /// Whether this process' ingester is the only one to ask.
    [[nodiscard]] bool is_alone() const {
        return plan_.members.size() == 1 && plan_.members[0].is_local;
    }
    /// The answers of `call(client, context, done)`; at least one.
    template <class T, class Call>
    Result<std::vector<T>> ask(const Call& call);
    Result<std::vector<SeriesSetPtr>> select_each(
        const model::Matchers& matchers, TimeRange range, rpc::SelectionHints hints
    );

    const rpc::RequestContext context_;
    const rpc::GatherOptions options_;
    SeededRandom random_;
    rpc::GatherPlan plan_;
    std::vector<std::shared_ptr<rpc::IngesterClient>> clients_;  // of its members
};

}  // namespace mimir::querier
