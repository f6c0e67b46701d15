#pragma once

// The envelope of Prometheus' HTTP API.

#include <chrono>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "http/error_status.hpp"
#include "http/message.hpp"
#include "promql/engine.hpp"

namespace mimir::query_frontend {

/// {"status":"success","data":<data>,...}; `data` is JSON.
std::string success(std::string_view data, const promql::Annotations& annotations = {});

struct QueryAnswer {
    const promql::QueryResult& result;
    std::size_t limit = 0;  ///< Of series; 0: none.
    bool with_statistics = false;
    std::chrono::nanoseconds took{0};
};
std::string success(const QueryAnswer& answer);

/// What is wrong with a request: bad_data.
http::Response bad_request(const Error& error);
/// What went wrong while a request was worked on. Its status: that of the error's kind, but 422 for
/// what the evaluation finds wrong, and 429 for too many queries that wait.
http::ErrorStatus failure_status(const Error& error);
http::Response failure(const Error& error);

}  // namespace mimir::query_frontend
