#include "components/continuous_test/options.hpp"

#include "wave/store.hpp"

namespace mimir::continuous_test {
namespace {

using config::Category;
using namespace std::chrono_literals;

void declare_endpoints(config::Declarer& d, Options& o) {
    d.option(
        o.write_endpoint,
        {
            .key = "tests.write_endpoint",
            .help = "Where to write: a URL to which /api/v1/push is appended. This process' own "
                    "public API unless set.",
        }
    );
    d.option(
        o.read_endpoint,
        {
            .key = "tests.read_endpoint",
            .help = "Where to read: a URL to which /api/v1/query_range is appended, such as "
                    "http://HOST:8080/prometheus. This process' own public API unless set.",
        }
    );
    d.option(
        o.tenant_id,
        {
            .key = "tests.tenant_id",
            .help = "Tenant to write and read as. Empty to name none.",
        }
    );
    d.option(
        o.basic_auth_user,
        {
            .key = "tests.basic_auth_user",
            .help = "User for HTTP basic authentication. Empty for none.",
        }
    );
    d.option(
        o.basic_auth_password,
        {
            .key = "tests.basic_auth_password",
            .help = "Password of that user.",
            .secret = true,
        }
    );
    d.option(
        o.bearer_token,
        {
            .key = "tests.bearer_token",
            .help = "Token for HTTP bearer authentication. Empty for none.",
            .secret = true,
        }
    );
    d.option(
        o.write_timeout,
        {
            .key = "tests.write_timeout",
            .help = "Time-out of one push.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.read_timeout,
        {
            .key = "tests.read_timeout",
            .help = "Time-out of one query.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.write_batch_size,
        {
            .key = "tests.write_batch_size",
            .help = "Most series in one push.",
            .category = Category::advanced,
            .min = 1,
        }
    );
}

}  // namespace

void declare(config::Declarer& d, Options& o) {
    declare_endpoints(d, o);
    d.option(
        o.run_interval,
        {
            .key = "tests.run_interval",
            .help = "How often to write what is due and to check what is there.",
            .min = 1000ms,
        }
    );
    d.option(
        o.smoke_test,
        {
            .key = "tests.smoke_test",
            .help = "Run once and end. With the target continuous-test the process ends too, with "
                    "a status that says whether the test passed.",
        }
    );
    d.option(
        o.num_series,
        {
            .key = "tests.write_read_series_test.num_series",
            .help = "Series to write, each with a sample every 20 seconds.",
            .min = 1,
            .max = 1'000'000,
        }
    );
    d.option(
        o.max_query_age,
        {
            .key = "tests.write_read_series_test.max_query_age",
            .help = "Older samples are not asked for. Should be less than what the store keeps.",
            .min = 0ms,
        }
    );
}

void validate(const Options& options, config::Findings& findings) {
    const auto check = [&](std::string key, const std::string& url) {
        if (url.empty()) return;
        if (auto checked = wave::check_endpoint(url); !checked) {
            findings.add(std::move(key), checked.error().message);
        }
    };
    check("tests.write_endpoint", options.write_endpoint);
    check("tests.read_endpoint", options.read_endpoint);
    if (!options.bearer_token.empty() && !options.basic_auth_user.empty()) {
        findings.add("tests.bearer_token", "there is tests.basic_auth_user already: set one");
    }
}

}  // namespace mimir::continuous_test
