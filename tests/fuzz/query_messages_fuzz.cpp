// What a querier of another process is asked, and what it answers: the first byte says which. What can be read is
// written again, and reads back the same.

#include "base/assert.hpp"
#include "rpc/detail/list_answer.hpp"
#include "rpc/detail/query_request.hpp"
#include "rpc/detail/query_result_reader.hpp"
#include "rpc/detail/query_result_writer.hpp"
#include "wire/ingester_messages.hpp"

using namespace mimir;
using namespace mimir::rpc::detail;

namespace {

using Frames = std::vector<std::string>;

template <class Writer>
Frames written(Writer writer) {
    Frames frames;
    std::string frame;
    for (writer.next(frame); !frame.empty(); writer.next(frame)) frames.push_back(frame);
    return frames;
}

template <class Reader>
Result<typename Reader::Answer> read(Reader reader, const Frames& frames) {
    for (const std::string& frame : frames) MIMIR_TRY(reader.add(frame));
    return reader.finish();
}

template <class Reader, class WriterOf>
void check(std::string_view bytes, const Reader& reader, WriterOf writer_of) {
    const auto answer = read(reader, {std::string(bytes)});
    if (!answer) return;
    const Frames once = written(writer_of(*answer));
    const auto again = read(reader, once);
    MIMIR_ASSERT(again, "what was written can be read");
    MIMIR_ASSERT(written(writer_of(*again)) == once, "nothing is lost on the way");
}

void check_request(std::string_view bytes) {
    const auto options = promql::ParserOptions::everything();
    const auto request = decode_query_request(bytes, options);
    if (!request) return;
    std::string once;
    encode_query_request(request->query, *request->expr, once);
    const auto again = decode_query_request(once, options);
    MIMIR_ASSERT(again, "what was written can be read");
    std::string twice;
    encode_query_request(again->query, *again->expr, twice);
    MIMIR_ASSERT(once == twice, "nothing is lost on the way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0: check_request(bytes); break;
        case 1:
            check(
                bytes,
                SelectionReader<std::string>(wire::decode_strings),
                [](const rpc::Selection<std::string>& selection) {
                    return ListWriter<std::string>(
                        selection.found, wire::encode_strings, selection.truncated
                    );
                }
            );
            break;
        default:
            check(bytes, QueryResultReader(), [](const promql::QueryResult& result) {
                return QueryResultWriter(result);
            });
            break;
    }
    return 0;
}
