#pragma once

// The envelope of Prometheus' HTTP API.

#include <chrono>
#include <string>
#include <vector>

#include "base/error.hpp"
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
/// What went wrong while a request was worked on.
http::Response failure(const Error& error);

}  // namespace mimir::query_frontend
