#pragma once

#include <string>
#include <string_view>

#include "promql/engine.hpp"

namespace mimir::rpc::detail {

/// What QueryRunner::query() is given.
struct QueryRequest {
    promql::Query query;
    promql::ExprPtr expr;
};

/// The expression crosses as text: as query.text when that is what it was parsed from, else, when it was rewritten,
/// as it is printed.
void encode_query_request(const promql::Query& query, const promql::Expr& expr, std::string& out);
/// Parses the expression. One that was rewritten is query.text from then on: its positions are those in there.
/// Errors: invalid, for malformed bytes, and for what the options do not allow.
Result<QueryRequest> decode_query_request(
    std::string_view message, const promql::ParserOptions& options
);

}  // namespace mimir::rpc::detail
