#include "promql/functions/range_function.hpp"

namespace mimir::promql {

RangeFunction range_function(FunctionId id) {
    switch (id) {
        case FunctionId::rate: return rate;
        case FunctionId::increase: return increase;
        case FunctionId::delta: return delta;
        case FunctionId::irate: return irate;
        case FunctionId::idelta: return idelta;
        case FunctionId::changes: return changes;
        case FunctionId::resets: return resets;
        case FunctionId::deriv: return deriv;
        case FunctionId::predict_linear: return predict_linear;
        case FunctionId::double_exponential_smoothing: return double_exponential_smoothing;
        case FunctionId::avg_over_time: return avg_over_time;
        case FunctionId::count_over_time: return count_over_time;
        case FunctionId::first_over_time: return first_over_time;
        case FunctionId::last_over_time: return last_over_time;
        case FunctionId::mad_over_time: return mad_over_time;
        case FunctionId::max_over_time: return max_over_time;
        case FunctionId::min_over_time: return min_over_time;
        case FunctionId::absent_over_time:
        case FunctionId::present_over_time: return present_over_time;
        case FunctionId::quantile_over_time: return quantile_over_time;
        case FunctionId::stddev_over_time: return stddev_over_time;
        case FunctionId::stdvar_over_time: return stdvar_over_time;
        case FunctionId::sum_over_time: return sum_over_time;
        case FunctionId::ts_of_first_over_time: return ts_of_first_over_time;
        case FunctionId::ts_of_last_over_time: return ts_of_last_over_time;
        case FunctionId::ts_of_max_over_time: return ts_of_max_over_time;
        case FunctionId::ts_of_min_over_time: return ts_of_min_over_time;
        default: return nullptr;
    }
}

}  // namespace mimir::promql
