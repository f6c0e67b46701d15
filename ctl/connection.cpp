#include "ctl/connection.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "api/endpoints.hpp"
#include "api/json.hpp"
#include "ctl/reachability.hpp"

namespace mimir::ctl {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kTokenBytesLimit = 64 << 10;
/// A change whose connection broke is sent so often in all; its Idempotency-Key makes it happen once.
constexpr int kAttempts = 3;
constexpr std::chrono::milliseconds kPause{200};

http::Method method_of(api::Method method) {
    switch (method) {
        case api::Method::get: return http::Method::get;
        case api::Method::post: return http::Method::post;
        case api::Method::put: return http::Method::put;
        case api::Method::delete_: return http::Method::delete_;
    }
    return http::Method::get;
}

/// The endpoint's path with the subject in the place of its parameter.
std::string path_of(const Call& call) {
    std::string path(call.endpoint.path);
    const std::size_t open = path.find('{');
    if (open == std::string::npos) return path;
    const std::size_t close = path.find('}', open);
    return path.replace(open, close - open + 1, http::percent_encode(call.subject));
}

bool is_one_word(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

Outcome<std::string> read_token(const DaemonOptions& options, const Environment& environment) {
    if (!options.token_file) {
        std::string token = environment.variable_or_empty("MIMIRCTL_TOKEN");
        if (!token.empty() && !is_one_word(token))
            return usage("MIMIRCTL_TOKEN does not hold one token");
        return token;
    }
    std::ifstream file{std::string(*options.token_file)};
    if (!file) return usage(fmt::format("the token file {} cannot be read", *options.token_file));
    std::string token(kTokenBytesLimit, '\0');
    file.read(token.data(), static_cast<std::streamsize>(token.size()));
    token.resize(static_cast<std::size_t>(file.gcount()));
    const std::size_t end = token.find_last_not_of(" \t\r\n");
    token.resize(end == std::string::npos ? 0 : end + 1);
    if (!is_one_word(token))
        return usage(fmt::format("the token file {} does not hold one token", *options.token_file));
    return token;
}

/// What to trust and to show, for https addresses; null for others.
Outcome<std::shared_ptr<const http::TlsClientContext>> load_tls(
    const DaemonOptions& options, const http::Endpoint& endpoint
) {
    const bool is_given = options.ca_file || options.certificate_file || options.key_file;
    if (!endpoint.tls && is_given) {
        return usage("--ca-file, --cert-file and --key-file are for an address with https://");
    }
    if (!endpoint.tls || !is_given) return nullptr;
    auto context = http::TlsClientContext::load({
        .ca_file = options.ca_file.value_or(""),
        .certificate_file = options.certificate_file.value_or(""),
        .key_file = options.key_file.value_or(""),
    });
    return or_exit(std::move(context), ExitCode::usage);
}

/// Where to look when nobody said where, the best first.
std::vector<std::string> usual_sockets(const Environment& environment) {
    std::vector<std::string> paths = {environment.system_socket};
    const std::string runtime = environment.variable_or_empty("XDG_RUNTIME_DIR");
    if (environment.uid != 0 && !runtime.empty()) paths.push_back(runtime + "/mimird/admin.sock");
    return paths;
}

/// The name of a socket's file wins over that of a host; other names are addresses.
Result<http::Endpoint> endpoint_of(const std::string& name) {
    std::error_code ignored;
    const bool is_path =
        name.find(':') == std::string::npos &&
        (name.find('/') != std::string::npos ||
         (std::filesystem::exists(name, ignored) && !std::filesystem::is_directory(name, ignored)));
    return is_path ? http::Endpoint::at_path(name) : http::Endpoint::parse(name);
}

}  // namespace

Outcome<Daemon> choose_daemon(const DaemonOptions& options, const Environment& environment) {
    Daemon daemon;
    MIMIR_TRY(daemon.token, read_token(options, environment));
    const std::string variable = environment.variable_or_empty("MIMIRCTL_SOCKET");
    if (options.socket) {
        daemon.name = *options.socket;
    } else if (!variable.empty()) {
        daemon.name = variable;
    } else {
        daemon.looked_for = usual_sockets(environment);
        const auto found = std::ranges::find_if(daemon.looked_for, [](const std::string& path) {
            return look_at({.unix_path = path}) != SocketState::absent;
        });
        daemon.name = found == daemon.looked_for.end() ? daemon.looked_for.back() : *found;
    }
    auto endpoint = endpoint_of(daemon.name);
    if (!endpoint) return usage(fmt::format("--socket: {}", endpoint.error().message));
    daemon.endpoint = *std::move(endpoint);
    MIMIR_TRY(daemon.client.tls, load_tls(options, daemon.endpoint));
    return daemon;
}

Connection::Connection(Daemon daemon)
    : daemon_(std::move(daemon)), client_(daemon_.endpoint, daemon_.client) {}

http::ClientRequest Connection::request_for(const Call& call) const {
    http::ClientRequest request{
        .method = method_of(call.endpoint.method),
        .target = path_of(call),
        .headers = {},
        .body = call.body
    };
    if (!call.query.empty()) request.target += "?" + call.query.encode();
    if (!call.body.empty()) request.headers.add("Content-Type", "application/json");
    if (!daemon_.token.empty()) request.headers.add("Authorization", "Bearer " + daemon_.token);
    if (!call.idempotency_key.empty()) request.headers.add("Idempotency-Key", call.idempotency_key);
    if (call.if_revision) request.headers.add("If-Match", fmt::format("\"{}\"", *call.if_revision));
    return request;
}

Result<http::ClientResponse> Connection::send_once(const Call& call) {
    return client_.send(request_for(call), call.token.with_deadline(Clock::now() + call.patience));
}

Outcome<std::string> Connection::send(const Call& call) {
    auto response = send_once(call);
    for (int attempt = 1; attempt < kAttempts && !response; ++attempt) {
        const bool broke = response.error().kind == ErrorKind::unavailable;
        const bool may_repeat =
            call.endpoint.method == api::Method::get || !call.idempotency_key.empty();
        if (!broke || !may_repeat || look_at(daemon_.endpoint) != SocketState::answers) break;
        std::this_thread::sleep_for(kPause);
        response = send_once(call);
    }
    if (!response) return tl::unexpected(unanswered(call, response.error()));
    if (response->status / 100 != 2) return tl::unexpected(refused(*response));
    return std::move(response->body);
}

Outcome<Connection::StreamEnd> Connection::stream(
    const Call& call, const std::function<bool(std::string_view)>& on_line, CancellationToken token
) {
    std::string buffer;
    bool stopped = false;
    const auto on_piece = [&](std::string_view piece) {
        buffer += piece;
        std::size_t begin = 0;
        for (std::size_t end = 0; !stopped && (end = buffer.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            const std::string_view line(buffer.data() + begin, end - begin);
            if (!line.empty()) stopped = !on_line(line);
        }
        buffer.erase(0, begin);
        return !stopped;
    };
    const auto response = client_.stream(request_for(call), on_piece, token);
    if (stopped) return StreamEnd::stopped_by_reader;
    if (!response) {
        switch (response.error().kind) {
            case ErrorKind::canceled: return StreamEnd::canceled;
            case ErrorKind::timeout: return StreamEnd::timed_out;
            case ErrorKind::unavailable: return StreamEnd::broke;
            default: return tl::unexpected(explain_unreachable(daemon_, response.error()));
        }
    }
    if (response->status / 100 != 2) return tl::unexpected(refused(*response));
    return StreamEnd::complete;
}

Failure Connection::unanswered(const Call& call, const Error& error) const {
    if (error.kind == ErrorKind::invalid)
        return Failure{.exit_code = ExitCode::usage, .why = error.message};
    const bool is_canceled = error.kind == ErrorKind::canceled;
    const bool is_late = error.kind == ErrorKind::timeout;
    const bool is_change = !call.idempotency_key.empty();
    if (!is_canceled && !(is_late && is_change)) return explain_unreachable(daemon_, error);
    Failure failure{
        .exit_code = is_canceled ? ExitCode::detached : ExitCode::timed_out,
        .what = is_canceled ? "not waiting any longer"
                            : fmt::format("no answer after {} ms", call.patience.count()),
    };
    if (is_change) {
        failure.why = "mimird has not answered, but what was asked for may have begun";
        failure.next_steps.emplace_back("`mimirctl operations` shows what has begun");
    } else {
        failure.why = "mimird has not answered";
    }
    return failure;
}

Failure Connection::refused(const http::ClientResponse& response) {
    const std::string type(response.headers.get("Content-Type").value_or(""));
    const bool is_problem = type.starts_with("application/problem+json");
    const auto problem =
        api::from_json<api::Problem>(is_problem ? response.body : "", api::Unknown::ignore);
    if (!problem) {
        const std::string said = fmt::format("HTTP status {}", response.status);
        if (response.status != 503) return not_understood(said);
        return Failure{
            .exit_code = ExitCode::unreachable,
            .what = "mimird cannot be reached",
            .why = fmt::format(
                "{} answers that it cannot serve more now: {}", daemon_.name, response.body
            ),
            .next_steps = {"try again"},
        };
    }
    if (problem->code == "path-unknown") return not_understood(problem->why);
    const api::ProblemKind* kind = api::find_problem_kind(problem->code);
    const bool names_request = problem->what.find(" /admin/") != std::string::npos;
    return Failure{
        .exit_code = kind != nullptr ? kind->exit_code : exit_code_of(response.status),
        // Who typed a command does not know it as "POST /admin/v1/...".
        .what = names_request ? std::string() : problem->what,
        .why = problem->why.empty() ? problem->title : problem->why,
        .next_steps = problem->next_steps,
        .code = problem->code,
        .request_id = problem->request_id,
    };
}

Failure Connection::not_understood(std::string_view detail) {
    const Call call{.endpoint = api::kGetVersion, .patience = std::chrono::milliseconds(3000)};
    const auto response = send_once(call);
    auto version = api::from_json<api::ApiVersion>(
        response && response->status == 200 ? response->body : "", api::Unknown::ignore
    );
    if (!version || version->version.empty()) {
        return Failure{
            .exit_code = ExitCode::unreachable,
            .what = "mimird cannot be reached",
            .why = fmt::format("what listens at {} is not mimird ({})", daemon_.name, detail),
            .next_steps = {"`--socket PATH` or MIMIRCTL_SOCKET says where mimird listens"},
        };
    }
    const bool is_older = version->api_max < api::kApiMin;
    const bool is_newer = version->api_min > api::kApiMax;
    if (is_older || is_newer) {
        return Failure{
            .exit_code = ExitCode::unreachable,
            .what = "this mimirctl and that mimird do not speak the same version of the API",
            .why = fmt::format(
                "mimird {} serves versions {} to {}, this mimirctl speaks {} to {}",
                version->version,
                version->api_min,
                version->api_max,
                api::kApiMin,
                api::kApiMax
            ),
            .next_steps = {"use the mimirctl that came with that mimird"},
        };
    }
    return Failure{
        .exit_code = ExitCode::failed,
        .what = "the answer is not understood",
        .why = fmt::format("mimird {}: {}", version->version, detail),
        .next_steps = {"use the mimirctl that came with that mimird"},
    };
}

ExitCode exit_code_of(int http_status) {
    switch (http_status) {
        case 400:
        case 405:
        case 413:
        case 414: return ExitCode::usage;
        case 401:
        case 403:
        case 421: return ExitCode::not_permitted;
        case 404:
        case 410: return ExitCode::not_found;
        case 409:
        case 412:
        case 428:
        case 429: return ExitCode::refused;
        case 408:
        case 504: return ExitCode::timed_out;
        default: return ExitCode::failed;
    }
}

}  // namespace mimir::ctl
