#include <bit>
#include <cmath>

#include "model/histogram_arithmetic.hpp"
#include "promql/functions/range_function.hpp"

namespace mimir::promql {

namespace {

/// A sample of either kind.
struct Sample {
    double value = 0;
    const model::FloatHistogram* histogram = nullptr;
};

/// Walks over the samples of a window, both kinds by time.
class MixedCursor {
  public:
    MixedCursor(const RangeSamples& samples, const Window& window)
        : samples_(samples), window_(window) {}

    bool next(Sample& sample) {
        if (!window_.has_floats() && !window_.has_histograms()) return false;
        const bool is_float =
            !window_.has_histograms() ||
            (window_.has_floats() &&
             samples_.times[window_.begin] <= samples_.histogram_times[window_.histogram_begin]);
        sample = is_float ? Sample{samples_.values[window_.begin++]}
                          : Sample{0, samples_.histograms[window_.histogram_begin++]};
        return true;
    }

  private:
    const RangeSamples& samples_;
    Window window_;
};

struct Changed {
    static bool floats(double a, double b) { return a != b && !(std::isnan(a) && std::isnan(b)); }
    static bool histograms(const model::FloatHistogram& a, const model::FloatHistogram& b) {
        return !model::equal(a, b);
    }
};

struct Reset {
    static bool floats(double a, double b) { return b < a; }
    static bool histograms(const model::FloatHistogram& a, const model::FloatHistogram& b) {
        return model::is_counter_reset(a, b);
    }
};

template <class Event>
double count_mixed(const RangeSamples& samples, const Window& window) {
    MixedCursor cursor(samples, window);
    Sample previous;
    Sample current;
    cursor.next(previous);
    double count = 0;
    for (; cursor.next(current); previous = current) {
        const bool happened = (previous.histogram == nullptr) != (current.histogram == nullptr) ||
                              (current.histogram == nullptr
                                   ? Event::floats(previous.value, current.value)
                                   : Event::histograms(*previous.histogram, *current.histogram));
        if (happened) ++count;
    }
    return count;
}

/// Counts events between neighbours; for floats by differences of running counts, whatever the windows.
template <class Event>
void count_events(RangeCall& call) {
    const auto values = call.samples.values;
    std::vector<std::uint32_t> running(values.size());
    for (std::size_t i = 1; i < values.size(); ++i) {
        running[i] = running[i - 1] + (Event::floats(values[i - 1], values[i]) ? 1U : 0U);
    }
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (window.has_histograms()) [[unlikely]] {
            call.row[step] = count_mixed<Event>(call.samples, window);
        } else if (window.has_floats()) {
            call.row[step] = running[window.end - 1] - running[window.begin];
        }
    }
}

}  // namespace

void changes(RangeCall& call) { count_events<Changed>(call); }
void resets(RangeCall& call) { count_events<Reset>(call); }

}  // namespace mimir::promql
