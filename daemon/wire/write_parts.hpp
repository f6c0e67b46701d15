#pragma once

// Messages of remote write 1.0 that other messages hold too.

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/exemplar.hpp"
#include "model/write_request.hpp"

namespace mimir::wire {

/// A prometheus.Exemplar. Errors: invalid.
Result<model::Exemplar> decode_exemplar(std::string_view message);
void encode_exemplar(const model::Exemplar& exemplar, std::string& out);

/// A prometheus.MetricMetadata; a type that is unknown here is left out. Errors: invalid.
Result<model::MetricMetadata> decode_metadata(std::string_view message);
void encode_metadata(const model::MetricMetadata& metadata, std::string& out);

}  // namespace mimir::wire
