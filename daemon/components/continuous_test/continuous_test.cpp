#include "components/continuous_test/continuous_test.hpp"

#include <string>

#include "base/rfc3339.hpp"

namespace mimir::continuous_test {

Result<std::unique_ptr<ContinuousTest>> ContinuousTest::create(
    const Options& options, const Environment& environment
) {
    MIMIR_TRY(
        auto store,
        wave::Store::open({
            .write_endpoint = options.write_endpoint,
            .read_endpoint = options.read_endpoint,
            .tenant = options.tenant_id,
            .basic_auth_user = options.basic_auth_user,
            .basic_auth_password = options.basic_auth_password,
            .bearer_token = options.bearer_token,
            .write_timeout = options.write_timeout,
            .read_timeout = options.read_timeout,
        })
    );
    return std::unique_ptr<ContinuousTest>(
        new ContinuousTest(options, environment, std::move(store))
    );
}

ContinuousTest::ContinuousTest(
    const Options& options, const Environment& environment, std::unique_ptr<wave::Store> store
)
    : environment_(environment),
      store_(std::move(store)),
      tester_(
          {.series = options.num_series,
           .batch_series = options.write_batch_size,
           .query_age_max = options.max_query_age},
          *store_,
          random_
      ) {
    count({});
}

Result<void> ContinuousTest::run_once(const CancellationToken& token) {
    const wave::RunReport report = tester_.run(environment_.clock.now(), token);
    count(report);
    log(report);
    if (report.passed()) return {};
    std::uint64_t writes_failed = 0;
    for (const auto& [status, failed] : report.writes_failed) writes_failed += failed;
    return fail(
        ErrorKind::internal,
        "of {} writes {} failed, of {} queries {}, of {} checks {}",
        report.writes,
        writes_failed,
        report.queries,
        report.queries_failed,
        report.checks,
        report.checks_failed
    );
}

void ContinuousTest::count(const wave::RunReport& report) const {
    const Metrics& metrics = environment_.metrics;
    metrics.writes.with({kTestName})->add(report.writes);
    for (const auto& [status, failed] : report.writes_failed) {
        metrics.writes_failed.with({std::to_string(status), kTestName})->add(failed);
    }
    metrics.queries.with({kTestName})->add(report.queries);
    metrics.queries_failed.with({kTestName})->add(report.queries_failed);
    metrics.checks.with({kTestName})->add(report.checks);
    metrics.checks_failed.with({kTestName})->add(report.checks_failed);
}

void ContinuousTest::log(const wave::RunReport& report) const {
    for (const wave::Finding& finding : report.findings) {
        environment_.log.warn(
            "the store is not as it should be",
            {{"test", kTestName},
             {"kind", wave::to_string(finding.kind)},
             {"what", finding.what},
             {"expected", finding.expected},
             {"found", finding.found}}
        );
    }
    environment_.log.info(
        "run done",
        {{"test", kTestName},
         {"passed", report.passed()},
         {"writes", report.writes},
         {"queries", report.queries},
         {"checks", report.checks},
         {"checks_failed", report.checks_failed},
         {"since", report.written ? format_rfc3339(report.written->min) : std::string("-")}}
    );
}

}  // namespace mimir::continuous_test
