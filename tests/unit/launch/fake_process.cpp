// Behaves towards a launcher as mimird does, or not: fake_process SOCKET ready|starting|deaf|ends

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "api/endpoints.hpp"
#include "api/json.hpp"
#include "http/server.hpp"

namespace {

using namespace mimir;

int serve(const std::string& socket, const std::string& how) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    runtime::Executors executors({
        .io_threads = 1,
        .ingest = {.threads = 1, .queue_limit = 10},
        .query = {.threads = 1, .queue_limit = 10},
    });
    http::Router router;
    const bool ready = how != "starting";
    const auto route = router.add({
        .methods = {http::Method::get},
        .pattern = std::string(api::kGetStatus.path),
        .module = "admin",
        .handler = [ready](http::Request&) -> http::asio::awaitable<http::Response> {
            api::Status status{.ready = ready};
            if (!ready) status.not_ready = {"the soup is not done"};
            co_return http::Response{.status = 200, .headers = {}, .body = api::to_json(status)};
        },
    });
    http::ServerOptions options{.listen = {http::UnixAddress{.path = socket}}};
    auto server = http::Server::start({executors.io, executors.query}, router, std::move(options));
    if (!server) return 1;
    for (int signal = 0; sigwait(&signals, &signal) == 0 && how == "deaf";) {
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    // What a child should not have: any other descriptor than 0, 1, 2.
    if (fcntl(3, F_GETFD) != -1) return 3;
    const std::string how = argv[2];
    return how == "ends" ? 7 : serve(argv[1], how);
}
