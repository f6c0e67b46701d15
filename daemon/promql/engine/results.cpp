#include "promql/engine/results.hpp"

#include <algorithm>

namespace mimir::promql::engine {

namespace {

void sort_by_labels(Matrix& matrix) { std::ranges::sort(matrix, {}, &MatrixSeries::labels); }

/// The points of a row.
MatrixSeries points_of(const SeriesBlock& block, std::size_t row, const Steps& steps) {
    MatrixSeries series;
    const auto values = block.row(row);
    series.floats.reserve(values.size());
    for (std::size_t step = 0; step < values.size(); ++step) {
        if (!is_absent(values[step])) series.floats.push_back({{steps.at(step)}, values[step]});
    }
    for (const auto& cell : block.histograms_of(row)) {
        series.histograms.push_back({{steps.at(cell.step)}, cell.value});
    }
    return series;
}

std::size_t weight(const MatrixSeries& series) {
    std::size_t samples = series.floats.size();
    for (const auto& point : series.histograms) samples += sample_weight(*point.value);
    return samples;
}

}  // namespace

Result<Vector> collect_vector(QueryContext& context, VectorOperator& root, TimestampMs time) {
    MIMIR_TRY(root.prepare());
    HeldSamples held(context.budget);
    Vector vector;
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, root.next(block));
        if (!more) return vector;
        MIMIR_TRY(held.add(block.row_count()));
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            const double value = block.row(row).front();
            const auto histograms = block.histograms_of(row);
            if (is_absent(value) && histograms.empty()) continue;
            vector.push_back(
                {model::Labels(root.series()[block.series_of(row)].labels),
                 time,
                 histograms.empty() ? value : 0,
                 histograms.empty() ? nullptr : histograms.front().value}
            );
        }
    }
}

Result<Matrix> collect_matrix(QueryContext& context, VectorOperator& root, Steps steps) {
    MIMIR_TRY(root.prepare());
    HeldSamples held(context.budget);
    Matrix matrix;
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, root.next(block));
        if (!more) break;
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            auto series = points_of(block, row, steps);
            if (series.floats.empty() && series.histograms.empty()) continue;
            MIMIR_TRY(held.add(weight(series)));
            series.labels = model::Labels(root.series()[block.series_of(row)].labels);
            matrix.push_back(std::move(series));
        }
    }
    sort_by_labels(matrix);
    return matrix;
}

Result<Matrix> collect_samples(QueryContext& context, RangeOperator& root) {
    MIMIR_TRY(root.prepare());
    HeldSamples held(context.budget);
    Matrix matrix;
    std::uint32_t index = 0;
    while (true) {
        MIMIR_TRY(const auto* samples, root.next(index));
        if (samples == nullptr) break;
        MatrixSeries series;
        series.labels = model::Labels(root.series()[index].labels);
        for (std::size_t i = 0; i < samples->times.size(); ++i) {
            series.floats.push_back({samples->times[i], samples->values[i]});
        }
        for (std::size_t i = 0; i < samples->histograms.size(); ++i) {
            series.histograms.push_back(
                {samples->histogram_times[i],
                 std::make_shared<const model::FloatHistogram>(*samples->histograms[i])}
            );
        }
        MIMIR_TRY(held.add(weight(series)));
        matrix.push_back(std::move(series));
    }
    sort_by_labels(matrix);
    return matrix;
}

}  // namespace mimir::promql::engine
