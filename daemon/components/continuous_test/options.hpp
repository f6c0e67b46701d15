#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/declarer.hpp"
#include "config/findings.hpp"

namespace mimir::continuous_test {

struct Options {
    /// Empty: this process' own public API. The same for reads.
    std::string write_endpoint;
    std::string read_endpoint;
    std::string tenant_id = "anonymous";
    std::string basic_auth_user;
    std::string basic_auth_password;
    std::string bearer_token;
    std::chrono::milliseconds write_timeout = std::chrono::seconds(5);
    std::chrono::milliseconds read_timeout = std::chrono::seconds(60);
    std::size_t write_batch_size = 1000;

    std::chrono::milliseconds run_interval = std::chrono::minutes(5);
    bool smoke_test = false;

    /// A tenth of Mimir's: catching up after the longest pause (150 times, 150,000 samples) stays within the burst that a
    /// tenant is allowed unless its limits say otherwise.
    std::size_t num_series = 1000;
    /// Less than the 13 hours that ingesters keep their data.
    std::chrono::milliseconds max_query_age = std::chrono::hours(12);
};

void declare(config::Declarer& d, Options& options);
void validate(const Options& options, config::Findings& findings);

}  // namespace mimir::continuous_test
