#include "rpc/detail/query_request.hpp"

#include "promql/printer.hpp"
#include "wire/proto.hpp"

namespace mimir::rpc::detail {
namespace {

namespace query_field {
constexpr std::uint32_t kText = 1, kStart = 2, kEnd = 3, kStep = 4, kLookback = 5, kSamplesMax = 6;
constexpr std::uint32_t kExpression = 7;
}  // namespace query_field

bool stands_for(std::string_view text, std::string_view printed) {
    if (text == printed) return true;
    const auto parsed = promql::parse_expr(text, promql::ParserOptions::everything());
    return parsed && promql::to_string(**parsed) == printed;
}

}  // namespace

void encode_query_request(const promql::Query& query, const promql::Expr& expr, std::string& out) {
    wire::ProtoWriter writer(out);
    writer.bytes(query_field::kText, query.text);
    writer.sint64(query_field::kStart, query.start.ms);
    writer.sint64(query_field::kEnd, query.end.ms);
    if (!query.is_instant()) writer.sint64(query_field::kStep, query.step.count());
    if (query.lookback) writer.sint64(query_field::kLookback, query.lookback->count());
    if (query.samples_max) writer.uint64(query_field::kSamplesMax, *query.samples_max);
    const std::string printed = promql::to_string(expr);
    if (!stands_for(query.text, printed)) writer.bytes(query_field::kExpression, printed);
}

Result<QueryRequest> decode_query_request(
    std::string_view message, const promql::ParserOptions& options
) {
    QueryRequest request;
    promql::Query& query = request.query;
    std::optional<std::string_view> expression;
    wire::ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case query_field::kText: query.text = reader.bytes(); break;
            case query_field::kStart: query.start.ms = reader.sint64(); break;
            case query_field::kEnd: query.end.ms = reader.sint64(); break;
            case query_field::kStep: query.step = std::chrono::milliseconds(reader.sint64()); break;
            case query_field::kLookback: query.lookback.emplace(reader.sint64()); break;
            case query_field::kSamplesMax: query.samples_max = reader.uint64(); break;
            case query_field::kExpression: expression = reader.bytes(); break;
            default: break;
        }
    }
    if (!reader.ok()) return fail(ErrorKind::invalid, "malformed query request");
    if (query.step.count() < 0) return fail(ErrorKind::invalid, "the step of a query is negative");
    if (expression) query.text = *expression;
    MIMIR_TRY(request.expr, promql::parse_expr(query.text, options));
    return request;
}

}  // namespace mimir::rpc::detail
