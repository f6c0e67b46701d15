#include "wire/remote_read.hpp"

#include "encoding/crc32c.hpp"
#include "wire/matchers.hpp"
#include "wire/proto.hpp"
#include "wire/remote_write.hpp"

namespace mimir::wire {
namespace {

namespace request_field {
constexpr std::uint32_t kQueries = 1, kAcceptedResponseTypes = 2;
}
namespace query_field {
constexpr std::uint32_t kStart = 1, kEnd = 2, kMatchers = 3;
}
constexpr std::uint32_t kResultsField = 1;
constexpr std::uint32_t kTimeSeriesField = 1;
namespace chunked_field {
constexpr std::uint32_t kSeries = 1, kQueryIndex = 2, kChunks = 2;
}
namespace chunk_field {
constexpr std::uint32_t kMinTime = 1, kMaxTime = 2, kType = 3, kData = 4;
}

tl::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorKind::invalid, "malformed {} in the read request", what);
}

Result<ReadQuery> decode_query(std::string_view message) {
    ReadQuery query;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case query_field::kStart: query.range.min.ms = reader.int64(); break;
            case query_field::kEnd: query.range.max.ms = reader.int64(); break;
            case query_field::kMatchers: {
                MIMIR_TRY(auto matcher, decode_matcher(reader.bytes()));
                query.matchers.push_back(std::move(matcher));
                break;
            }
            default: break;
        }
    }
    if (!reader.ok()) return malformed("query");
    return query;
}

void encode_query(const ReadQuery& query, std::string& out) {
    ProtoWriter writer(out);
    writer.int64(query_field::kStart, query.range.min.ms);
    writer.int64(query_field::kEnd, query.range.max.ms);
    for (const model::Matcher& matcher : query.matchers) {
        std::string message;
        encode_matcher(matcher, message);
        writer.bytes(query_field::kMatchers, message);
    }
}

}  // namespace

Result<ReadRequest> decode_read_request(std::string_view body) {
    ReadRequest request;
    ProtoReader reader(body);
    while (reader.next()) {
        switch (reader.field()) {
            case request_field::kQueries: {
                MIMIR_TRY(auto query, decode_query(reader.bytes()));
                request.queries.push_back(std::move(query));
                break;
            }
            case request_field::kAcceptedResponseTypes:
                request.names_accepted = true;
                reader.each_uint64([&](std::uint64_t type) {
                    if (type <= 1) request.accepted.push_back(static_cast<ReadResponseType>(type));
                });
                break;
            default: break;
        }
    }
    if (!reader.ok()) return malformed("field");
    return request;
}

void encode_read_request(const ReadRequest& request, std::string& out) {
    ProtoWriter writer(out);
    for (const ReadQuery& query : request.queries) {
        std::string message;
        encode_query(query, message);
        writer.bytes(request_field::kQueries, message);
    }
    for (const ReadResponseType type : request.accepted) {
        writer.uint64(request_field::kAcceptedResponseTypes, static_cast<std::uint64_t>(type));
    }
}

void append_query_result(std::string_view timeseries, std::string& out) {
    ProtoWriter(out).bytes(kResultsField, timeseries);
}

void append_result_series(
    model::LabelsView labels,
    std::span<const model::Sample> samples,
    std::span<const model::HistogramSample> histograms,
    std::string& out
) {
    std::string message;
    encode_time_series(labels, samples, histograms, message);
    ProtoWriter(out).bytes(kTimeSeriesField, message);
}

void append_chunked_frame(
    model::LabelsView labels,
    std::span<const ReadChunk> chunks,
    std::size_t query_index,
    std::string& out
) {
    std::string series(labels.bytes());
    for (const ReadChunk& chunk : chunks) {
        std::string bytes;
        ProtoWriter writer(bytes);
        writer.int64(chunk_field::kMinTime, chunk.range.min.ms);
        writer.int64(chunk_field::kMaxTime, chunk.range.max.ms);
        writer.uint64(chunk_field::kType, chunk.encoding);
        writer.bytes(chunk_field::kData, chunk.data);
        ProtoWriter(series).bytes(chunked_field::kChunks, bytes);
    }
    std::string message;
    ProtoWriter writer(message);
    writer.bytes(chunked_field::kSeries, series);
    if (query_index != 0) writer.uint64(chunked_field::kQueryIndex, query_index);

    encoding::ByteWriter frame(out);
    frame.uvarint(message.size());
    frame.be32(encoding::crc32c(message));
    frame.raw(message);
}

}  // namespace mimir::wire
