#pragma once

// The JSON of Prometheus' HTTP API, written straight into a string: an answer of a million points
// is text of its own kind, and its numbers have rules of their own.

#include <string>
#include <string_view>

#include "model/labels.hpp"
#include "promql/engine.hpp"

namespace mimir::query_frontend {

/// The shortest decimal that reads back as the same double, as Go's FormatFloat(v, 'f' or 'e', -1,
/// 64): "NaN", "+Inf",
/// "-0", "0.5"; in exponent form ("1e-07") below 1e-6 and from 1e21 on.
void append_value(std::string& out, double value);
/// The same without ever an exponent, as the values of scalars are written.
void append_plain_value(std::string& out, double value);
/// Seconds; three decimals unless the milliseconds are 0: 1435781451.781, 1.050, 7.
void append_timestamp(std::string& out, TimestampMs time);

/// How strings other than label values escape <, > and &.
enum class Escape { json, html };
/// In quotes. Bytes that are not UTF-8 become U+FFFD.
void append_string(std::string& out, std::string_view text, Escape escape = Escape::json);

/// {"__name__":"up","job":"a"}
void append_labels(std::string& out, model::LabelsView labels);

/// {"count":"42","sum":"34593.34","buckets":[[3,"-0.25","0.25","3"],...]}
void append_histogram(std::string& out, const model::FloatHistogram& histogram);

/// "resultType":...,"result":... of a query, cut to the first `limit` series (0: all).
/// Returns whether any was left out.
bool append_result(std::string& out, const promql::QueryResult& result, std::size_t limit);

}  // namespace mimir::query_frontend
