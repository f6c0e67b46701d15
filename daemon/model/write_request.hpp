#pragma once

// A decoded push: what remote write (and later OTLP) decode into, what the distributor validates and the ingester
// appends. Flat arrays, so that a request of thousands of series costs a handful of allocations, which a pooled
// request reuses.

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/exemplar.hpp"
#include "model/histogram.hpp"
#include "model/labels.hpp"
#include "model/metadata.hpp"
#include "model/sample.hpp"

namespace mimir::model {

struct HistogramSample {
    TimestampMs time;
    std::variant<Histogram, FloatHistogram> histogram;
};

struct MetricMetadata {
    std::string metric;
    Metadata metadata;
};

/// One series of a request: labels, and which elements of the request's arrays are its own.
struct WriteSeries {
    /// Canonical once `canonical` is set. Otherwise the bytes are as received: any order, duplicates, empty values.
    LabelsView labels;
    /// Of labels.bytes(), as received; of the canonical labels once they are.
    LabelsHash hash;
    std::uint32_t first_sample = 0;
    std::uint32_t sample_count = 0;
    std::uint32_t first_histogram = 0;
    std::uint32_t histogram_count = 0;
    std::uint32_t first_exemplar = 0;
    std::uint32_t exemplar_count = 0;
    /// Length of the series' message as received, which begins with the labels; 0 when there is none,
    /// or the series is not what it says any more.
    std::uint32_t received_bytes = 0;
    bool canonical = false;
};
static_assert(sizeof(WriteSeries) == 64, "a cache line");

struct WriteRequest {
    std::vector<WriteSeries> series;
    std::vector<Sample> samples;
    std::vector<HistogramSample> histograms;
    std::vector<Exemplar> exemplars;
    std::vector<MetricMetadata> metadata;
    /// What the series' labels point into: the decompressed request body, and labels that had to be rewritten.
    std::string body;
    std::deque<Labels> rewritten;  // a deque: its elements stay where they are
    /// The body says just what the request does: nothing was taken out, added or changed.
    bool as_received = false;

    /// Empties the request but for its body; its arrays keep their memory, and so does the body for the next one to be
    /// decompressed into.
    void clear() {
        series.clear();
        samples.clear();
        histograms.clear();
        exemplars.clear();
        metadata.clear();
        rewritten.clear();
        as_received = false;
    }
    /// Adds a series of our own making with one sample.
    void add(Labels labels, Sample sample) {
        const LabelsView kept = rewritten.emplace_back(std::move(labels));
        series.push_back({
            .labels = kept,
            .hash = kept.hash(),
            .first_sample = static_cast<std::uint32_t>(samples.size()),
            .sample_count = 1,
            .canonical = true,
        });
        samples.push_back(sample);
        as_received = false;
    }

    [[nodiscard]] std::span<const Sample> samples_of(const WriteSeries& one) const {
        return std::span(samples).subspan(one.first_sample, one.sample_count);
    }
    [[nodiscard]] std::span<const HistogramSample> histograms_of(const WriteSeries& one) const {
        return std::span(histograms).subspan(one.first_histogram, one.histogram_count);
    }
    [[nodiscard]] std::span<const Exemplar> exemplars_of(const WriteSeries& one) const {
        return std::span(exemplars).subspan(one.first_exemplar, one.exemplar_count);
    }
};

}  // namespace mimir::model
