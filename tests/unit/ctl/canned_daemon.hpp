#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/environment.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "runtime/executors.hpp"
#include "support/test_support.hpp"

namespace mimir::ctl::test {

using namespace std::chrono_literals;
namespace asio = http::asio;

/// A daemon that says what a test wants said, at a unix socket and a TCP port.
class CannedDaemon {
  public:
    struct Seen {
        http::Method method;
        std::string target;
        std::string path;
        http::Headers headers;
        std::string body;
    };
    using Make = std::function<http::Response(const http::Request&)>;

    CannedDaemon();
    ~CannedDaemon();

    void on(http::Method method, std::string pattern, Make make);
    void on_get(std::string pattern, std::string json);
    /// A stream of these lines, complete unless `breaks`.
    static http::Response lines(std::vector<std::string> lines, bool breaks = false);
    /// A stream that says its lines and then nothing until `stop_waiting` or the client goes away.
    http::Response waiting_stream(std::vector<std::string> lines);
    static http::Response problem(
        std::string_view code, std::string why = "because", int status = 0
    );

    void start();
    void stop();
    void stop_waiting() { *waits_ = false; }

    [[nodiscard]] std::string socket() const { return dir_.path() / "admin.sock"; }
    [[nodiscard]] const std::filesystem::path& dir() const { return dir_.path(); }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    [[nodiscard]] std::vector<Seen> seen() const;

  private:
    const mimir::test::TempDir dir_;
    runtime::Executors executors_;
    http::Router router_;
    std::vector<http::RouteRegistration> routes_;
    std::unique_ptr<http::Server> server_;
    std::shared_ptr<std::atomic<bool>> waits_ = std::make_shared<std::atomic<bool>>(true);
    mutable std::mutex mutex_;
    std::vector<Seen> seen_;
};

struct Ran {
    int code;
    std::string out;
    std::string err;
};

/// What the environment of a run is, but for the defaults of a script.
struct Setup {
    std::map<std::string, std::string, std::less<>> variables = {};
    std::string in = {};
    bool in_is_terminal = false;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    /// Nothing can be written to it.
    bool out_is_full = false;
    std::uint32_t uid = 1000;
    std::string system_socket = "/nonexistent/mimird/admin.sock";
    CancellationToken interrupt = CancellationToken::create();
};

/// The instant that runs take for now.
inline constexpr TimestampMs kNow{1'700'000'000'000};

Ran run_ctl(const std::vector<std::string>& arguments, const Setup& setup = {});
/// With MIMIRCTL_SOCKET set to the daemon's.
Ran run_ctl(
    const CannedDaemon& daemon, const std::vector<std::string>& arguments, Setup setup = {}
);

}  // namespace mimir::ctl::test
