#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace mimir::launch {

/// Asks the admin API at that unix socket whether its process is ready; waits a second for the answer.
/// Errors: unavailable (nobody answers, or not ready, with the reason), timeout.
Result<void> check_ready(const std::filesystem::path& admin_socket);

}  // namespace mimir::launch
