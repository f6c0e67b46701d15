#include "components/query_frontend/answer.hpp"

#include "components/query_frontend/json.hpp"
#include "http/error_status.hpp"
#include "rpc/query_scheduler.hpp"

namespace mimir::query_frontend {
namespace {

constexpr std::string_view kTruncated = "results truncated due to limit";

void append_texts(std::string& out, std::string_view name, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    out += fmt::format(",\"{}\":[", name);
    for (const std::string& text : texts) {
        if (&text != texts.data()) out.push_back(',');
        append_string(out, text, Escape::html);
    }
    out.push_back(']');
}

void append_annotations(std::string& out, const promql::Annotations& annotations) {
    append_texts(out, "warnings", annotations.warnings);
    append_texts(out, "infos", annotations.infos);
}

void append_statistics(std::string& out, const QueryAnswer& answer) {
    const double seconds = std::chrono::duration<double>(answer.took).count();
    const promql::QueryStatistics& statistics = answer.result.statistics;
    out += ",\"stats\":{\"timings\":{\"evalTotalTime\":";
    append_value(out, seconds);
    out += fmt::format(
        "}},\"samples\":{{\"totalQueryableSamples\":{},\"peakSamples\":{}}}}}",
        statistics.samples,
        statistics.samples_peak
    );
}

http::Response error_answer(http::ErrorStatus status, std::string_view message) {
    std::string body =
        fmt::format("{{\"status\":\"error\",\"errorType\":\"{}\",\"error\":", status.error_type);
    append_string(body, message, Escape::html);
    body.push_back('}');
    return http::Response::json(status.status, std::move(body));
}

}  // namespace

std::string success(std::string_view data, const promql::Annotations& annotations) {
    std::string out = "{\"status\":\"success\",\"data\":";
    out += data;
    append_annotations(out, annotations);
    out.push_back('}');
    return out;
}

std::string success(const QueryAnswer& answer) {
    std::string out = "{\"status\":\"success\",\"data\":{";
    const bool truncated = append_result(out, answer.result, answer.limit);
    if (answer.with_statistics) append_statistics(out, answer);
    out.push_back('}');
    promql::Annotations annotations = answer.result.annotations;
    if (truncated) annotations.warnings.emplace_back(kTruncated);
    append_annotations(out, annotations);
    out.push_back('}');
    return out;
}

http::Response bad_request(const Error& error) {
    return error_answer(http::error_status(ErrorKind::invalid), error.message);
}

http::ErrorStatus failure_status(const Error& error) {
    if (error.id == rpc::QueryScheduler::kTooManyOutstanding) return {429, "too_many_requests"};
    // What the evaluation finds wrong with a query is not the request's form.
    const bool execution = error.kind == ErrorKind::invalid;
    return http::error_status(execution ? ErrorKind::limit : error.kind);
}

http::Response failure(const Error& error) {
    http::Response response = error_answer(failure_status(error), error.message);
    http::advise_retry(error.kind, response);
    return response;
}

}  // namespace mimir::query_frontend
