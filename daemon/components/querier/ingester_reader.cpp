#include "components/querier/ingester_reader.hpp"

#include <algorithm>
#include <optional>

#include "components/querier/merge.hpp"
#include "rpc/merged_series_set.hpp"
#include "rpc/ordered_series_set.hpp"

namespace mimir::querier {

using rpc::Done;
using rpc::IngesterClient;
using rpc::RequestContext;

namespace {

using SeriesSetPtr = IngesterReader::SeriesSetPtr;

SeriesSetPtr in_order(SeriesSetPtr set, bool by_id) {
    if (by_id) return std::make_unique<rpc::OrderedByIdSet>(std::move(set));
    return std::make_unique<rpc::OrderedSeriesSet>(std::move(set));
}

/// Of sets in the order of SeriesKey.
SeriesSetPtr merged(std::vector<SeriesSetPtr> sets) {
    if (sets.size() == 1) return std::move(sets.front());
    return std::make_unique<rpc::MergedSeriesSet>(std::move(sets));
}

/// The same sets, when all are in the order of their ids; else they stay.
std::optional<std::vector<std::unique_ptr<rpc::IdentifiedSeriesSet>>> all_identified(
    std::vector<SeriesSetPtr>& sets
) {
    std::vector<rpc::IdentifiedSeriesSet*> found;
    for (const SeriesSetPtr& set : sets) {
        found.push_back(dynamic_cast<rpc::IdentifiedSeriesSet*>(set.get()));
        if (found.back() == nullptr) return std::nullopt;
    }
    std::vector<std::unique_ptr<rpc::IdentifiedSeriesSet>> identified;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        static_cast<void>(sets[i].release());
        identified.emplace_back(found[i]);
    }
    return identified;
}

}  // namespace

Result<std::shared_ptr<IngesterReader>> IngesterReader::open(
    const Environment& environment,
    RequestContext context,
    const config::Limits& limits,
    std::uint64_t seed
) {
    const auto view = environment.ring.read_shard(
        context.tenant->str(), limits.ingestion_tenant_shard_size, limits.query_ingesters_within
    );
    if (view->members().empty()) return fail(ErrorKind::unavailable, "no ingester is running");
    auto readable = view->read_set(environment.clock.steady_now());
    MIMIR_TRY(
        const ring::ReadSet set, with_context(std::move(readable), "ingesters can't be read")
    );

    std::shared_ptr<IngesterReader> reader(
        new IngesterReader(std::move(context), environment.gather, seed)
    );
    rpc::IngesterDirectory& ingesters = environment.ingesters;
    reader->plan_ = rpc::GatherPlan::of(*view, set, [&](const ring::Instance& instance) {
        return ingesters.is_local(instance);
    });
    if (reader->is_alone()) {
        auto local = ingesters.local();
        if (!local) return fail(ErrorKind::unavailable, "no ingester is running");
        reader->clients_.push_back(std::move(local));
        return reader;
    }
    for (const ring::MemberIndex member : set.members) {
        reader->clients_.push_back(ingesters.of(*view->members()[member].instance));
    }
    return reader;
}

template <class T, class Call>
Result<std::vector<T>> IngesterReader::ask(const Call& call) {
    std::vector<T> answers;
    if (is_alone()) {
        auto answer =
            rpc::wait_for<T>([&](Done<T> done) { call(*clients_[0], context_, std::move(done)); });
        MIMIR_TRY(T own, std::move(answer));
        answers.push_back(std::move(own));
        return answers;
    }
    auto gathered = rpc::gather<T>(
        plan_,
        context_,
        options_,
        random_,
        [&](std::size_t member, const RequestContext& context, Done<T> done) {
            call(*clients_[member], context, std::move(done));
        }
    );
    MIMIR_TRY(auto all, std::move(gathered));
    for (auto& [member, answer] : all) answers.push_back(std::move(answer));
    return answers;
}

Result<IngesterReader::SeriesSetPtr> IngesterReader::select(
    const model::Matchers& matchers, TimeRange range
) {
    MIMIR_TRY(auto sets, select_each(matchers, range, {}));
    return merged(std::move(sets));
}

Result<IngesterReader::SeriesSetPtr> IngesterReader::select_in_any_order(
    const model::Matchers& matchers, TimeRange range, const model::LabelProjection* labels
) {
    const rpc::SelectionHints hints{.labels = labels, .any_order = plan_.members.size() == 1};
    MIMIR_TRY(auto sets, select_each(matchers, range, hints));
    if (labels == nullptr || sets.size() == 1) return merged(std::move(sets));
    // Ingesters of another release send all labels, in another order: then all are to do so.
    if (auto identified = all_identified(sets)) {
        return std::make_unique<rpc::MergedSeriesSet>(*std::move(identified));
    }
    sets.clear();
    return select(matchers, range);
}

Result<std::vector<IngesterReader::SeriesSetPtr>> IngesterReader::select_each(
    const model::Matchers& matchers, TimeRange range, rpc::SelectionHints hints
) {
    const IngesterClient* unordered = nullptr;  // remote ones send their series in order
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (plan_.members[i].is_local && !is_alone()) unordered = clients_[i].get();
    }
    const bool by_id = hints.labels != nullptr;
    const auto call =
        [&](IngesterClient& client, const RequestContext& context, Done<SeriesSetPtr> done) {
            if (&client != unordered)
                return client.select(context, matchers, range, hints, std::move(done));
            // Here and now, while the remote ones are at it.
            auto order = [by_id, done = std::move(done)](Result<SeriesSetPtr> set) {
                if (set) *set = in_order(*std::move(set), by_id);
                done(std::move(set));
            };
            client.select(context, matchers, range, hints, std::move(order));
        };
    return ask<SeriesSetPtr>(call);
}

Result<std::vector<model::Labels>> IngesterReader::series(
    const std::vector<model::Matchers>& selectors, TimeRange range
) {
    using Found = std::vector<model::Labels>;
    const auto call = [&](IngesterClient& client, const RequestContext& context, Done<Found> done) {
        client.series(context, selectors, range, std::move(done));
    };
    return ask<Found>(call).map(merge_sorted<model::Labels>);
}

Result<IngesterReader::Strings> IngesterReader::label_names(
    const model::Matchers& matchers, TimeRange range
) {
    const auto call = [&](IngesterClient& client, const RequestContext& context, Done<Strings> done
                      ) { client.label_names(context, matchers, range, std::move(done)); };
    return ask<Strings>(call).map(merge_sorted<std::string>);
}

Result<IngesterReader::Strings> IngesterReader::label_values(
    std::string_view name, const model::Matchers& matchers, TimeRange range
) {
    const auto call = [&](IngesterClient& client, const RequestContext& context, Done<Strings> done
                      ) { client.label_values(context, name, matchers, range, std::move(done)); };
    return ask<Strings>(call).map(merge_sorted<std::string>);
}

Result<std::vector<model::SeriesExemplars>> IngesterReader::exemplars(
    const std::vector<model::Matchers>& selectors, TimeRange range
) {
    using Found = std::vector<model::SeriesExemplars>;
    const auto call = [&](IngesterClient& client, const RequestContext& context, Done<Found> done) {
        client.exemplars(context, selectors, range, std::move(done));
    };
    return ask<Found>(call).map(merge_exemplars);
}

Result<std::vector<model::MetricMetadata>> IngesterReader::metadata(const rpc::MetadataQuery& query
) {
    using Found = std::vector<model::MetricMetadata>;
    const auto call = [&](IngesterClient& client, const RequestContext& context, Done<Found> done) {
        client.metadata(context, query, std::move(done));
    };
    return ask<Found>(call).map([&](std::vector<Found> answers) {
        return merge_metadata(std::move(answers), query);
    });
}

}  // namespace mimir::querier
