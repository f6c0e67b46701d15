#include "telemetry/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "base/assert.hpp"

namespace mimir::telemetry {
namespace {

/// A number as Prometheus writes it: shortest form that reads back, NaN, +Inf, -Inf.
std::string format_number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", value);
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '"' && quotes) {
            out += "\\\"";
        } else {
            out += c;
        }
    }
}

std::string_view type_name(MetricType type) {
    switch (type) {
        case MetricType::counter: return "counter";
        case MetricType::gauge: return "gauge";
        case MetricType::histogram: return "histogram";
    }
    return "untyped";
}

std::vector<Label> zip(const LabelValues& names, const LabelValues& values) {
    MIMIR_ASSERT(names.size() == values.size(), "a metric has one value for each label name");
    std::vector<Label> labels;
    labels.reserve(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) labels.push_back({names[i], values[i]});
    return labels;
}

/// One series while scopes are being merged: a number, or a histogram with its bounds.
struct Series {
    double value = 0;
    Buckets bounds;
    Histogram::State histogram;
};
using SeriesByLabels = std::map<std::vector<Label>, Series>;

void merge(Series& into, const Counter& counter) { into.value += counter.value(); }
void merge(Series& into, const Gauge& gauge) { into.value += gauge.value(); }
void merge(Series& into, const Histogram& histogram) {
    const Histogram::State state = histogram.state();
    if (into.histogram.counts.empty()) {
        into.bounds = histogram.bounds();
        into.histogram = state;
        return;
    }
    MIMIR_ASSERT(into.bounds == histogram.bounds(), "equal histograms have equal buckets");
    for (std::size_t i = 0; i < state.counts.size(); ++i) {
        into.histogram.counts[i] += state.counts[i];
    }
    into.histogram.sum += state.sum;
}

void flatten(
    const std::vector<Label>& labels, const Series& series, std::vector<MetricSample>& out
) {
    const Histogram::State& histogram = series.histogram;
    if (histogram.counts.empty()) {
        out.push_back({"", labels, series.value});
        return;
    }
    std::uint64_t at_or_below = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
        at_or_below += histogram.counts[i];
        const double bound =
            i < series.bounds.size() ? series.bounds[i] : std::numeric_limits<double>::infinity();
        auto bucket_labels = labels;
        bucket_labels.push_back({"le", format_number(bound)});
        out.push_back({"_bucket", std::move(bucket_labels), static_cast<double>(at_or_below)});
    }
    out.push_back({"_sum", labels, histogram.sum});
    out.push_back({"_count", labels, static_cast<double>(at_or_below)});
}

void append_sample(const MetricFamily& family, const MetricSample& sample, std::string& out) {
    out += family.name;
    out += sample.suffix;
    for (std::size_t i = 0; i < sample.labels.size(); ++i) {
        out += i == 0 ? '{' : ',';
        out += sample.labels[i].name;
        out += "=\"";
        append_escaped(out, sample.labels[i].value, true);
        out += '"';
    }
    if (!sample.labels.empty()) out += '}';
    out += ' ';
    out += format_number(sample.value);
    out += '\n';
}

bool before(const LabelValues& values, std::initializer_list<std::string_view> sought) {
    return std::lexicographical_compare(values.begin(), values.end(), sought.begin(), sought.end());
}

}  // namespace

Buckets default_buckets() { return {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}; }

Buckets exponential_buckets(double start, double factor, std::size_t count) {
    Buckets bounds;
    for (double bound = start; bounds.size() < count; bound *= factor) bounds.push_back(bound);
    return bounds;
}

Histogram::Histogram(const Buckets& bounds)
    : bounds_(bounds), counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {
    MIMIR_ASSERT(std::is_sorted(bounds.begin(), bounds.end()), "bucket bounds ascend");
}

void Histogram::observe(double value) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::State Histogram::state() const {
    State state;
    state.counts.resize(bounds_.size() + 1);
    for (std::size_t i = 0; i < state.counts.size(); ++i) {
        state.counts[i] = counts_[i].load(std::memory_order_relaxed);
    }
    state.sum = sum_.load(std::memory_order_relaxed);
    return state;
}

template <class Metric>
std::shared_ptr<Metric> Family<Metric>::with(std::initializer_list<std::string_view> values) {
    std::lock_guard lock(mutex_);
    const auto at =
        std::partition_point(children_.begin(), children_.end(), [&](const Child& child) {
            return before(child.values, values);
        });
    if (at != children_.end() && std::ranges::equal(at->values, values)) return at->metric;
    return children_.insert(at, Child{{values.begin(), values.end()}, make_()})->metric;
}

template <class Metric>
void Family<Metric>::remove(std::initializer_list<std::string_view> values) {
    std::lock_guard lock(mutex_);
    std::erase_if(children_, [&](const Child& child) {
        return std::ranges::equal(child.values, values);
    });
}

template <class Metric>
void Family<Metric>::each(const std::function<void(const LabelValues&, const Metric&)>& visit
) const {
    std::lock_guard lock(mutex_);
    for (const Child& child : children_) visit(child.values, *child.metric);
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

struct MetricScope::Declared {
    std::string name;
    std::string help;
    MetricType type;
    /// Adds the current values; owns what it reads.
    std::function<void(SeriesByLabels&)> read;
};

MetricScope::MetricScope(Registry& registry) : registry_(registry) {
    std::lock_guard lock(registry_.mutex_);
    registry_.scopes_.push_back(this);
}

MetricScope::~MetricScope() {
    std::lock_guard lock(registry_.mutex_);
    std::erase(registry_.scopes_, this);
}

void MetricScope::add(Declared declared) {
    std::lock_guard lock(mutex_);
    declared_.push_back(std::move(declared));
}

template <class Metric>
Family<Metric>& MetricScope::declare(
    MetricType type,
    std::string_view name,
    std::string_view help,
    LabelNames labels,
    std::function<std::shared_ptr<Metric>()> make
) {
    auto family = std::make_shared<Family<Metric>>(std::move(make));
    auto& reference = *family;
    auto read = [family = std::move(family),
                 names = LabelValues(labels.begin(), labels.end())](SeriesByLabels& out) {
        family->each([&](const LabelValues& values, const Metric& metric) {
            merge(out[zip(names, values)], metric);
        });
    };
    add({std::string(name), std::string(help), type, std::move(read)});
    return reference;
}

Family<Counter>& MetricScope::counters(
    std::string_view name, std::string_view help, LabelNames labels
) {
    return declare<Counter>(MetricType::counter, name, help, labels, [] {
        return std::make_shared<Counter>();
    });
}

Family<Gauge>& MetricScope::gauges(
    std::string_view name, std::string_view help, LabelNames labels
) {
    return declare<Gauge>(MetricType::gauge, name, help, labels, [] {
        return std::make_shared<Gauge>();
    });
}

Family<Histogram>& MetricScope::histograms(
    std::string_view name, std::string_view help, LabelNames labels, Buckets bounds
) {
    return declare<Histogram>(
        MetricType::histogram,
        name,
        help,
        labels,
        [bounds = std::move(bounds)] { return std::make_shared<Histogram>(bounds); }
    );
}

// A metric without labels is the one child of its family, which keeps it for the scope's life.
Counter& MetricScope::counter(std::string_view name, std::string_view help) {
    return *counters(name, help, {}).with({});
}
Gauge& MetricScope::gauge(std::string_view name, std::string_view help) {
    return *gauges(name, help, {}).with({});
}
Histogram& MetricScope::histogram(std::string_view name, std::string_view help, Buckets bounds) {
    return *histograms(name, help, {}, std::move(bounds)).with({});
}

void MetricScope::callback(
    MetricType type, std::string_view name, std::string_view help, std::function<double()> read
) {
    callbacks(type, name, help, {}, [read = std::move(read)](const Emit& emit) {
        emit({}, read());
    });
}

void MetricScope::callbacks(
    MetricType type,
    std::string_view name,
    std::string_view help,
    LabelNames labels,
    std::function<void(const Emit&)> read
) {
    auto adapted = [read = std::move(read),
                    names = LabelValues(labels.begin(), labels.end())](SeriesByLabels& out) {
        read([&](const LabelValues& values, double value) {
            out[zip(names, values)].value += value;
        });
    };
    add({std::string(name), std::string(help), type, std::move(adapted)});
}

Registry::~Registry() { MIMIR_ASSERT(scopes_.empty(), "a registry outlives its scopes"); }

std::vector<MetricFamily> Registry::collect() const {
    struct Merged {
        std::string_view help;
        MetricType type;
        SeriesByLabels series;
    };
    std::lock_guard lock(mutex_);
    std::map<std::string_view, Merged> by_name;
    for (const MetricScope* scope : scopes_) {
        std::lock_guard scope_lock(scope->mutex_);
        for (const MetricScope::Declared& declared : scope->declared_) {
            auto [at, is_new] =
                by_name.try_emplace(declared.name, Merged{declared.help, declared.type, {}});
            MIMIR_ASSERT(at->second.type == declared.type, "one name has one type");
            declared.read(at->second.series);
        }
    }
    std::vector<MetricFamily> families;
    for (auto& [name, merged] : by_name) {
        // A family without series yet says nothing to whoever scrapes.
        if (merged.series.empty()) continue;
        MetricFamily& family = families.emplace_back(
            MetricFamily{std::string(name), std::string(merged.help), merged.type, {}}
        );
        for (const auto& [labels, series] : merged.series) flatten(labels, series, family.samples);
    }
    return families;
}

std::string expose(const std::vector<MetricFamily>& families) {
    std::string out;
    for (const MetricFamily& family : families) {
        out += fmt::format("# HELP {} ", family.name);
        append_escaped(out, family.help, false);
        out += fmt::format("\n# TYPE {} {}\n", family.name, type_name(family.type));
        for (const MetricSample& sample : family.samples) append_sample(family, sample, out);
    }
    return out;
}

}  // namespace mimir::telemetry
