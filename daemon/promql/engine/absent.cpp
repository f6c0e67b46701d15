#include "promql/engine/absent.hpp"

#include <algorithm>

namespace mimir::promql::engine {

Result<void> Absent::prepare() {
    MIMIR_TRY(input_->prepare());
    series_.push_back({labels_.view()});
    return {};
}

Result<bool> Absent::next(SeriesBlock& block) {
    if (done_) return false;
    done_ = true;
    std::vector<double> result(steps_.count, 1);
    while (true) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) break;
        for (std::size_t i = 0; i < block.row_count(); ++i) {
            const auto row = block.row(i);
            for (std::size_t step = 0; step < row.size(); ++step) {
                if (!is_absent(row[step])) result[step] = kAbsent;
            }
        }
        for (const auto& cell : block.histograms()) result[cell.step] = kAbsent;
    }
    block.reset(steps_.count);
    std::ranges::copy(result, block.add_row_for_overwrite(0).begin());
    return true;
}

model::Labels absent_labels(const model::Matchers& matchers) {
    model::LabelsBuilder builder;
    std::vector<std::string_view> seen;
    for (const auto& matcher : matchers) {
        if (matcher.name() == model::kMetricName) continue;
        const bool again = std::ranges::find(seen, matcher.name()) != seen.end();
        if (matcher.type() == model::MatchType::equal && !again) {
            builder.set(matcher.name(), matcher.value());
            seen.push_back(matcher.name());
        } else {
            builder.remove(matcher.name());
        }
    }
    return builder.build();
}

}  // namespace mimir::promql::engine
