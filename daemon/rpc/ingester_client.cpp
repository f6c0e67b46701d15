#include "rpc/ingester_client.hpp"

#include <algorithm>

namespace mimir::rpc {
namespace {

/// Copies a series' elements from one array to the end of another; returns where they begin there.
template <class T>
std::uint32_t copy_elements(std::span<const T> from, std::vector<T>& to) {
    const auto first = static_cast<std::uint32_t>(to.size());
    to.insert(to.end(), from.begin(), from.end());
    return first;
}

void gather(
    const model::WriteRequest& whole, const wire::RequestPart& part, model::WriteRequest& out
) {
    out.series.reserve(part.series.size());
    for (const std::uint32_t index : part.series) {
        const model::WriteSeries& series = whole.series[index];
        model::WriteSeries& copy = out.series.emplace_back(series);
        copy.first_sample = copy_elements(whole.samples_of(series), out.samples);
        copy.first_histogram = copy_elements(whole.histograms_of(series), out.histograms);
        copy.first_exemplar = copy_elements(whole.exemplars_of(series), out.exemplars);
    }
    for (const std::uint32_t index : part.metadata) out.metadata.push_back(whole.metadata[index]);
}

}  // namespace

const model::WriteRequest& PushBatch::request() const {
    if (!part_) return *whole_;
    std::call_once(gathered_once_, [this] { gather(*whole_, *part_, gathered_); });
    return gathered_;
}

const std::string& PushBatch::encoded() const {
    if (!part_ && whole_->as_received) return whole_->body;
    std::call_once(encoded_once_, [this] {
        if (!part_) return wire::encode_write_request(*whole_, encoded_);
        // The part's share of the body and a bit: series of one sender are about of a size.
        const std::size_t of = std::max<std::size_t>(1, whole_->series.size());
        encoded_.reserve(whole_->body.size() * part_->series.size() / of * 17 / 16 + 4096);
        wire::encode_write_request(*whole_, *part_, encoded_);
    });
    return encoded_;
}

}  // namespace mimir::rpc
