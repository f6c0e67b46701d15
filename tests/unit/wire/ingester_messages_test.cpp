#include "wire/ingester_messages.hpp"

#include "support/test_support.hpp"
#include "wire/internal.hpp"

namespace mimir::wire {
namespace {

using test::labels;

TEST_SUITE_BEGIN("wire/ingester_messages");

TEST_CASE("a question reads back as it was asked") {
    const auto regex = model::Matcher::create(model::MatchType::not_regex, "job", "a|b.*");
    REQUIRE_OK(regex);
    const SelectionRequest asked{
        .selectors = {{model::Matcher::equal("__name__", "up"), *regex}, {}},
        .range = {TimestampMs::min(), TimestampMs::max()},
        .label = "job",
        .limit = 1'000'000'000'000
    };
    std::string bytes;
    encode_selection_request(asked, bytes);
    const auto read = decode_selection_request(bytes);
    REQUIRE_OK(read);
    CHECK((read->selectors == asked.selectors));
    CHECK(read->range == asked.range);
    CHECK(read->label == asked.label);
    CHECK(read->limit == asked.limit);
    CHECK_FALSE(read->projection.has_value());
    CHECK_FALSE(read->any_order);
}

TEST_CASE("a question for some labels, or for none, is told from one for all") {
    for (const auto& names : {std::vector<std::string>(), {"__name__", "job"}}) {
        std::string bytes;
        encode_selection_request(
            {.selectors = {}, .range = {}, .projection = names, .any_order = true}, bytes
        );
        const auto read = decode_selection_request(bytes);
        REQUIRE_OK(read);
        CHECK(read->projection == names);
        CHECK(read->any_order);
    }
}

TEST_CASE("a bad regular expression is the asker's mistake") {
    // selectors { matchers { type: RE name: "a" value: "(" } }
    const std::string bytes =
        "\x0a\x0a\x0a\x08\x08\x02\x12\x01"
        "a\x1a\x01(";
    const auto read = decode_selection_request(bytes);
    REQUIRE(!read);
    CHECK(read.error().kind == ErrorKind::invalid);
}

TEST_CASE("label sets of an answer must be canonical") {
    std::string bytes;
    const std::vector<model::Labels> sets{labels("a"), labels("{}"), labels("b{c=\"d\"}")};
    encode_label_sets(sets, bytes);
    const auto read = decode_label_sets(bytes);
    REQUIRE_OK(read);
    CHECK(*read == sets);
    bytes += std::string("\x0a\x02\x0a\x00", 4);  // a set with a label without name and value
    const auto malformed = decode_label_sets(bytes);
    REQUIRE(!malformed);
    CHECK(malformed.error().kind == ErrorKind::corrupt);
}

TEST_CASE("a frame of a selection points into its bytes") {
    std::string bytes;
    append_series_count(2, SelectionOrder::by_id, bytes);
    append_series_ids("0123456789abcdef", bytes);
    append_series_labels(labels("a"), bytes);
    const SelectionFrame::Chunk chunk{
        .series = 1'000'000,
        .chunk = {.range = {{-5}, TimestampMs::max()}, .encoding = 2, .data = "some bytes"}
    };
    append_series_chunk(chunk, bytes);
    append_series_chunk({}, bytes);
    SelectionFrame frame;
    REQUIRE_OK(decode_selection_frame(bytes, frame));
    CHECK(frame.series_count == 2U);
    CHECK(frame.order == SelectionOrder::by_id);
    CHECK(frame.ids == "0123456789abcdef");
    REQUIRE(frame.labels.size() == 1);
    CHECK(frame.labels.front() == labels("a").bytes());
    REQUIRE(frame.chunks.size() == 2);
    CHECK(frame.chunks[0].series == chunk.series);
    CHECK(frame.chunks[0].chunk.range == chunk.chunk.range);
    CHECK(frame.chunks[0].chunk.encoding == 2);
    CHECK(frame.chunks[0].chunk.data == "some bytes");
    CHECK(frame.chunks[1].chunk.data.empty());
    bytes.pop_back();
    const auto cut = decode_selection_frame(bytes, frame);
    REQUIRE(!cut);
    CHECK(cut.error().kind == ErrorKind::corrupt);
}

TEST_CASE("an error keeps its kind by number, and a kind that is unknown is internal") {
    std::string bytes;
    encode_error({ErrorKind::conflict, "some-id", "text"}, bytes);
    const auto read = decode_error(bytes);
    REQUIRE_OK(read);
    CHECK(read->kind == ErrorKind::conflict);
    CHECK(read->id == "some-id");
    CHECK(read->text == "text");
    const auto unknown = decode_error("\x08\x7f");
    REQUIRE_OK(unknown);
    CHECK(unknown->kind == ErrorKind::internal);
}

TEST_CASE("hello reads back") {
    const Hello hello{1, 2, "cluster", "instance", "1.2.3"};
    std::string bytes;
    encode_hello(hello, bytes);
    CHECK(decode_hello(bytes) == hello);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::wire
