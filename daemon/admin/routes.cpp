#include "admin/routes.hpp"

#include "admin/detail/exchange.hpp"
#include "admin/doctor.hpp"
#include "admin/page/page.hpp"
#include "admin/streams.hpp"
#include "api/endpoints.hpp"
#include "api/openapi.hpp"

namespace mimir::admin {
namespace {

using detail::Call;
using http::Response;

constexpr std::size_t kBodyBytesMax = 1 << 20;  // a configuration file is the largest body
constexpr std::string_view kModule = "admin";
constexpr std::uint64_t kListMax = 1000;

http::MethodSet to_http(api::Method method) {
    switch (method) {
        case api::Method::get: return {http::Method::get};
        case api::Method::post: return {http::Method::post};
        case api::Method::put: return {http::Method::put};
        case api::Method::delete_: return {http::Method::delete_};
    }
    return {http::Method::get};
}

std::string_view of_path(const http::Request& request, std::string_view name) {
    return request.path_parameters.get_or(name, "");
}

/// Registers endpoints one by one.
class Registrar {
  public:
    Registrar(http::Router& router, const Access* access, const RouteEnvironment& environment)
        : router_(router), access_(access), environment_(environment) {}

    template <class E, class F>
    void on(const E& endpoint, F call) {
        if (access_ == nullptr && !endpoint.is_public) return;
        add(to_http(endpoint.method),
            endpoint.path,
            detail::make_handler(
                endpoint, access_, environment_, detail::act_of(endpoint, std::move(call))
            ));
    }
    void add(http::MethodSet methods, std::string_view path, http::Handler handler) {
        routes_.push_back(router_.add({
            .methods = methods,
            .pattern = std::string(path),
            .module = std::string(kModule),
            .handler = std::move(handler),
            .body_bytes_limit = kBodyBytesMax,
        }));
    }
    [[nodiscard]] const RouteEnvironment& environment() const { return environment_; }
    [[nodiscard]] Control& control() const { return environment_.control; }
    std::vector<http::RouteRegistration> take() { return std::move(routes_); }

  private:
    http::Router& router_;
    const Access* access_;
    const RouteEnvironment environment_;
    std::vector<http::RouteRegistration> routes_;
};

template <class T>
Result<T> as_result(T value) {
    return value;
}

void register_looking(Registrar& r) {
    Control& control = r.control();
    r.on(api::kGetVersion, [&control](const Call<api::None>&) {
        return as_result(api::ApiVersion{.version = control.status().version});
    });
    r.on(api::kGetStatus, [&control](const Call<api::None>&) {
        return as_result(control.status());
    });
    r.on(api::kListModules, [&control](const Call<api::None>&) {
        return as_result(control.modules());
    });
    r.on(api::kGetModule, [&control](const Call<api::None>& call) {
        return control.module(of_path(call.http, "name"));
    });
    r.on(api::kListTargets, [&control](const Call<api::None>&) {
        return as_result(control.targets());
    });
    r.on(api::kGetTarget, [&control](const Call<api::None>&) {
        return as_result(control.target());
    });
    r.on(api::kListProcesses, [&control](const Call<api::None>&) {
        return as_result(control.environment().host.processes());
    });
    r.on(api::kListRings, [&control](const Call<api::None>&) {
        return as_result(control.environment().host.rings());
    });
    r.on(api::kGetRing, [&control](const Call<api::None>& call) {
        return control.ring(of_path(call.http, "name"));
    });
    r.on(api::kGetLogLevel, [&control](const Call<api::None>&) {
        return as_result(api::LogLevel{control.environment().host.log_level()});
    });
    r.on(api::kDoctor, [&control](const Call<api::None>&) {
        return as_result(run_checks(control));
    });
    r.on(api::kOpenApi, [&control](const Call<api::None>&) {
        return as_result(detail::json_response(200, api::openapi_json(control.status().version)));
    });
}

void register_changing(Registrar& r) {
    Control& control = r.control();
    const auto change = [&control](Control::Kind kind) {
        return [&control, kind](const Call<api::ChangeRequest>& call) -> Result<api::ChangeResult> {
            MIMIR_TRY(
                const auto options,
                detail::change_options(call.http, call.body.cascade, call.body.dry_run)
            );
            return control.change(
                call.caller, kind, modules::parse_names(of_path(call.http, "name")), options
            );
        };
    };
    r.on(api::kStartModules, change(Control::Kind::start));
    r.on(api::kStopModules, change(Control::Kind::stop));
    r.on(api::kRestartModules, change(Control::Kind::restart));
    r.on(
        api::kSetTarget,
        [&control](const Call<api::TargetRequest>& call) -> Result<api::ChangeResult> {
            MIMIR_TRY(
                const auto options, detail::change_options(call.http, false, call.body.dry_run)
            );
            return control.set_target(call.caller, modules::parse_names(call.body.target), options);
        }
    );
    r.on(
        api::kResetTarget,
        [&control](const Call<api::ChangeRequest>& call) -> Result<api::ChangeResult> {
            MIMIR_TRY(
                const auto options, detail::change_options(call.http, false, call.body.dry_run)
            );
            return control.reset_target(call.caller, options);
        }
    );
    r.on(
        api::kMigrate,
        [&control](const Call<api::MigrationRequest>& call) -> Result<api::ChangeResult> {
            MIMIR_TRY(
                const auto options, detail::change_options(call.http, false, call.body.dry_run)
            );
            return control.migrate(call.caller, call.body, options);
        }
    );
    r.on(
        api::kReloadConfig,
        [&control](const Call<api::ChangeRequest>& call) -> Result<api::ChangeResult> {
            MIMIR_TRY(
                const auto options, detail::change_options(call.http, false, call.body.dry_run)
            );
            return control.reload(call.caller, options);
        }
    );
    r.on(api::kSetLogLevel, [&control](const Call<api::LogLevel>& call) {
        return control.set_log_level(call.caller, call.body.level);
    });
    r.on(api::kForgetMember, [&control](const Call<api::ForgetRequest>& call) {
        return control.forget(
            call.caller, std::string(of_path(call.http, "name")), call.body.member
        );
    });
    r.on(api::kOkToStop, [&control](const Call<api::StopRequest>& call) {
        return control.ok_to_stop(call.caller, call.body.release);
    });
    r.on(api::kShutdown, [&control](const Call<api::None>& call) {
        return control.shut_down(call.caller);
    });
}

void register_operations(Registrar& r) {
    constexpr std::uint64_t kOperations = 20;
    Control& control = r.control();
    r.on(
        api::kListOperations,
        [&control](const Call<api::None>& call) -> Result<std::vector<api::Operation>> {
            MIMIR_TRY(
                const auto limit, detail::number_of(call.http.query, "limit", kOperations, kListMax)
            );
            return control.environment().runner.list(limit);
        }
    );
    r.on(api::kGetOperation, [&control](const Call<api::None>& call) {
        return control.environment().runner.find(of_path(call.http, "id"));
    });
    r.on(
        api::kWatchOperation,
        [environment = r.environment()](const Call<api::None>& call) -> Result<Response> {
            MIMIR_TRY(const auto after, detail::number_of(call.http.query, "after", 0, UINT64_MAX));
            std::string id(of_path(call.http, "id"));
            MIMIR_TRY(environment.control.environment().runner.find(id));
            return watch_operation(
                environment, std::move(id), after, call.http.context.cancellation
            );
        }
    );
    r.on(api::kCancelOperation, [&control](const Call<api::None>& call) {
        return control.cancel(call.caller, of_path(call.http, "id"));
    });
    r.on(api::kPauseOperation, [&control](const Call<api::None>& call) {
        return control.pause(call.caller, of_path(call.http, "id"));
    });
    r.on(api::kResumeOperation, [&control](const Call<api::None>& call) {
        return control.resume(call.caller, of_path(call.http, "id"));
    });
    r.on(
        api::kListMigrations,
        [&control](const Call<api::None>& call) -> Result<std::vector<api::Operation>> {
            MIMIR_TRY(
                const auto limit, detail::number_of(call.http.query, "limit", kOperations, kListMax)
            );
            return control.migrations(limit);
        }
    );
}

void register_logs(Registrar& r) {
    constexpr std::uint64_t kLimit = 100;
    Control& control = r.control();
    r.on(
        api::kListEvents,
        [environment = r.environment()](const Call<api::None>& call) -> Result<Response> {
            const operations::EventLog& events = environment.control.environment().events;
            const http::Parameters& query = call.http.query;
            MIMIR_TRY(const auto limit, detail::number_of(query, "limit", kLimit, kListMax));
            const bool has_cursor = query.get("after").has_value();
            MIMIR_TRY(const auto after, detail::number_of(query, "after", 0, UINT64_MAX));
            if (query.get_or("follow", "false") == "true") {
                const std::uint64_t from = has_cursor ? after : events.last_cursor();
                return follow_events(environment, from, call.http.context.cancellation);
            }
            const auto list = has_cursor ? events.after(after, limit) : events.latest(limit);
            return detail::reply(list);
        }
    );
    r.on(
        api::kListAudit,
        [&control](const Call<api::None>& call) -> Result<std::vector<api::AuditEntry>> {
            MIMIR_TRY(
                const auto limit, detail::number_of(call.http.query, "limit", kLimit, kListMax)
            );
            MIMIR_TRY(const auto after, detail::number_of(call.http.query, "after", 0, INT64_MAX));
            const bool has_cursor = call.http.query.get("after").has_value();
            return control.environment().journal.audit_entries(
                has_cursor ? std::optional(after) : std::nullopt, limit
            );
        }
    );
}

void register_config(Registrar& r) {
    Control& control = r.control();
    r.on(api::kGetConfig, [&control](const Call<api::None>& call) -> Result<api::ConfigView> {
        const auto mode = call.http.query.get_or("mode", "effective");
        const auto shown = mode == "effective"  ? std::optional(Shown::effective)
                           : mode == "diff"     ? std::optional(Shown::diff)
                           : mode == "defaults" ? std::optional(Shown::defaults)
                                                : std::nullopt;
        if (!shown) {
            return fail_with_id(
                ErrorKind::invalid,
                "request-malformed",
                "mode: want effective, diff or defaults, not \"{}\"",
                mode
            );
        }
        return api::ConfigView{
            .file = control.status().config_file,
            .yaml = control.environment().host.settings(*shown),
        };
    });
    r.on(api::kDiffConfig, [&control](const Call<api::None>&) { return control.config_diff(); });
    r.on(api::kCheckConfig, [&control](const Call<api::ConfigCheckRequest>& call) {
        auto findings = control.environment().host.check_settings(
            call.body.yaml, call.body.name.empty() ? "config.yaml" : call.body.name
        );
        const bool ok = findings.empty();
        return as_result(api::ConfigFindings{.ok = ok, .findings = std::move(findings)});
    });
}

http::asio::awaitable<Response> answer(Response response) { co_return response; }

void register_page(Registrar& r) {
    for (const PageFile& file : page_files()) {
        r.add({http::Method::get}, file.path, [&file](http::Request& request) {
            const bool known = request.headers.get("If-None-Match") == file.etag;
            Response response{
                .status = known ? 304 : 200, .body = known ? "" : std::string(file.content)
            };
            response.headers = {
                {"Content-Type", file.content_type},
                {"Content-Security-Policy", kContentSecurityPolicy},
                {"X-Content-Type-Options", "nosniff"},
                {"Referrer-Policy", "no-referrer"},
                {"Cache-Control", "no-cache"},
                {"ETag", file.etag},
            };
            return answer(std::move(response));
        });
    }
}

void register_all(Registrar& r) {
    register_looking(r);
    register_changing(r);
    register_operations(r);
    register_logs(r);
    register_config(r);
    register_page(r);
}

}  // namespace

std::vector<http::RouteRegistration> register_routes(
    http::Router& router, const Access& access, const RouteEnvironment& environment
) {
    Registrar registrar(router, &access, environment);
    register_all(registrar);
    return registrar.take();
}

std::vector<http::RouteRegistration> register_public_routes(
    http::Router& router, const RouteEnvironment& environment
) {
    Registrar registrar(router, nullptr, environment);
    register_all(registrar);
    return registrar.take();
}

Response word_refusal(const http::Refusal& refusal, const http::Request& request) {
    const std::string_view code = refusal.status == 404   ? "path-unknown"
                                  : refusal.status == 405 ? "method-not-allowed"
                                  : refusal.status == 413 ? "body-too-large"
                                  : refusal.status == 503 ? "unavailable"
                                                          : "request-malformed";
    const std::string why = refusal.status == 404
                                ? fmt::format("there is nothing at {}", request.path)
                                : refusal.message;
    const Error error{ErrorKind::invalid, code, why};
    auto response = detail::problem_response(
        api::to_problem(error, fmt::format("{} {}", http::to_string(request.method), request.path))
    );
    response.status = refusal.status;
    return response;
}

}  // namespace mimir::admin
