#include "wave/store.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "encoding/compression.hpp"
#include "wire/remote_write.hpp"

namespace mimir::wave {
namespace {

std::string base64(std::string_view text) {
    std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int bytes = EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(encoded.data()),
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size())
    );
    encoded.resize(static_cast<std::size_t>(bytes));
    return encoded;
}

std::string authorization(const StoreOptions& options) {
    if (!options.bearer_token.empty()) return "Bearer " + options.bearer_token;
    if (options.basic_auth_user.empty()) return {};
    return "Basic " + base64(options.basic_auth_user + ":" + options.basic_auth_password);
}

/// Seconds since 1970; samples are at whole ones.
std::string seconds(TimestampMs time) { return fmt::format("{}", time.ms / 1000); }

CancellationToken within(const CancellationToken& token, std::chrono::milliseconds timeout) {
    return token.with_deadline(std::chrono::steady_clock::now() + timeout);
}

}  // namespace

Result<void> check_endpoint(std::string_view url) {
    MIMIR_TRY(Store::Url::parse(url));
    return {};
}

Result<Store::Url> Store::Url::parse(std::string_view text) {
    const std::string_view mark = "://";
    const std::size_t scheme = text.find(mark);
    if (scheme == std::string_view::npos) {
        return fail(ErrorKind::invalid, "\"{}\" is no URL: want http://HOST:PORT", text);
    }
    const std::size_t slash = std::min(text.find('/', scheme + mark.size()), text.size());
    MIMIR_TRY(http::Endpoint endpoint, http::Endpoint::parse(text.substr(0, slash)));
    std::string path(text.substr(slash));
    while (path.ends_with('/')) path.pop_back();
    return Url{std::move(endpoint), std::move(path)};
}

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
    MIMIR_TRY(Url write, Url::parse(options.write_endpoint));
    MIMIR_TRY(Url read, Url::parse(options.read_endpoint));
    return std::unique_ptr<Store>(new Store(std::move(options), std::move(write), std::move(read)));
}

std::unique_ptr<Store> Store::at(
    http::Endpoint endpoint, std::string prefix, StoreOptions options
) {
    Url write{endpoint, ""};
    Url read{std::move(endpoint), std::move(prefix)};
    return std::unique_ptr<Store>(new Store(std::move(options), std::move(write), std::move(read)));
}

Store::Store(StoreOptions options, Url write, Url read)
    : options_(std::move(options)),
      authorization_(authorization(options_)),
      write_(std::move(write)),
      read_(std::move(read)),
      writer_(write_.endpoint, {.tls = options_.tls}),
      reader_(read_.endpoint, {.tls = options_.tls}) {}

http::Headers Store::headers(std::string_view content_type) const {
    http::Headers headers{{"Content-Type", content_type}};
    if (!options_.tenant.empty()) headers.add("X-Scope-OrgID", options_.tenant);
    if (!authorization_.empty()) headers.add("Authorization", authorization_);
    return headers;
}

Pushed Store::push(const model::WriteRequest& request, const CancellationToken& token) {
    std::string message;
    wire::encode_write_request(request, message);
    http::ClientRequest push{
        .method = http::Method::post,
        .target = write_.path + "/api/v1/push",
        .headers = headers("application/x-protobuf"),
        .repeatable = true,
    };
    push.headers.add("Content-Encoding", "snappy");
    push.headers.add("X-Prometheus-Remote-Write-Version", "0.1.0");
    encoding::snappy_compress(message, push.body);
    const auto response = writer_.send(std::move(push), within(token, options_.write_timeout));
    if (!response) return {.status = 0, .why = response.error().message};
    if (response->status / 100 == 2) return {.status = response->status, .why = {}};
    return {.status = response->status, .why = refusal_in(response->body)};
}

Result<Answer> Store::query(
    std::string_view expression, TimestampMs time, const CancellationToken& token
) {
    http::Parameters form;
    form.add("query", std::string(expression));
    form.add("time", seconds(time));
    return ask("/api/v1/query", form, token);
}

Result<Answer> Store::query_range(
    std::string_view expression,
    TimeRange range,
    std::chrono::milliseconds step,
    const CancellationToken& token
) {
    http::Parameters form;
    form.add("query", std::string(expression));
    form.add("start", seconds(range.min));
    form.add("end", seconds(range.max));
    form.add("step", fmt::format("{}", step.count() / 1000));
    return ask("/api/v1/query_range", form, token);
}

Result<Answer> Store::ask(
    std::string_view path, const http::Parameters& form, const CancellationToken& token
) {
    http::ClientRequest request{
        .method = http::Method::post,
        .target = fmt::format("{}{}", read_.path, path),
        .headers = headers("application/x-www-form-urlencoded"),
        .body = form.encode(),
        .repeatable = true,
    };
    MIMIR_TRY(
        const auto response, reader_.send(std::move(request), within(token, options_.read_timeout))
    );
    if (response.status / 100 != 2) {
        return fail(
            ErrorKind::unavailable,
            "the store answers {}: {}",
            response.status,
            refusal_in(response.body)
        );
    }
    return read_answer(response.body);
}

}  // namespace mimir::wave
