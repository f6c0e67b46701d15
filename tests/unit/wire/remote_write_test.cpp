#include "wire/remote_write.hpp"

#include "support/test_support.hpp"
#include "wire/labels.hpp"
#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

using model::WriteRequest;
using test::labels;

std::string field(std::uint32_t number, std::string_view bytes) {
    std::string out;
    ProtoWriter(out).bytes(number, bytes);
    return out;
}

std::string sample_message(double value, std::int64_t time) {
    std::string out;
    ProtoWriter writer(out);
    writer.float64(1, value);
    writer.int64(2, time);
    return out;
}

Result<WriteRequest> decode(std::string body) {
    WriteRequest request;
    request.body = std::move(body);
    MIMIR_TRY(decode_write_request(request));
    return request;
}

model::Histogram some_histogram() {
    return {
        .reset_hint = model::CounterResetHint::not_reset,
        .schema = -2,
        .zero_threshold = 0.001,
        .zero_count = 3,
        .count = 12,
        .sum = 18.5,
        .positive_spans = {{-1, 2}, {3, 1}},
        .negative_spans = {{0, 1}},
        .positive_deltas = {1, -1, 4},
        .negative_deltas = {2},
    };
}

TEST_SUITE_BEGIN("wire/remote_write");

TEST_CASE("what is encoded is decoded, labels unchanged and in place") {
    WriteRequest sent;
    sent.add(labels("up{job=\"a\"}"), {{1000}, 1.5});
    sent.add(labels("down{job=\"b\"}"), {{-5}, model::kStaleNan});
    sent.series[1].sample_count = 2;
    sent.samples.push_back({{2000}, 0});
    sent.exemplars.push_back({labels("{trace_id=\"x\"}"), 3.5, {1500}});
    sent.series[0].exemplar_count = 1;
    sent.histograms.push_back({{7000}, some_histogram()});
    sent.histograms.push_back({{8000}, model::to_float(some_histogram())});
    sent.series[0].histogram_count = 2;
    sent.metadata.push_back({"up", {model::MetricType::gauge, "Is it up?", "bool"}});
    std::string body;
    encode_write_request(sent, body);

    const auto got = decode(body);
    REQUIRE_OK(got);
    REQUIRE(got->series.size() == 2);
    CHECK(got->series[0].labels == labels("up{job=\"a\"}"));
    CHECK(got->series[0].hash == labels("up{job=\"a\"}").hash());
    CHECK_FALSE(got->series[0].canonical);
    CHECK(got->series[0].labels.bytes().data() > got->body.data());
    CHECK(got->samples_of(got->series[0]).front() == model::Sample{{1000}, 1.5});
    const auto second = got->samples_of(got->series[1]);
    REQUIRE(second.size() == 2);
    CHECK(model::is_stale(second[0].value));
    CHECK(second[0].time.ms == -5);
    CHECK(second[1] == model::Sample{{2000}, 0});
    CHECK(got->exemplars == sent.exemplars);
    CHECK(got->exemplars_of(got->series[0]).size() == 1);
    REQUIRE(got->histograms_of(got->series[0]).size() == 2);
    CHECK(got->histograms[0].time.ms == 7000);
    CHECK(std::get<model::Histogram>(got->histograms[0].histogram) == some_histogram());
    CHECK(
        std::get<model::FloatHistogram>(got->histograms[1].histogram) ==
        model::to_float(some_histogram())
    );
    REQUIRE(got->metadata.size() == 1);
    CHECK(got->metadata[0].metric == "up");
    CHECK(got->metadata[0].metadata == sent.metadata[0].metadata);
}

TEST_CASE("labels that are scattered over a series are gathered") {
    std::string series;
    model::append_label(series, {"__name__", "up"});
    series += field(2, sample_message(1, 10));
    model::append_label(series, {"job", "a"});
    series += field(2, sample_message(2, 20));
    const auto got = decode(field(1, series));
    REQUIRE_OK(got);
    CHECK(got->series[0].labels == labels("up{job=\"a\"}"));
    CHECK(got->series[0].hash == labels("up{job=\"a\"}").hash());
    CHECK(got->samples_of(got->series[0]).size() == 2);
}

TEST_CASE("unknown fields are skipped at every level") {
    std::string sample = sample_message(1, 10);
    ProtoWriter(sample).int64(9, 1);
    std::string series(labels("up").bytes());
    series += field(2, sample);
    ProtoWriter(series).float64(9, 1);
    std::string body = field(2, "source") + field(1, series) + field(1000, "x");
    const auto got = decode(body);
    REQUIRE_OK(got);
    REQUIRE(got->series.size() == 1);
    CHECK(got->samples[0] == model::Sample{{10}, 1});
}

TEST_CASE("fields of a sample may come in any order, and zero is left out") {
    using namespace std::literals;
    const auto got = decode(
        field(1, field(2, "\x10\x07"s)) + field(1, field(2, "\x10\x07\x09\0\0\0\0\0\0\xF0\x3F"s))
    );
    REQUIRE_OK(got);
    CHECK(got->samples[0] == model::Sample{{7}, 0});
    CHECK(got->samples[1] == model::Sample{{7}, 1});
}

TEST_CASE("malformed requests are invalid") {
    using namespace std::literals;
    const struct {
        const char* name;
        std::string body;
    } cases[] = {
        {"text", "hello, world"},
        {"truncated length", "\x0A"},
        {"length past the end", "\x0A\x05\x0A"},
        {"length of 2^63", "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"},
        {"varint of 11 bytes", "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"},
        {"label past the series", field(1, "\x0A\x09\x0A")},
        {"sample cut in the value", field(1, field(2, "\x09\x01\x02"))},
        {"sample cut in the time", field(1, field(2, "\x10\x80"))},
        {"value as a varint", field(1, field(2, "\x08\x01"))},
        {"time as a double", field(1, field(2, "\x11\0\0\0\0\0\0\0\0"s))},
        {"series as a varint", "\x08\x01"},
        {"group wire type", "\x0B"},
        {"field number 0", "\x02\x01\x01"},
        {"exemplar with bad labels", field(1, field(3, "\x0A\x02\x0A\x05"s))},
        {"histogram with a bad span", field(1, field(4, field(8, "\x0A\x00"s)))},
        {"metadata cut", "\x1A\x02\x12\x05"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        const auto got = decode(c.body);
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error().kind == ErrorKind::invalid);
    }
}

TEST_CASE("every cut of a good request is refused or holds fewer series") {
    WriteRequest sent;
    for (int i = 0; i < 3; ++i) sent.add(labels("up{job=\"a\"}"), {{1700000000000}, 1.5});
    std::string body;
    encode_write_request(sent, body);
    for (std::size_t size = 0; size < body.size(); ++size) {
        const auto got = decode(body.substr(0, size));
        if (got) CHECK(got->series.size() < 3);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::wire
