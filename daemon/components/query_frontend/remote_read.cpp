#include "components/query_frontend/remote_read.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "chunkenc/decode.hpp"
#include "components/query_frontend/answer.hpp"
#include "encoding/compression.hpp"
#include "http/error_status.hpp"
#include "rpc/query_scheduler.hpp"
#include "rpc/series_order.hpp"
#include "runtime/run_on.hpp"
#include "wire/remote_read.hpp"

namespace mimir::query_frontend {
namespace {

using http::Request;
using http::Response;
using wire::ReadResponseType;

constexpr std::size_t kRequestBytesMax = 32 << 20;
constexpr std::size_t kSamplesMax = 50'000'000;  // of an answer; Prometheus' default
constexpr std::size_t kFrameBytesMax = 1 << 20;  // likewise
/// Chunks that are held to be sorted: as much as any other answer of a querier may have.
constexpr std::size_t kHeldBytesMax = 1 << 30;
/// Series whose chunks are loaded at once where all are.
constexpr std::size_t kStepSeries = 256;

/// Remote read speaks plain text when it fails.
Response refusal(const Error& error) {
    const bool crowded = error.id == rpc::QueryScheduler::kTooManyOutstanding;
    const bool execution = error.kind == ErrorKind::limit && !crowded;
    const int status = crowded ? 429 : execution ? 400 : http::error_status(error.kind).status;
    Response response = Response::text(status, error.message + "\n");
    http::advise_retry(error.kind, response);
    return response;
}

Result<wire::ReadRequest> decode(std::string_view compressed) {
    std::string body;
    auto decompressed = encoding::snappy_decompress(compressed, kRequestBytesMax, body);
    if (!decompressed) return fail(ErrorKind::invalid, "{}", decompressed.error().message);
    return wire::decode_read_request(body);
}

Result<ReadResponseType> response_type(const wire::ReadRequest& request) {
    if (!request.names_accepted) return ReadResponseType::samples;
    if (!request.accepted.empty()) return request.accepted.front();
    return fail(ErrorKind::invalid, "server does not support any of the requested response types");
}

using Selected = Held<std::unique_ptr<chunkenc::SeriesSet>>;

QueryFrontend::Answer<Selected> select(
    const QueryFrontend& frontend, rpc::RequestContext context, const wire::ReadQuery& query
) {
    auto call = [&](rpc::QueryRunner& runner) {
        return runner.select(context, query.matchers, query.range);
    };
    co_return co_await frontend.ask_and_hold<std::unique_ptr<chunkenc::SeriesSet>>(context, call);
}

/// One query's series in the order of their labels, and their chunks: loaded one after the other where the selection is
/// of this process, else all at first, forward as they come, still encoded.
/// Threads: those of the query pool, one at a time.
class SortedSeries {
  public:
    explicit SortedSeries(std::unique_ptr<chunkenc::SeriesSet> series)
        : series_(std::move(series)),
          order_(series_->count()),
          goes_forward_(rpc::is_in_series_order(*series_)) {
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
            return series_->labels(a) < series_->labels(b);
        });
    }

    /// Moves to the next (at first: to the first) series and loads its chunks; false at the end.
    Result<bool> next() {
        if (next_ == order_.size()) return false;
        if (goes_forward_ && next_ == 0) MIMIR_TRY(load_all());
        current_ = order_[next_++];
        if (!goes_forward_) MIMIR_TRY(series_->load(current_, 1, batch_));
        return true;
    }
    [[nodiscard]] model::LabelsView labels() const { return series_->labels(current_); }
    [[nodiscard]] std::span<const chunkenc::ChunkView> chunks() const {
        if (!goes_forward_) return batch_.chunks_of(0);
        return held_[current_ / kStepSeries].chunks_of(current_ % kStepSeries);
    }

  private:
    Result<void> load_all() {
        std::size_t bytes = 0;
        for (std::size_t first = 0; first < order_.size(); first += kStepSeries) {
            const std::size_t count = std::min(kStepSeries, order_.size() - first);
            chunkenc::ChunkBatch& batch = held_.emplace_back();
            MIMIR_TRY(series_->load(first, count, batch));
            for (std::size_t i = 0; i < count; ++i) {
                for (const chunkenc::ChunkView& chunk : batch.chunks_of(i))
                    bytes += chunk.data.size();
            }
            if (bytes > kHeldBytesMax) {
                return fail(
                    ErrorKind::limit, "the selected chunks take more than {} bytes", kHeldBytesMax
                );
            }
        }
        return {};
    }

    std::unique_ptr<chunkenc::SeriesSet> series_;
    std::vector<std::size_t> order_;
    const bool goes_forward_;
    std::vector<chunkenc::ChunkBatch> held_;  // of kStepSeries each
    std::size_t next_ = 0;
    std::size_t current_ = 0;
    chunkenc::ChunkBatch batch_;
};

// Samples.

/// The samples of a series, of overlapping chunks those of the earlier ones first.
class SampleReader {
  public:
    Result<void> read(std::span<const chunkenc::ChunkView> chunks, TimeRange range) {
        points_.clear();
        samples_.clear();
        histograms_.clear();
        for (const chunkenc::ChunkView& chunk : chunks) {
            MIMIR_TRY(chunkenc::decode(chunk, range, points_));
        }
        for (std::size_t i = 0; i < points_.float_times.size(); ++i) {
            samples_.push_back({points_.float_times[i], points_.float_values[i]});
        }
        for (std::size_t i = 0; i < points_.histogram_times.size(); ++i) {
            histograms_.push_back({points_.histogram_times[i], std::move(points_.histograms[i])});
        }
        order(samples_);
        order(histograms_);
        return {};
    }
    [[nodiscard]] std::span<const model::Sample> samples() const { return samples_; }
    [[nodiscard]] std::span<const model::HistogramSample> histograms() const { return histograms_; }

  private:
    template <class T>
    static void order(std::vector<T>& items) {
        const auto not_after = [](const T& a, const T& b) { return a.time >= b.time; };
        if (std::adjacent_find(items.begin(), items.end(), not_after) == items.end()) return;
        // Chunks overlap: of samples at one time the first one read stays.
        std::vector<std::size_t> by_time(items.size());
        std::iota(by_time.begin(), by_time.end(), std::size_t{0});
        std::sort(by_time.begin(), by_time.end(), [&](std::size_t a, std::size_t b) {
            return std::tie(items[a].time, a) < std::tie(items[b].time, b);
        });
        std::vector<T> ordered;
        ordered.reserve(items.size());
        for (const std::size_t i : by_time) ordered.push_back(std::move(items[i]));
        items = std::move(ordered);
        const auto same_time = [](const T& a, const T& b) { return a.time == b.time; };
        items.erase(std::unique(items.begin(), items.end(), same_time), items.end());
    }

    chunkenc::Points points_;
    std::vector<model::Sample> samples_;
    std::vector<model::HistogramSample> histograms_;
};

/// Appends one QueryResult; counts its samples.
Result<void> append_samples(
    SortedSeries& series, TimeRange range, std::size_t& samples, std::string& out
) {
    SampleReader reader;
    std::string result;
    while (true) {
        MIMIR_TRY(const bool more, series.next());
        if (!more) break;
        MIMIR_TRY(reader.read(series.chunks(), range));
        samples += reader.samples().size() + reader.histograms().size();
        if (samples > kSamplesMax)
            return fail(ErrorKind::limit, "exceeded sample limit ({})", kSamplesMax);
        if (reader.samples().empty() && reader.histograms().empty()) continue;
        wire::append_result_series(series.labels(), reader.samples(), reader.histograms(), result);
    }
    wire::append_query_result(result, out);
    return {};
}

http::asio::awaitable<Response> answer_samples(
    QueryFrontend& frontend, rpc::RequestContext context, wire::ReadRequest read
) {
    std::string message;
    std::size_t samples = 0;
    for (const wire::ReadQuery& query : read.queries) {
        auto selected = co_await select(frontend, context, query);
        if (!selected) co_return refusal(selected.error());
        auto job = [&] {
            SortedSeries series(std::move(selected->answer));
            return append_samples(series, query.range, samples, message);
        };
        const Result<void> appended =
            co_await runtime::run_on(frontend.pool(), tenant_of(context), job);
        if (!appended) co_return refusal(appended.error());
    }
    Response response{
        .headers = {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}}
    };
    auto job = [&]() -> Result<void> {
        encoding::snappy_compress(message, response.body);
        return {};
    };
    const Result<void> compressed =
        co_await runtime::run_on(frontend.pool(), tenant_of(context), job);
    if (!compressed) co_return refusal(compressed.error());
    co_return response;
}

// Streamed chunks.

struct ChunkStream {
    QueryFrontend& frontend;
    rpc::RequestContext context;
    wire::ReadRequest read;
    /// The series of the first query, until they are sent: once the stream has begun, a failure can't
    /// be told any more.
    std::optional<Selected> first;
};

/// Appends frames of the next series until they are large enough; false at the end.
Result<bool> append_frames(SortedSeries& series, std::size_t query_index, std::string& frames) {
    std::vector<wire::ReadChunk> chunks;
    while (frames.size() < kFrameBytesMax) {
        MIMIR_TRY(const bool more, series.next());
        if (!more) return false;
        std::size_t bytes = 0;
        chunks.clear();
        const auto flush = [&] {
            if (!chunks.empty())
                wire::append_chunked_frame(series.labels(), chunks, query_index, frames);
            chunks.clear();
            bytes = 0;
        };
        for (const chunkenc::ChunkView& chunk : series.chunks()) {
            if (bytes + chunk.data.size() > kFrameBytesMax) flush();
            chunks.push_back({chunk.range, static_cast<std::uint8_t>(chunk.encoding), chunk.data});
            bytes += chunk.data.size();
        }
        flush();
    }
    return true;
}

http::asio::awaitable<Result<void>> write_chunks(
    std::shared_ptr<ChunkStream> stream, http::BodyWriter& writer
) {
    std::string frames;
    for (std::size_t index = 0; index < stream->read.queries.size(); ++index) {
        const wire::ReadQuery& query = stream->read.queries[index];
        std::optional<Selected> selected = std::exchange(stream->first, std::nullopt);
        if (!selected) {
            MIMIR_CO_TRY(selected, co_await select(stream->frontend, stream->context, query));
        }
        std::optional<SortedSeries> series;
        bool more = true;
        while (more) {
            frames.clear();
            auto job = [&] {
                if (!series) series.emplace(std::move(selected->answer));
                return append_frames(*series, index, frames);
            };
            MIMIR_CO_TRY(
                more,
                co_await runtime::run_on(stream->frontend.pool(), tenant_of(stream->context), job)
            );
            if (!frames.empty()) MIMIR_CO_TRY(co_await writer.write(frames));
        }
    }
    co_return Result<void>();
}

http::asio::awaitable<Response> answer_chunks(
    QueryFrontend& frontend, rpc::RequestContext context, wire::ReadRequest read
) {
    auto stream = std::make_shared<ChunkStream>(frontend, std::move(context), std::move(read));
    if (!stream->read.queries.empty()) {
        auto selected = co_await select(frontend, stream->context, stream->read.queries.front());
        if (!selected) co_return refusal(selected.error());
        stream->first.emplace(*std::move(selected));
    }
    co_return Response{
        .headers =
            {{"Content-Type",
              "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"}},
        .stream = [stream](http::BodyWriter& writer) { return write_chunks(stream, writer); },
    };
}

}  // namespace

http::asio::awaitable<Response> answer_remote_read(QueryFrontend& frontend, Request& request) {
    auto read = decode(request.body);
    if (!read) co_return refusal(read.error());
    const auto type = response_type(*read);
    if (!type) co_return refusal(type.error());
    const bool streamed = *type == ReadResponseType::streamed_xor_chunks;
    auto answer = streamed ? answer_chunks : answer_samples;
    co_return co_await answer(frontend, request.context, *std::move(read));
}

}  // namespace mimir::query_frontend
