#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"

namespace mimir::wire {

/// Whether label fields are in the canonical form of model/labels.hpp.
enum class Form { canonical, other };

/// Reads a run of `repeated Label labels = 1` fields as they were received: in any order, with
/// duplicates and empty values, which are all kept. Replaces the content of `labels`, which then
/// point into `fields`. Errors: invalid, for bytes that are no such fields.
Result<Form> parse_labels(std::string_view fields, std::vector<model::Label>& labels);

/// Whether label fields are in the canonical form: parse_labels() for who wants to know nothing else.
/// Cost: a third of it.
bool is_canonical(std::string_view fields);

/// Brings labels to the order of the canonical form: those with empty values are dropped, the rest
/// is sorted by name. Duplicates stay, in the order in which they came
/// (of their addresses: the names must be from one run of fields).
void sort_and_filter(std::vector<model::Label>& labels);

/// The canonical label set of a run of label fields; of equal names the last one wins.
/// Errors: invalid, as above.
Result<model::Labels> decode_labels(std::string_view fields);

}  // namespace mimir::wire
