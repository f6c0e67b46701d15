#include "rpc/remote_ingester.hpp"

#include "rpc/detail/ingester_calls.hpp"
#include "rpc/detail/remote_series_set.hpp"
#include "wire/ingester_messages.hpp"

namespace mimir::rpc {
namespace {

namespace ingester_call = detail::ingester_call;

std::shared_ptr<const std::string> encoded(const wire::SelectionRequest& request) {
    auto body = std::make_shared<std::string>();
    wire::encode_selection_request(request, *body);
    return body;
}

/// Those who ask several ingesters do not care which could not be reached.
template <class T>
Result<T> for_caller(Result<T> result) {
    if (!result) result.error() = without_peer(std::move(result).error());
    return result;
}

/// Tells what `decode` makes of the answer's body.
template <class T>
Done<std::string> decoded(
    const std::shared_ptr<Peer>& peer, Result<T> (*decode)(std::string_view), Done<T> done
) {
    return [peer, decode, done = std::move(done)](Result<std::string> body) {
        body = for_caller(std::move(body));
        if (!body) return done(tl::unexpected(std::move(body).error()));
        done(with_context(decode(*body), peer->address()));
    };
}

}  // namespace

RemoteIngester::RemoteIngester(std::shared_ptr<Peer> peer, std::size_t labels_bytes_limit)
    : peer_(std::move(peer)), labels_bytes_limit_(labels_bytes_limit) {}

void RemoteIngester::push(
    const RequestContext& context, std::shared_ptr<const PushBatch> batch, Done<void> done
) {
    const std::string& encoded = batch->encoded();
    // The batch's own bytes, for every replica.
    std::shared_ptr<const std::string> body(std::move(batch), &encoded);
    auto told = [done = std::move(done)](const Result<std::string>& answer) {
        done(answer ? Result<void>() : tl::unexpected(without_peer(answer.error())));
    };
    peer_->call(context, ingester_call::kPush, std::move(body), {}, std::move(told));
}

void RemoteIngester::select(
    const RequestContext& context,
    const model::Matchers& matchers,
    TimeRange range,
    SelectionHints hints,
    Done<std::unique_ptr<chunkenc::SeriesSet>> done
) {
    wire::SelectionRequest request{.selectors = {matchers}, .range = range};
    if (hints.labels != nullptr) request.projection = hints.labels->names();
    request.any_order = hints.any_order;
    auto opened = [limits =
                       detail::SelectionLimits{
                           .labels_bytes = labels_bytes_limit_,
                           .ids = hints.labels != nullptr,
                           .any_order = hints.any_order
                       },
                   done = std::move(done)](Result<std::unique_ptr<FrameStream>> stream) {
        stream = for_caller(std::move(stream));
        if (!stream) return done(tl::unexpected(std::move(stream).error()));
        auto selected = [done](auto series) { done(for_caller(std::move(series))); };
        detail::read_selection(*std::move(stream), limits, std::move(selected));
    };
    peer_->open(context, ingester_call::kSelect, encoded(request), {}, std::move(opened));
}

void RemoteIngester::series(
    const RequestContext& context,
    const std::vector<model::Matchers>& selectors,
    TimeRange range,
    Done<std::vector<model::Labels>> done
) {
    peer_->call(
        context,
        ingester_call::kSeries,
        encoded({.selectors = selectors, .range = range}),
        {},
        decoded(peer_, wire::decode_label_sets, std::move(done))
    );
}

void RemoteIngester::label_names(
    const RequestContext& context,
    const model::Matchers& matchers,
    TimeRange range,
    Done<std::vector<std::string>> done
) {
    peer_->call(
        context,
        ingester_call::kLabelNames,
        encoded({.selectors = {matchers}, .range = range}),
        {},
        decoded(peer_, wire::decode_strings, std::move(done))
    );
}

void RemoteIngester::label_values(
    const RequestContext& context,
    std::string_view name,
    const model::Matchers& matchers,
    TimeRange range,
    Done<std::vector<std::string>> done
) {
    peer_->call(
        context,
        ingester_call::kLabelValues,
        encoded({.selectors = {matchers}, .range = range, .label = std::string(name)}),
        {},
        decoded(peer_, wire::decode_strings, std::move(done))
    );
}

void RemoteIngester::exemplars(
    const RequestContext& context,
    const std::vector<model::Matchers>& selectors,
    TimeRange range,
    Done<std::vector<model::SeriesExemplars>> done
) {
    peer_->call(
        context,
        ingester_call::kExemplars,
        encoded({.selectors = selectors, .range = range}),
        {},
        decoded(peer_, wire::decode_series_exemplars, std::move(done))
    );
}

void RemoteIngester::metadata(
    const RequestContext& context,
    const MetadataQuery& query,
    Done<std::vector<model::MetricMetadata>> done
) {
    auto body = std::make_shared<std::string>();
    wire::encode_metadata_request(
        {.metric = query.metric,
         .metrics_limit = query.metrics_limit,
         .per_metric_limit = query.per_metric_limit},
        *body
    );
    peer_->call(
        context,
        ingester_call::kMetadata,
        std::move(body),
        {},
        decoded(peer_, wire::decode_metric_metadata, std::move(done))
    );
}

}  // namespace mimir::rpc
