#pragma once

#include <map>
#include <memory>
#include <variant>

#include "conformance/script.hpp"
#include "promql/queryable.hpp"

namespace mimir::conformance {

/// The data of a script: samples encoded into chunks as in the daemon, so that the engine sees what it would see there.
class MemoryStorage final : public promql::Queryable {
  public:
    /// Adds a load's samples; one at the time of a sample that is there already replaces it.
    /// Errors: invalid, for classic histograms that have no native form.
    Result<void> load(const Load& load);
    void clear() { series_.clear(); }

    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const model::Matchers& matchers, TimeRange range
    ) override;
    /// Without all other labels: no script's result may depend on them.
    Result<std::unique_ptr<chunkenc::SeriesSet>> select_projected(
        const model::Matchers& matchers, TimeRange range, const model::LabelProjection& labels
    ) override;

    using Samples =
        std::map<TimestampMs, std::variant<double, std::shared_ptr<const model::FloatHistogram>>>;
    struct Chunk {
        TimeRange range;
        chunkenc::Encoding encoding = chunkenc::Encoding::none;
        std::string data;
    };
    struct Series {
        Samples samples;
        std::vector<Chunk> chunks;  // of all samples
    };

  private:
    std::map<model::Labels, Series> series_;
};

}  // namespace mimir::conformance
