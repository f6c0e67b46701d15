#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "http/client.hpp"
#include "model/write_request.hpp"
#include "wave/answer.hpp"

namespace mimir::wave {

struct StoreOptions {
    /// "http://host:8080", without the path of remote write.
    std::string write_endpoint;
    /// "http://host:8080/prometheus", without the path of queries.
    std::string read_endpoint;
    /// Sent as X-Scope-OrgID; empty: no such header.
    std::string tenant;
    /// Empty: no credentials.
    std::string basic_auth_user;
    std::string basic_auth_password;
    std::string bearer_token;
    std::chrono::milliseconds write_timeout = std::chrono::seconds(5);
    std::chrono::milliseconds read_timeout = std::chrono::seconds(60);
    /// For https; null trusts the system's CAs.
    std::shared_ptr<const http::TlsClientContext> tls = {};
};

/// Errors: invalid, unless it is http[s]://HOST:PORT, with a path behind it or not.
Result<void> check_endpoint(std::string_view url);

/// What became of a push.
struct Pushed {
    /// Of the answer; 0 when there was none.
    int status = 0;
    /// Why it was not taken.
    std::string why;

    [[nodiscard]] bool taken() const { return status / 100 == 2; }
    /// Sent again, it may be taken.
    [[nodiscard]] bool is_for_later() const { return status / 100 != 4 || status == 429; }
};

/// A store of samples as its clients see it: remote write, and Prometheus' query API. It has connections and a thread for
/// them of its own, so that it says as little of its own process' load as a client elsewhere would.
/// Threads: any; each call blocks.
class Store {
  public:
    /// Errors: invalid, for the endpoints.
    static Result<std::unique_ptr<Store>> open(StoreOptions options);
    /// One that is written and read at the same place, which may be a unix socket; `prefix`: of the paths of queries. The
    /// endpoints of the options are unused.
    static std::unique_ptr<Store> at(
        http::Endpoint endpoint, std::string prefix, StoreOptions options
    );

    Pushed push(const model::WriteRequest& request, const CancellationToken& token);
    /// Errors: what the store answers; those of http::Client; corrupt.
    Result<Answer> query(
        std::string_view expression, TimestampMs time, const CancellationToken& token
    );
    /// Both ends included.
    Result<Answer> query_range(
        std::string_view expression,
        TimeRange range,
        std::chrono::milliseconds step,
        const CancellationToken& token
    );

  private:
    /// An endpoint and the path before all others.
    struct Url {
        http::Endpoint endpoint;
        std::string path;
        static Result<Url> parse(std::string_view text);
    };
    friend Result<void> check_endpoint(std::string_view url);

    Store(StoreOptions options, Url write, Url read);
    [[nodiscard]] http::Headers headers(std::string_view content_type) const;
    Result<Answer> ask(
        std::string_view path, const http::Parameters& form, const CancellationToken& token
    );

    const StoreOptions options_;
    const std::string authorization_;  // header's value; empty: none
    const Url write_;
    const Url read_;
    http::BlockingClient writer_;
    http::BlockingClient reader_;
};

}  // namespace mimir::wave
