#pragma once

// Metrics, owned by whoever counts. A component declares its own in one struct, on a scope:
//
//     struct Metrics {
//         explicit Metrics(telemetry::MetricScope& scope)
//             : appends(scope.counter("cortex_ingester_appends_total", "Appends.")),
//               discarded(scope.counters("cortex_discarded_samples_total", "...", {"reason",
//               "user"})) {}
//         telemetry::Counter& appends;
//         telemetry::Family<telemetry::Counter>& discarded;
//     };
//
// The scope is a registration: when it dies with its module, its metrics are gone from the
// registry. Several scopes may declare the same family; the registry merges them, and adds up
// series that are equal.

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mimir::telemetry {

enum class MetricType : std::uint8_t { counter, gauge, histogram };

/// Durations are observed in seconds, as every metric of Prometheus.
template <class Rep, class Period>
constexpr double in_seconds(std::chrono::duration<Rep, Period> duration) {
    return std::chrono::duration<double>(duration).count();
}

/// Only goes up. Threads: any; an addition of an integer is one atomic instruction.
class Counter {
  public:
    void inc() { whole_.fetch_add(1, std::memory_order_relaxed); }
    void add(std::integral auto n) {
        whole_.fetch_add(static_cast<std::uint64_t>(n), std::memory_order_relaxed);
    }
    void add(double amount) { fraction_.fetch_add(amount, std::memory_order_relaxed); }
    template <class Rep, class Period>
    void add(std::chrono::duration<Rep, Period> duration) {
        add(in_seconds(duration));
    }

    [[nodiscard]] double value() const {
        return static_cast<double>(whole_.load(std::memory_order_relaxed)) +
               fraction_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> whole_ = 0;
    std::atomic<double> fraction_ = 0;
};

/// Goes up and down. Threads: any.
class Gauge {
  public:
    void set(double value) { value_.store(value, std::memory_order_relaxed); }
    void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
    void sub(double amount) { value_.fetch_sub(amount, std::memory_order_relaxed); }
    void inc() { add(1); }
    void dec() { sub(1); }

    [[nodiscard]] double value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<double> value_ = 0;
};

/// Upper bounds, ascending, without +Inf.
using Buckets = std::vector<double>;
/// 5 ms to 10 s, Prometheus' own.
Buckets default_buckets();
/// `count` bounds: start, start*factor, start*factor^2, ...
Buckets exponential_buckets(double start, double factor, std::size_t count);

/// How often values fell at or below each bound. Threads: any.
class Histogram {
  public:
    explicit Histogram(const Buckets& bounds);

    void observe(double value);
    template <class Rep, class Period>
    void observe(std::chrono::duration<Rep, Period> duration) {
        observe(in_seconds(duration));
    }

    struct State {
        std::vector<std::uint64_t>
            counts;  ///< For each bound, and last for +Inf; not yet added up.
        double sum = 0;
    };
    [[nodiscard]] const Buckets& bounds() const { return bounds_; }
    [[nodiscard]] State state() const;

  private:
    const Buckets bounds_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
    std::atomic<double> sum_ = 0;
};

/// Label values, in the order of the family's label names.
using LabelValues = std::vector<std::string>;

/// One metric for each combination of label values.
/// Threads: any. with() takes a lock and a search: where it is hot, keep what it returns.
template <class Metric>
class Family {
  public:
    explicit Family(std::function<std::shared_ptr<Metric>()> make) : make_(std::move(make)) {}

    /// The metric of these values; made at first use, with value 0.
    std::shared_ptr<Metric> with(std::initializer_list<std::string_view> values);
    /// Ends their exposition, as for a tenant that left. Who still holds the metric may go on
    /// counting, unseen.
    void remove(std::initializer_list<std::string_view> values);

    /// Calls visit(values, metric) for each, ordered by values.
    void each(const std::function<void(const LabelValues&, const Metric&)>& visit) const;

  private:
    struct Child {
        LabelValues values;
        std::shared_ptr<Metric> metric;
    };
    const std::function<std::shared_ptr<Metric>()> make_;
    mutable std::mutex mutex_;
    std::vector<Child> children_;  // ordered by values
};

struct Label {
    std::string name;
    std::string value;
    auto operator<=>(const Label&) const = default;
};

/// One line of the exposition: name + suffix, labels, value.
struct MetricSample {
    std::string_view suffix;  ///< "", "_bucket", "_sum" or "_count".
    std::vector<Label> labels;
    double value = 0;
};
struct MetricFamily {
    std::string name;
    std::string help;
    MetricType type = MetricType::gauge;
    std::vector<MetricSample> samples;
};

class MetricScope;

/// What a process exposes: the sum of its scopes. Outlives them.
/// Threads: any.
class Registry {
  public:
    Registry() = default;
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;
    ~Registry();

    /// Families ordered by name, samples by labels. While it runs, scopes wait with their end; so a
    /// callback may lock what it reads, and must not create or destroy a scope.
    [[nodiscard]] std::vector<MetricFamily> collect() const;

  private:
    friend class MetricScope;
    mutable std::mutex mutex_;
    std::vector<MetricScope*> scopes_;
};

/// The text format of Prometheus, version 0.0.4.
std::string expose(const std::vector<MetricFamily>& families);
inline constexpr std::string_view kExpositionContentType =
    "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of one module or object; see the top of this file.
/// Threads: declare from any; a reference that is returned is valid as long as the scope.
class MetricScope {
  public:
    using LabelNames = std::initializer_list<std::string_view>;
    /// Hands out the current values, one call a series, label values in the order of the names.
    using Emit = std::function<void(LabelValues values, double value)>;

    explicit MetricScope(Registry& registry);
    ~MetricScope();
    MetricScope(const MetricScope&) = delete;
    MetricScope& operator=(const MetricScope&) = delete;

    Counter& counter(std::string_view name, std::string_view help);
    Gauge& gauge(std::string_view name, std::string_view help);
    Histogram& histogram(
        std::string_view name, std::string_view help, Buckets bounds = default_buckets()
    );

    Family<Counter>& counters(std::string_view name, std::string_view help, LabelNames labels);
    Family<Gauge>& gauges(std::string_view name, std::string_view help, LabelNames labels);
    Family<Histogram>& histograms(
        std::string_view name,
        std::string_view help,
        LabelNames labels,
        Buckets bounds = default_buckets()
    );

    /// Values that are asked for at each exposition, for what is counted elsewhere. What `read`
    /// captures outlives the scope.
    void callback(
        MetricType type, std::string_view name, std::string_view help, std::function<double()> read
    );
    void callbacks(
        MetricType type,
        std::string_view name,
        std::string_view help,
        LabelNames labels,
        std::function<void(const Emit&)> read
    );

  private:
    friend class Registry;
    struct Declared;

    template <class Metric>
    Family<Metric>& declare(
        MetricType type,
        std::string_view name,
        std::string_view help,
        LabelNames labels,
        std::function<std::shared_ptr<Metric>()> make
    );
    void add(Declared declared);

    Registry& registry_;
    mutable std::mutex mutex_;
    std::vector<Declared> declared_;
};

extern template class Family<Counter>;
extern template class Family<Gauge>;
extern template class Family<Histogram>;

}  // namespace mimir::telemetry
