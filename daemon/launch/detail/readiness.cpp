#include "launch/detail/readiness.hpp"

#include "api/endpoints.hpp"
#include "api/json.hpp"
#include "http/client.hpp"

namespace mimir::launch {

Result<void> check_ready(const std::filesystem::path& admin_socket) {
    constexpr std::chrono::seconds kAnswerTimeout(1);
    MIMIR_TRY(auto endpoint, http::Endpoint::at_path(admin_socket));
    http::BlockingClient client(std::move(endpoint));
    MIMIR_TRY(
        const auto response,
        client.send(
            {.target = std::string(api::kGetStatus.path), .headers = {}, .body = {}},
            CancellationToken::create(std::chrono::steady_clock::now() + kAnswerTimeout)
        )
    );
    if (response.status != 200) {
        return fail(ErrorKind::unavailable, "its admin API answers {}", response.status);
    }
    MIMIR_TRY(const auto status, api::from_json<api::Status>(response.body, api::Unknown::ignore));
    if (status.ready) return {};
    return fail(
        ErrorKind::unavailable,
        "not ready: {}",
        status.not_ready.empty() ? "it is starting" : status.not_ready.front()
    );
}

}  // namespace mimir::launch
