#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/types.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {

Tone tone_of(api::ModuleState state);

/// Why a module is in its state, in a few words: "asked for", "for querier, ruler", or its error and when it is tried again.
std::string why(const api::Module& module, const std::vector<api::Module>& all, TimestampMs now);

/// What someone who is not content with that state can do; empty when there is nothing to do.
std::string next_step(const api::Module& module);

const api::Module* find_module(const std::vector<api::Module>& all, std::string_view name);

/// Its share of the ring: "33.4 %"; empty when its ring is not shared by tokens.
std::string share_of(const api::RingMember& member);

}  // namespace mimir::ctl
