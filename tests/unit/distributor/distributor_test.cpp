#include "components/distributor/distributor.hpp"

#include "encoding/compression.hpp"
#include "rpc/local_ingester.hpp"
#include "support/test_support.hpp"
#include "unit/distributor/cluster.hpp"
#include "wire/remote_write.hpp"

namespace mimir::distributor {
namespace {

using mimir::test::labels;
using model::WriteRequest;

constexpr TimestampMs kNow{1'700'000'000'000};

/// Remembers what was pushed.
class FakeIngester {
  public:
    Result<void> push(const rpc::RequestContext& context, const WriteRequest& request) {
        tenant = context.tenant->str();
        for (const auto& series : request.series) {
            CHECK(series.canonical);
            CHECK(series.hash == series.labels.hash());
            pushed.push_back(series.labels.to_string());
            for (const auto& sample : request.samples_of(series)) samples.push_back(sample);
        }
        metadata_count += request.metadata.size();
        for (const auto& series : request.series) exemplar_count += series.exemplar_count;
        return answer;
    }
    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const rpc::RequestContext&, const model::Matchers&, TimeRange
    ) {
        return nullptr;
    }
    Result<std::vector<model::Labels>> series(
        const rpc::RequestContext&, std::span<const model::Matchers>, TimeRange
    ) {
        return {};
    }
    Result<std::vector<std::string>> label_names(
        const rpc::RequestContext&, const model::Matchers&, TimeRange
    ) {
        return {};
    }
    Result<std::vector<std::string>> label_values(
        const rpc::RequestContext&, std::string_view, const model::Matchers&, TimeRange
    ) {
        return {};
    }
    Result<std::vector<model::SeriesExemplars>> exemplars(
        const rpc::RequestContext&, std::span<const model::Matchers>, TimeRange
    ) {
        return {};
    }
    Result<std::vector<model::MetricMetadata>>
    metadata(const rpc::RequestContext&, const rpc::MetadataQuery&) {
        return {};
    }

    std::string tenant;
    std::vector<std::string> pushed;
    std::vector<model::Sample> samples;
    std::size_t metadata_count = 0;
    std::size_t exemplar_count = 0;
    Result<void> answer;
};

/// Finds one ingester, which is of this process.
class OneIngester final : public rpc::IngesterDirectory {
  public:
    explicit OneIngester(rpc::IngesterClient& ingester) : ingester_(ingester) {}
    std::shared_ptr<rpc::IngesterClient> of(const ring::Instance&) override { return local(); }
    std::shared_ptr<rpc::IngesterClient> local() override {
        return {std::shared_ptr<void>(), running ? &ingester_ : nullptr};
    }
    [[nodiscard]] bool is_local(const ring::Instance&) const override { return true; }

    bool running = true;

  private:
    rpc::IngesterClient& ingester_;
};

struct Fixture {
    Fixture() { view->add("one"); }

    Result<void> push_body(std::string_view body) {
        return rpc::wait_for<void>([&](rpc::Done<void> done) {
            distributor.push_remote_write(context, body, std::move(done));
        });
    }
    Result<void> push(WriteRequest& request) {
        return rpc::wait_for<void>([&](rpc::Done<void> done) {
            distributor.push(context, {std::shared_ptr<void>(), &request}, std::move(done));
        });
    }
    Result<void> push(model::Labels series, model::Sample sample = {kNow, 1}) {
        WriteRequest request;
        request.add(std::move(series), sample);
        return push(request);
    }
    /// The value of a metric's line, "" when it is not exposed.
    std::string metric(std::string_view line) const {
        const std::string text = telemetry::expose(registry.collect());
        const std::size_t at = text.find(fmt::format("\n{} ", line));
        if (at == std::string::npos) return "";
        const std::size_t begin = at + line.size() + 2;
        return text.substr(begin, text.find('\n', begin) - begin);
    }

    config::LimitsProvider limits{config::Limits{.max_global_exemplars_per_user = 10}};
    mimir::test::ManualClock clock{kNow};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    FakeIngester ingester;
    rpc::LocalIngester<FakeIngester> client{ingester};
    OneIngester directory{client};
    std::shared_ptr<test::TestView> view =
        std::make_shared<test::TestView>(ring::RingOptions{.replication_factor = 1});
    Options options{.max_recv_msg_size = 10'000};
    Distributor distributor{
        options,
        {limits,
         [this](std::string_view, std::size_t) { return view; },
         directory,
         metrics,
         {},
         nullptr,
         clock}
    };
    rpc::RequestContext context{.tenant = *model::TenantId::parse("a")};
};

std::string snappy(const WriteRequest& request) {
    std::string body;
    wire::encode_write_request(request, body);
    std::string compressed;
    encoding::snappy_compress(body, compressed);
    return compressed;
}

TEST_SUITE_BEGIN("distributor");

TEST_CASE("a valid request is passed on and counted") {
    Fixture f;
    WriteRequest request;
    request.add(labels("up{job=\"a\"}"), {kNow, 1});
    request.add(labels("down{job=\"a\"}"), {kNow, 2});
    request.metadata.push_back({"up", {}});
    for (int i = 0; i < 2; ++i) REQUIRE_OK(f.push_body(snappy(request)));
    CHECK(f.ingester.tenant == "a");
    CHECK(
        f.ingester.pushed ==
        std::vector<std::string>{
            "up{job=\"a\"}", "down{job=\"a\"}", "up{job=\"a\"}", "down{job=\"a\"}"
        }
    );
    CHECK(f.ingester.samples.back() == model::Sample{kNow, 2});
    CHECK(f.ingester.metadata_count == 2);
    CHECK(f.metric("cortex_distributor_received_samples_total{user=\"a\"}") == "4");
    CHECK(f.metric("cortex_distributor_received_metadata_total{user=\"a\"}") == "2");
    CHECK(f.metric("cortex_distributor_requests_in_total{user=\"a\",version=\"1.0\"}") == "2");
    CHECK(f.metric("cortex_distributor_inflight_push_requests") == "0");
}

TEST_CASE("labels that are not canonical are put in order") {
    Fixture f;
    std::string fields;
    for (const model::Label label : {model::Label{"z", "1"}, {"empty", ""}, {"__name__", "m"}}) {
        model::append_label(fields, label);
    }
    WriteRequest request;
    const auto view = model::LabelsView::from_canonical(fields);
    request.series.push_back({.labels = view, .hash = view.hash(), .sample_count = 1});
    request.samples.push_back({kNow, 1});
    REQUIRE_OK(f.push(request));
    CHECK(f.ingester.pushed == std::vector<std::string>{"m{z=\"1\"}"});
}

TEST_CASE("the good series of a request are kept, and the first error is returned") {
    Fixture f;
    WriteRequest request;
    request.add(labels("good{n=\"1\"}"), {kNow, 1});
    request.add(labels("bad{a-b=\"1\"}"), {kNow, 1});
    request.add(labels("late"), {kNow + std::chrono::hours(1), 1});
    request.add(labels("good{n=\"2\"}"), {kNow, 2});
    const auto pushed = f.push(request);
    REQUIRE_FALSE(pushed.has_value());
    CHECK(pushed.error().id == "label-invalid");
    CHECK(pushed.error().message.ends_with("(err-mimir-label-invalid)"));
    CHECK(f.ingester.pushed == std::vector<std::string>{"good{n=\"1\"}", "good{n=\"2\"}"});
    CHECK(
        f.metric("cortex_discarded_samples_total{reason=\"label_invalid\",user=\"a\",group=\"\"}"
        ) == "1"
    );
    CHECK(
        f.metric(
            "cortex_discarded_samples_total{reason=\"too_far_in_future\",user=\"a\",group=\"\"}"
        ) == "1"
    );
}

TEST_CASE("an error of the ingester comes before one of the validation") {
    Fixture f;
    f.ingester.answer = fail_with_id(ErrorKind::invalid, "sample-out-of-order", "too old");
    WriteRequest request;
    request.add(labels("bad{a-b=\"1\"}"), {kNow, 1});
    request.add(labels("good"), {kNow, 1});
    CHECK(f.push(request).error().message == "too old (err-mimir-sample-out-of-order)");
}

TEST_CASE("when nothing valid is left the ingester is not asked") {
    Fixture f;
    f.directory.running = false;
    CHECK(f.push(labels("bad{a-b=\"1\"}")).error().id == "label-invalid");
    CHECK(f.push(labels("good")).error().kind == ErrorKind::unavailable);
}

TEST_CASE("samples that repeat a time within a series are dropped silently") {
    Fixture f;
    WriteRequest request;
    request.add(labels("up"), {kNow, 1});
    request.samples.push_back({kNow - std::chrono::seconds(1), 2});
    request.samples.push_back({kNow, 3});
    request.samples.push_back({kNow - std::chrono::seconds(1), 4});
    request.series[0].sample_count = 4;
    REQUIRE_OK(f.push(request));
    CHECK(
        f.ingester.samples ==
        std::vector<model::Sample>{{kNow, 1}, {kNow - std::chrono::seconds(1), 2}}
    );
    CHECK(
        f.metric("cortex_discarded_samples_total{reason=\"sample_duplicate_timestamp\",user=\"a\","
                 "group=\"\"}") == "2"
    );
}

TEST_CASE("a series is checked again when limits change") {
    Fixture f;
    REQUIRE_OK(f.push(labels("up{job=\"a\"}")));
    config::Limits strict = *f.limits.defaults();
    strict.max_label_names_per_series = 1;
    f.limits.replace_overrides({{"a", std::make_shared<const config::Limits>(strict)}});
    CHECK(f.push(labels("up{job=\"a\"}")).error().id == "max-label-names-per-series");
    f.limits.replace_overrides({});
    REQUIRE_OK(f.push(labels("up{job=\"a\"}")));
}

TEST_CASE("a tenant over its rate is refused as a whole") {
    Fixture f;
    f.limits.replace_overrides(
        {{"a",
          std::make_shared<const config::Limits>(
              config::Limits{.ingestion_rate = 1, .ingestion_burst_size = 2}
          )}}
    );
    REQUIRE_OK(f.push(labels("up")));
    WriteRequest request;
    for (int i = 0; i < 2; ++i) request.add(labels("up"), {kNow, 1});
    const auto pushed = f.push(request);
    REQUIRE_FALSE(pushed.has_value());
    CHECK(pushed.error().id == Distributor::kRateLimited);
    CHECK(
        pushed.error().message ==
        "the request has been rejected because the tenant exceeded the ingestion rate limit, set "
        "to 1 items/s with "
        "a maximum allowed burst of 2. This limit is applied on the total number of samples, "
        "exemplars and metadata "
        "received across all distributors (err-mimir-tenant-max-ingestion-rate). To adjust the "
        "related per-tenant "
        "limits, configure -distributor.ingestion-rate-limit and "
        "-distributor.ingestion-burst-size, or contact "
        "your service administrator."
    );
    CHECK(
        f.metric("cortex_discarded_samples_total{reason=\"rate_limited\",user=\"a\",group=\"\"}") ==
        "2"
    );
    f.clock.advance(std::chrono::seconds(1));
    REQUIRE_OK(f.push(labels("up")));
}

TEST_CASE("bodies that are torn, malformed or too large are refused") {
    Fixture f;
    using namespace std::literals;
    std::string large;
    encoding::snappy_compress(std::string(10'001, 'x'), large);
    const struct {
        const char* name;
        std::string body;
        ErrorKind kind;
        std::string_view id;
    } cases[] = {
        {"empty", "", ErrorKind::invalid, ""},
        {"text", "not snappy at all", ErrorKind::invalid, ""},
        {"says it is long",
         "\xff\xff\xff\xff\x0f\x00"s,
         ErrorKind::limit,
         Distributor::kMessageTooLarge},
        {"too large", large, ErrorKind::limit, Distributor::kMessageTooLarge},
        {"not a request", "\x03\x08hi!", ErrorKind::invalid, ""},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        const auto pushed = f.push_body(c.body);
        REQUIRE_FALSE(pushed.has_value());
        CHECK(pushed.error().kind == c.kind);
        CHECK(pushed.error().id == c.id);
    }
}

TEST_CASE("exemplars and metadata are checked one by one") {
    Fixture f;
    WriteRequest request;
    request.add(labels("up"), {kNow, 1});
    request.exemplars.push_back({{}, 1, kNow});
    request.exemplars.push_back({labels("{trace_id=\"old\"}"), 1, kNow - std::chrono::hours(1)});
    request.exemplars.push_back({labels("{trace_id=\"good\"}"), 1, kNow});
    request.series[0].exemplar_count = 3;
    request.metadata.push_back({"", {}});
    request.metadata.push_back({"up", {}});
    CHECK(f.push(request).error().id == "exemplar-labels-missing");
    CHECK(f.ingester.exemplar_count == 1);
    CHECK(request.exemplars[0].labels == labels("{trace_id=\"good\"}"));
    CHECK(f.ingester.metadata_count == 1);
    CHECK(
        f.metric("cortex_discarded_exemplars_total{reason=\"exemplar_too_old\",user=\"a\"}") == "1"
    );
    CHECK(
        f.metric(
            "cortex_discarded_metadata_total{reason=\"metadata_missing_metric_name\",user=\"a\"}"
        ) == "1"
    );
}

TEST_CASE("histograms that do not add up are refused") {
    const struct {
        const char* name;
        model::Histogram histogram;
        std::string_view id;
    } cases[] = {
        {"valid",
         {.zero_count = 1, .count = 3, .positive_spans = {{0, 2}}, .positive_deltas = {1, 0}},
         ""},
        {"schema", {.schema = 9}, "invalid-native-histogram-schema"},
        {"spans",
         {.count = 1, .positive_spans = {{0, 2}}, .positive_deltas = {1}},
         "native-histogram-spans-buckets-mismatch"},
        {"huge span",
         {.count = 1, .positive_spans = {{0, 1000}}, .positive_deltas = {1}},
         "native-histogram-spans-buckets-mismatch"},
        {"offset",
         {.count = 2, .positive_spans = {{0, 1}, {-1, 1}}, .positive_deltas = {1, 0}},
         "native-histogram-span-negative-offset"},
        {"negative",
         {.count = 1, .positive_spans = {{0, 1}}, .positive_deltas = {-1}},
         "native-histogram-negative-bucket-count"},
        {"count",
         {.count = 2, .positive_spans = {{0, 1}}, .positive_deltas = {1}},
         "native-histogram-count-mismatch"},
        {"bounds",
         {.schema = model::kCustomBucketsSchema,
          .count = 1,
          .positive_spans = {{0, 1}},
          .positive_deltas = {1},
          .custom_bounds = {2, 1}},
         "native-histogram-custom-buckets-invalid"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        Fixture f;
        WriteRequest request;
        request.add(labels("h"), {kNow, 1});
        request.samples.clear();
        request.histograms.push_back({kNow, c.histogram});
        request.series[0].sample_count = 0;
        request.series[0].histogram_count = 1;
        const auto pushed = f.push(request);
        CHECK(pushed.has_value() == c.id.empty());
        if (!pushed) CHECK(pushed.error().id == c.id);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::distributor
