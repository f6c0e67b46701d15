#pragma once

// A store that holds the wave of the continuous test in memory, behind a port: remote write in, and just the queries out
// that the tester asks. A test loses, alters or doubles what it holds.

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "encoding/compression.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "runtime/executors.hpp"
#include "support/test_support.hpp"
#include "wire/labels.hpp"
#include "wire/remote_write.hpp"

namespace mimir::test {

class WaveStore {
  public:
    /// By series_id, then by time.
    using Samples = std::map<std::string, std::map<std::int64_t, double>>;

    WaveStore() : executors_({.io_threads = 1, .ingest = {.threads = 1}, .query = {.threads = 1}}) {
        add("/api/v1/push", [this](const http::Request& request) { return push(request); });
        add("/prometheus/api/v1/query",
            [this](const http::Request& request) { return query(request, false); });
        add("/prometheus/api/v1/query_range",
            [this](const http::Request& request) { return query(request, true); });
        auto started = http::Server::start(
            {executors_.io, executors_.query},
            router_,
            {.listen = {http::TcpAddress{.host = "127.0.0.1", .port = 0}}}
        );
        REQUIRE_OK(started);
        server_ = *std::move(started);
    }
    ~WaveStore() { server_.reset(); }

    [[nodiscard]] std::string write_url() const {
        return fmt::format("http://127.0.0.1:{}", server_->port());
    }
    [[nodiscard]] std::string read_url() const { return write_url() + "/prometheus"; }

    template <class Use>
    auto with(const Use& use) {
        const std::scoped_lock lock(mutex_);
        return use(samples_);
    }
    [[nodiscard]] std::size_t sample_count() {
        return with([](const Samples& samples) {
            std::size_t count = 0;
            for (const auto& [id, series] : samples) count += series.size();
            return count;
        });
    }

    /// What the next answers are.
    std::atomic<int> push_status = 200;
    std::atomic<int> query_status = 200;
    /// Every series is there twice.
    std::atomic<bool> doubles = false;
    std::atomic<int> pushes = 0;
    std::atomic<int> queries = 0;
    /// Of the last request; read when none is under way.
    http::Headers headers;

  private:
    template <class Answer>
    void add(std::string pattern, Answer answer) {
        auto handler = [answer](http::Request& request) { return reply(answer(request)); };
        routes_.push_back(router_.add(
            {.methods = {http::Method::post},
             .pattern = std::move(pattern),
             .module = "store",
             .handler = std::move(handler)}
        ));
    }
    static http::asio::awaitable<http::Response> reply(http::Response response) {
        co_return response;
    }

    http::Response push(const http::Request& request) {
        ++pushes;
        const std::scoped_lock lock(mutex_);
        headers = request.headers;
        if (push_status != 200) return http::Response::text(push_status, "not taken\n");
        model::WriteRequest write;
        if (!encoding::snappy_decompress(request.body, 64 << 20, write.body) ||
            !wire::decode_write_request(write)) {
            return http::Response::text(400, "not understood");
        }
        for (const model::WriteSeries& series : write.series) {
            const auto labels = wire::decode_labels(series.labels.bytes());
            if (!labels) return http::Response::text(400, labels.error().message);
            const std::string id(labels->get("series_id"));
            for (const model::Sample& sample : write.samples_of(series))
                samples_[id][sample.time.ms] = sample.value;
        }
        return http::Response::text(200, "");
    }

    http::Response query(const http::Request& request, bool is_range) {
        ++queries;
        const std::scoped_lock lock(mutex_);
        headers = request.headers;
        if (query_status != 200) {
            return http::Response::json(query_status, R"({"status":"error","error":"no querier"})");
        }
        const auto form = http::Parameters::parse(request.body);
        if (!form) return http::Response::text(400, "no form");
        const auto number = [&](std::string_view name) {
            return std::strtoll(std::string(form->get_or(name, "0")).c_str(), nullptr, 10) * 1000;
        };
        Query query = parse(std::string(form->get_or("query", "")));
        std::vector<std::int64_t> times{number("time")};
        if (is_range) {
            times.clear();
            for (std::int64_t t = number("start"); t <= number("end"); t += number("step"))
                times.push_back(t);
        }
        std::string result;
        if (query.is_sum) {
            append_series(result, "", points_of_sum(query, times), is_range);
        } else {
            for (const auto& [id, series] : samples_) {
                for (int copies = doubles ? 2 : 1; copies > 0; --copies)
                    append_series(result, id, points_of(query, series, times), is_range);
            }
        }
        return http::Response::json(
            200,
            fmt::format(
                R"({{"status":"success","data":{{"resultType":"{}","result":[{}]}}}})",
                is_range ? "matrix" : "vector",
                result
            )
        );
    }

    struct Query {
        bool is_sum;
        bool is_count;
        std::int64_t window_ms;
    };
    /// [sum(]max_over_time(metric[1s])[)] or count_over_time.
    static Query parse(const std::string& text) {
        const auto bracket = text.find('[');
        return {
            .is_sum = text.starts_with("sum("),
            .is_count = text.find("count_over_time(") != std::string::npos,
            .window_ms = std::strtoll(text.c_str() + bracket + 1, nullptr, 10) * 1000,
        };
    }

    using Points = std::vector<std::pair<std::int64_t, double>>;
    static std::optional<double> value_of(
        const Query& query, const std::map<std::int64_t, double>& series, std::int64_t t
    ) {
        const auto begin = series.upper_bound(t - query.window_ms);
        const auto end = series.upper_bound(t);
        if (begin == end) return std::nullopt;
        if (query.is_count) return static_cast<double>(std::distance(begin, end));
        double value = begin->second;
        for (auto at = begin; at != end; ++at) value = std::max(value, at->second);
        return value;
    }
    static Points points_of(
        const Query& query,
        const std::map<std::int64_t, double>& series,
        const std::vector<std::int64_t>& times
    ) {
        Points points;
        for (const std::int64_t t : times) {
            if (const auto value = value_of(query, series, t)) points.emplace_back(t, *value);
        }
        return points;
    }
    Points points_of_sum(const Query& query, const std::vector<std::int64_t>& times) {
        Points points;
        for (const std::int64_t t : times) {
            std::optional<double> sum;
            for (const auto& [id, series] : samples_) {
                if (const auto value = value_of(query, series, t)) sum = sum.value_or(0) + *value;
            }
            if (sum) points.emplace_back(t, *sum * (doubles ? 2 : 1));
        }
        return points;
    }
    static void append_series(
        std::string& result, const std::string& id, const Points& points, bool is_range
    ) {
        if (points.empty()) return;
        std::string values;
        for (const auto& [t, value] : points) {
            values += fmt::format("{}[{},\"{}\"]", values.empty() ? "" : ",", t / 1000, value);
        }
        const std::string metric = id.empty() ? "" : fmt::format(R"("series_id":"{}")", id);
        result += fmt::format(
            R"({}{{"metric":{{{}}},"{}":{}}})",
            result.empty() ? "" : ",",
            metric,
            is_range ? "values" : "value",
            is_range ? "[" + values + "]" : values
        );
    }

    runtime::Executors executors_;
    http::Router router_;
    std::vector<http::RouteRegistration> routes_;
    std::mutex mutex_;
    Samples samples_;
    std::unique_ptr<http::Server> server_;
};

}  // namespace mimir::test
