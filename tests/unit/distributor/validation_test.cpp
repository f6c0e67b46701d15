#include "components/distributor/validation.hpp"

#include "support/test_support.hpp"

namespace mimir::distributor {
namespace {

using model::Label;
using test::labels;

std::vector<Label> many_labels(
    std::size_t count, std::string_view metric, std::deque<std::string>& names
) {
    std::vector<Label> set{{model::kMetricName, metric}};
    while (set.size() < count)
        set.push_back({names.emplace_back(fmt::format("l{:03}", set.size())), "x"});
    return set;
}

TEST_SUITE_BEGIN("distributor/validation");

TEST_CASE("each rule for labels has its error, and the first broken rule counts") {
    config::Limits limits;
    limits.max_label_names_per_series = 3;
    limits.max_label_names_per_info_series = 4;
    limits.max_label_name_length = 8;
    limits.max_label_value_length = 11;
    std::deque<std::string> names;
    const struct {
        const char* name;
        std::vector<Label> labels;
        std::string_view id;  // empty: valid
        std::string_view text;
    } cases[] = {
        {"valid", {{"__name__", "up"}, {"job", "a"}}, "", ""},
        {"no labels", {}, "missing-metric-name", "received series has no metric name"},
        {"no name", {{"job", "a"}}, "missing-metric-name", "received series has no metric name"},
        {"bad name",
         {{"__name__", "0bad"}},
         "metric-name-invalid",
         "received a series with an invalid metric name: '0bad'"},
        {"bad name before count",
         {{"__name__", "a b"}, {"a", "1"}, {"b", "1"}, {"c", "1"}},
         "metric-name-invalid",
         "'a b'"},
        {"count",
         many_labels(4, "up", names),
         "max-label-names-per-series",
         "received a series whose number of labels exceeds the limit (actual: 4, limit: 3) series: "
         "'up{l001=\"x\", l002=\"x\", l003=\"x\"}'"},
        {"info", many_labels(4, "target_info", names), "", ""},
        {"info count",
         many_labels(5, "target_info", names),
         "max-label-names-per-info-series",
         "(actual: 5, limit: 4)"},
        {"bad label name",
         {{"__name__", "m"}, {"a-b", "1"}},
         "label-invalid",
         "received a series with an invalid label: 'a-b' series: 'm{\"a-b\"=\"1\"}'"},
        {"empty label name", {{"", "1"}, {"__name__", "m"}}, "label-invalid", "invalid label: ''"},
        {"long name",
         {{"__name__", "m"}, {"abcdefghi", "1"}},
         "label-name-too-long",
         "received a series whose label name length of 9 exceeds the limit of 8, label: 'abcdefghi'"
        },
        {"not UTF-8",
         {{"__name__", "m"}, {"a", "x\xFF"}},
         "label-value-invalid",
         "received a series with invalid value in label 'a': 'x?'"},
        {"long value",
         {{"__name__", "m"}, {"a", "123456789012"}},
         "label-value-too-long",
         "received a series whose label value length of 12 exceeds the limit of 11, label: 'a', "
         "value: "
         "'123456789012'"},
        {"long metric name",
         {{"__name__", "a23456789012"}},
         "label-value-too-long",
         "label: '__name__'"},
        {"duplicate",
         {{"__name__", "m"}, {"a", "1"}, {"a", "2"}},
         "duplicate-label-names",
         "received a series with duplicate label name, label: 'a'"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        const auto valid = validate_labels(c.labels, limits);
        CHECK(valid.has_value() == c.id.empty());
        if (valid) continue;
        CHECK(valid.error().kind == ErrorKind::invalid);
        CHECK(valid.error().id == c.id);
        CHECK_MESSAGE(
            valid.error().message.find(c.text) != std::string::npos, valid.error().message
        );
        CHECK(model::is_valid_utf8(valid.error().message));
    }
}

TEST_CASE("messages do not repeat a value of a megabyte") {
    const std::string value(1'000'000, 'v');
    const std::vector<Label> set{{"__name__", "m"}, {"a", value}};
    const auto valid = validate_labels(set, {});
    REQUIRE_FALSE(valid.has_value());
    CHECK(valid.error().message.size() < 1000);
}

TEST_CASE("an error is finished with its id, and with the setting that moves its limit") {
    CHECK(
        finish({ErrorKind::invalid, "missing-metric-name", "text"}).message ==
        "text (err-mimir-missing-metric-name)"
    );
    CHECK(
        finish({ErrorKind::invalid, "label-name-too-long", "text"}).message ==
        "text (err-mimir-label-name-too-long). To adjust the related per-tenant limit, configure "
        "-validation.max-length-label-name, or contact your service administrator."
    );
    CHECK(finish({ErrorKind::unavailable, "", "text"}).message == "text");
    CHECK(discard_reason("label-name-too-long") == "label_name_too_long");
}

TEST_CASE("samples may be within the grace periods") {
    config::Limits limits;
    const TimestampMs now{1'000'000'000};
    const auto in_window = [&](TimestampMs time) {
        return validate_time(time, TimeWindow::of(limits, now), labels("up"));
    };
    CHECK(in_window(now + std::chrono::minutes(10)).has_value());
    CHECK(in_window(now + std::chrono::minutes(11)).error().id == "too-far-in-future");
    CHECK(in_window({0}).has_value());
    limits.past_grace_period = std::chrono::minutes(1);
    CHECK(in_window(now - std::chrono::minutes(2)).error().id == "too-far-in-past");
}

TEST_CASE("exemplars need labels, a time, and at most 128 characters") {
    const auto series = labels("up");
    const auto check = [&](const model::Exemplar& exemplar) {
        return validate_exemplar(exemplar, series);
    };
    CHECK(check({labels("{trace_id=\"a\"}"), 1, {5}}).has_value());
    CHECK(check({{}, 1, {5}}).error().id == "exemplar-labels-missing");
    CHECK(check({labels("{trace_id=\"a\"}"), 1, {0}}).error().id == "exemplar-timestamp-invalid");
    std::string value;
    for (int i = 0; i < 120; ++i) value += "é";
    CHECK(check({model::Labels{{"trace_id", value}}, 1, {5}}).has_value());
    CHECK(
        check({model::Labels{{"trace_id", value + "x"}}, 1, {5}}).error().id ==
        "exemplar-labels-too-long"
    );
}

TEST_CASE("metadata is refused or cut") {
    config::Limits limits;
    limits.max_metadata_length = 5;
    model::MetricMetadata metadata{"up", {model::MetricType::gauge, "abcd\u00E9", "s"}};
    CHECK(validate_metadata(metadata, limits).has_value());
    CHECK(metadata.metadata.help == "abcd");
    metadata.metric = "";
    CHECK(validate_metadata(metadata, limits).error().id == "metadata-missing-metric-name");
    metadata.metric = "abcdef";
    CHECK(validate_metadata(metadata, limits).error().id == "metric-name-too-long");
    metadata.metric = "up";
    metadata.metadata.unit = "seconds";
    CHECK(validate_metadata(metadata, limits).error().id == "unit-too-long");
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::distributor
