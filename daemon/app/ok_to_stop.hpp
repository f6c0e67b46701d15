#pragma once

#include "api/types.hpp"
#include "app/wiring.hpp"

namespace mimir::app {

/// Whether every series keeps a quorum of its ingesters without this one. A yes is reserved, in the ring's store, for this
/// process: for as long as it holds, no other gets one.
/// Threads: any; waits for the store.
/// Errors: those of the store.
Result<api::StopAdvice> ok_to_stop(Wiring& wiring);

/// Gives the yes back. Nothing happens when this process has none.
Result<api::StopAdvice> release_stop(Wiring& wiring);

}  // namespace mimir::app
