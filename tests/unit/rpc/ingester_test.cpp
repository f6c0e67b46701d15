#include "components/ingester/ingester.hpp"

#include <atomic>
#include <thread>

#include "http/client.hpp"
#include "rpc/ingester_pool.hpp"
#include "rpc/ingester_routes.hpp"
#include "rpc/local_ingester.hpp"
#include "rpc/ordered_series_set.hpp"
#include "rpc/remote_ingester.hpp"
#include "rpc/series_order.hpp"
#include "runtime/task_scope.hpp"
#include "test_ends.hpp"
#include "wire/ingester_messages.hpp"
#include "wire/remote_write.hpp"

namespace mimir::rpc::test {
namespace {

using chunkenc::ChunkBatch;
using chunkenc::SeriesSet;
using http::asio::awaitable;
using mimir::test::eventually;
using mimir::test::labels;
using model::Labels;

constexpr TimestampMs kNow{1'700'000'000'000};
constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};
const model::Matchers kAll{*model::Matcher::create(model::MatchType::not_equal, "__name__", "")};

RequestContext context_of(std::string_view tenant) {
    return {.tenant = *model::TenantId::parse(tenant)};
}

/// An ingester that is asked here, and over there.
struct Ends {
    Ends() {
        auto opened = ingester::Ingester::open(
            {.dir = dir.path()},
            {fs::real_file_system(), limits, metrics, registry, {}, clock},
            CancellationToken()
        );
        REQUIRE_OK(opened);
        ingester = *std::move(opened);
        local = std::make_unique<LocalIngester<ingester::Ingester>>(*ingester);
        routes = register_ingester_routes(
            server.internal(), *local, {server.executors.ingest, server.executors.query}
        );
        remote = std::make_unique<RemoteIngester>(caller.pool.at(server.address()));
    }
    ~Ends() { routes.clear(); }

    Result<void> push(IngesterClient& client, std::shared_ptr<model::WriteRequest> request) {
        const auto batch = std::make_shared<const PushBatch>(std::move(request));
        return wait_for<void>([&](auto done) { client.push(context, batch, done); });
    }
    /// Series of so many samples each: a chunk or two.
    void fill(std::size_t series, std::size_t samples) {
        auto request = std::make_shared<model::WriteRequest>();
        for (std::size_t i = 0; i < series; ++i) {
            const std::string number = std::to_string(i);
            request->add(
                Labels{{"__name__", "m"}, {"i", number}, {"pad", std::string(100, 'p')}}, {kNow, 0}
            );
            for (std::size_t j = 1; j < samples; ++j) {
                request->samples.push_back(
                    {kNow + 1000ms * static_cast<int>(j), 1.0 / static_cast<double>(i * j + 1)}
                );
            }
            request->series.back().sample_count = static_cast<std::uint32_t>(samples);
        }
        REQUIRE_OK(push(*local, std::move(request)));
    }
    Result<std::unique_ptr<SeriesSet>> select(IngesterClient& client, SelectionHints hints = {}) {
        return wait_for<std::unique_ptr<SeriesSet>>([&](auto done) {
            client.select(context, kAll, kAlways, hints, done);
        });
    }

    mimir::test::TempDir dir;
    config::LimitsProvider limits{
        config::Limits{.max_global_series_per_user = 100'000, .max_global_exemplars_per_user = 100}
    };
    mimir::test::ManualClock clock{kNow};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    ingester::Metrics metrics{scope};
    std::unique_ptr<ingester::Ingester> ingester;
    std::unique_ptr<IngesterClient> local;
    TestServer server;
    std::vector<http::RouteRegistration> routes;
    TestCaller caller{options_for()};
    std::unique_ptr<IngesterClient> remote;
    RequestContext context = context_of("tenant");
};

std::string describe(const ChunkBatch& batch, std::size_t series) {
    std::string text;
    for (const auto& chunk : batch.chunks_of(series)) {
        text += fmt::format(
            "{} {} {} {};",
            chunk.range.min.ms,
            chunk.range.max.ms,
            static_cast<int>(chunk.encoding),
            chunk.data
        );
    }
    return text;
}

/// Labels and chunks of every series, loaded so many at a time.
std::vector<std::string> content(SeriesSet& set, std::size_t step) {
    std::vector<std::string> all;
    ChunkBatch batch;
    for (std::size_t first = 0; first < set.count(); first += step) {
        const std::size_t count = std::min(step, set.count() - first);
        REQUIRE_OK(set.load(first, count, batch));
        REQUIRE(batch.series_count() == count);
        for (std::size_t i = 0; i < count; ++i) {
            all.push_back(set.labels(first + i).to_string() + ": " + describe(batch, i));
        }
    }
    return all;
}

/// The same call of both, and whether they give the same.
#define CHECK_SAME(Type, ...)                                                            \
    do {                                                                                 \
        const auto here = wait_for<Type>([&](auto done) { ends.local->__VA_ARGS__; });   \
        const auto there = wait_for<Type>([&](auto done) { ends.remote->__VA_ARGS__; }); \
        REQUIRE_OK(here);                                                                \
        REQUIRE_OK(there);                                                               \
        CHECK(!here->empty());                                                           \
        CHECK(*here == *there);                                                          \
    } while (false)

std::shared_ptr<model::WriteRequest> everything() {
    auto request = std::make_shared<model::WriteRequest>();
    request->add(labels("up{job=\"a\"}"), {kNow, 1});
    request->series.back().exemplar_count = 1;
    request->exemplars.push_back({.labels = labels("{trace_id=\"1\"}"), .value = 1, .time = kNow});
    request->add(labels("up{job=\"b\"}"), {kNow, model::kStaleNan});
    request->add(labels("latency"), {kNow, 2});
    request->metadata.push_back({"up", {model::MetricType::gauge, "Is it up?", "1"}});
    model::Histogram histogram{.count = 3, .sum = 2.5};
    histogram.zero_count = 3;
    const Labels native = labels("native");
    request->series.push_back({
        .labels = request->rewritten.emplace_back(native),
        .hash = native.hash(),
        .first_sample = static_cast<std::uint32_t>(request->samples.size()),
        .histogram_count = 1,
        .canonical = true,
    });
    request->histograms.push_back({.time = kNow, .histogram = histogram});
    return request;
}

std::vector<std::string> to_text(const std::vector<model::SeriesExemplars>& all) {
    std::vector<std::string> text;
    for (const auto& series : all) {
        for (const auto& exemplar : series.exemplars) {
            text.push_back(fmt::format(
                "{} {} {} {}",
                series.series.to_string(),
                exemplar.labels.to_string(),
                exemplar.value,
                exemplar.time.ms
            ));
        }
    }
    return text;
}

std::vector<std::string> to_text(const std::vector<model::MetricMetadata>& all) {
    std::vector<std::string> text;
    for (const auto& one : all) {
        text.push_back(fmt::format(
            "{} {} {} {}",
            one.metric,
            model::to_string(one.metadata.type),
            one.metadata.help,
            one.metadata.unit
        ));
    }
    return text;
}

TEST_SUITE("rpc/ingester") {
    TEST_CASE("what is pushed from afar is stored as if pushed here, and read alike from both") {
        Ends ends;
        REQUIRE_OK(ends.push(*ends.remote, everything()));

        CHECK_SAME(std::vector<Labels>, series(ends.context, {kAll}, kAlways, done));
        CHECK_SAME(std::vector<std::string>, label_names(ends.context, {}, kAlways, done));
        CHECK_SAME(std::vector<std::string>, label_names(ends.context, kAll, kAlways, done));
        CHECK_SAME(
            std::vector<std::string>, label_values(ends.context, "job", kAll, kAlways, done)
        );
        const auto exemplars = [&](IngesterClient& client) {
            const auto found = wait_for<std::vector<model::SeriesExemplars>>([&](auto done) {
                client.exemplars(ends.context, {kAll}, kAlways, done);
            });
            REQUIRE_OK(found);
            return to_text(*found);
        };
        CHECK(exemplars(*ends.remote).size() == 1);
        CHECK(exemplars(*ends.remote) == exemplars(*ends.local));
        const auto metadata = [&](IngesterClient& client) {
            const auto found = wait_for<std::vector<model::MetricMetadata>>([&](auto done) {
                client.metadata(ends.context, {.metric = "up"}, done);
            });
            REQUIRE_OK(found);
            return to_text(*found);
        };
        CHECK(metadata(*ends.remote) == std::vector<std::string>{"up gauge Is it up? 1"});
        CHECK(metadata(*ends.remote) == metadata(*ends.local));

        auto here = ends.select(*ends.local);
        auto there = ends.select(*ends.remote);
        REQUIRE_OK(here);
        REQUIRE_OK(there);
        OrderedSeriesSet ordered(*std::move(here));
        const auto all = content(**there, 100);
        CHECK(all.size() == 4);
        CHECK(all == content(ordered, 100));
    }

    TEST_CASE("refusals of an ingester cross with id and text") {
        Ends ends;
        const auto push = [&](IngesterClient& client, double value) {
            auto request = std::make_shared<model::WriteRequest>();
            request->add(labels("up{job=\"a\"}"), {kNow, value});
            return ends.push(client, request);
        };
        REQUIRE_OK(push(*ends.remote, 1));
        const auto here = push(*ends.local, 2);
        const auto there = push(*ends.remote, 2);
        REQUIRE(!here);
        REQUIRE(!there);
        CHECK(there.error().kind == here.error().kind);
        CHECK(there.error().id == "sample-duplicate-timestamp");
        CHECK(there.error().message == here.error().message);
    }

    TEST_CASE("a selection of many frames is whole, in order, and however it is loaded") {
        Ends ends;
        ends.fill(3000, 150);
        auto here = ends.select(*ends.local);
        REQUIRE_OK(here);
        OrderedSeriesSet ordered(*std::move(here));
        const auto expected = content(ordered, 256);
        REQUIRE(expected.size() == 3000);
        for (const std::size_t step : {1, 7, 256, 3000}) {
            CAPTURE(step);
            auto there = ends.select(*ends.remote);
            REQUIRE_OK(there);
            CHECK((content(**there, step) == expected));
        }
        CHECK((content(ordered, 1) == expected));

        auto there = ends.select(*ends.remote);
        REQUIRE_OK(there);
        ChunkBatch batch;
        for (const std::size_t first : {5, 6, 1000, 2999}) {  // some are jumped over
            REQUIRE_OK((*there)->load(first, 1, batch));
            const std::string found =
                (*there)->labels(first).to_string() + ": " + describe(batch, 0);
            CHECK(found == expected[first]);
        }
        for (std::size_t i = 1; i < ordered.count(); ++i) {
            CHECK(SeriesKey::of(ordered.labels(i - 1)) < SeriesKey::of(ordered.labels(i)));
        }
    }

    TEST_CASE("a selection of some labels has those alone, and each series by its id") {
        Ends ends;
        ends.fill(3000, 150);
        auto here = ends.select(*ends.local);
        REQUIRE_OK(here);
        OrderedByIdSet ordered(*std::move(here));
        const auto bodies = [](std::vector<std::string> texts) {  // without the labels
            for (auto& text : texts) text.erase(0, text.find(": "));
            return texts;
        };
        const auto expected = bodies(content(ordered, 256));
        const model::LabelProjection name({"__name__", "job"});
        auto there = ends.select(*ends.remote, {.labels = &name});
        REQUIRE_OK(there);
        const auto* identified = dynamic_cast<const IdentifiedSeriesSet*>(there->get());
        REQUIRE(identified != nullptr);
        REQUIRE(identified->count() == ordered.count());
        for (std::size_t i = 0; i < ordered.count(); ++i) {
            CHECK(identified->id(i) == ordered.id(i));
            CHECK(identified->id(i) == SeriesId::of(ordered.labels(i)));
            CHECK(identified->labels(i) == labels("m").view());
        }
        CHECK((bodies(content(**there, 100)) == expected));
    }

    TEST_CASE("a selection in any order comes as the ingester has it, with all or some labels") {
        Ends ends;
        ends.fill(3000, 150);
        auto here = ends.select(*ends.local);
        REQUIRE_OK(here);
        const auto expected = content(**here, 256);
        auto there = ends.select(*ends.remote, {.any_order = true});
        REQUIRE_OK(there);
        CHECK((content(**there, 100) == expected));
        const model::LabelProjection number({"i"});
        there = ends.select(*ends.remote, {.labels = &number, .any_order = true});
        REQUIRE_OK(there);
        CHECK(dynamic_cast<const IdentifiedSeriesSet*>(there->get()) == nullptr);
        REQUIRE((*there)->count() == 3000);
        for (std::size_t i = 0; i < 3000; ++i) {
            CHECK((*there)->labels(i).get("i") == (*here)->labels(i).get("i"));
            CHECK((*there)->labels(i).count() == 1);
        }
    }

    TEST_CASE("a selection of nothing is empty") {
        Ends ends;
        auto there = ends.select(*ends.remote);
        REQUIRE_OK(there);
        CHECK((*there)->count() == 0);
        const model::LabelProjection none;
        there = ends.select(*ends.remote, {.labels = &none});
        REQUIRE_OK(there);
        CHECK((*there)->count() == 0);
    }

    TEST_CASE("a selection that nobody reads holds no thread, and ends with its reader") {
        Ends ends;
        ends.fill(5000, 150);
        std::vector<std::unique_ptr<SeriesSet>> unread;
        for (int i = 0; i < 4; ++i) {  // the query pool has one thread
            auto there = ends.select(*ends.remote);
            REQUIRE_OK(there);
            unread.push_back(*std::move(there));
        }
        CHECK(eventually(5s, [&] { return ends.server.executors.query.running() == 0; }));
        const auto in_flight =
            fmt::format(R"(mimird_rpc_client_in_flight{{addr="{}"}})", ends.server.address());
        CHECK(ends.caller.metric(in_flight) == 4);
        unread.clear();
        CHECK(eventually(5s, [&] { return ends.caller.metric(in_flight) == 0; }));
    }

    TEST_CASE("a server that dies while a selection is read is an error, never missing series") {
        Ends ends;
        ends.fill(5000, 150);
        auto there = ends.select(*ends.remote);
        REQUIRE_OK(there);
        ChunkBatch batch;
        REQUIRE_OK((*there)->load(0, 10, batch));
        ends.server.stop();
        Result<void> loaded;
        for (std::size_t i = 10; i < (*there)->count() && loaded; ++i) {
            loaded = (*there)->load(i, 1, batch);
            if (loaded) CHECK(!batch.chunks_of(0).empty());
        }
        REQUIRE(!loaded);
        CHECK(loaded.error().kind == ErrorKind::unavailable);
        CHECK(loaded.error().id.empty());
    }

    TEST_CASE("a canceled query's selection ends") {
        Ends ends;
        ends.fill(5000, 150);
        ends.context.cancellation = CancellationToken::create();
        auto there = ends.select(*ends.remote);
        REQUIRE_OK(there);
        ends.context.cancellation.cancel();
        Result<void> loaded;
        ChunkBatch batch;
        for (std::size_t i = 0; i < (*there)->count() && loaded; ++i) {
            loaded = (*there)->load(i, 1, batch);
        }
        REQUIRE(!loaded);
        CHECK(loaded.error().kind == ErrorKind::canceled);
    }

    TEST_CASE("what an honest distributor would not push is refused") {
        Ends ends;
        const auto peer = ends.caller.pool.at(ends.server.address());
        const auto push = [&](std::string body) {
            const auto answer =
                ends.caller.call(peer, "ingester/push", ends.context, std::move(body));
            return answer ? "stored" : std::string(to_string(answer.error().kind));
        };
        const auto with_labels = [](std::string_view fields) {
            model::WriteRequest request;
            request.add(Labels(), {kNow, 1});
            request.series.back().labels = model::LabelsView::from_canonical(fields);
            std::string body;
            wire::encode_write_request(request, body);
            return body;
        };
        std::string unsorted;
        model::append_label(unsorted, {"b", "1"});
        model::append_label(unsorted, {"a", "1"});
        CHECK(push(with_labels(labels("up").bytes())) == "stored");
        CHECK(push(with_labels(unsorted)) == "invalid");
        CHECK(push(with_labels(std::string("\x0a\x7f", 2))) == "invalid");
        CHECK(push("\xff\xff") == "invalid");
        const auto no_tenant = ends.caller.call(peer, "ingester/push", RequestContext{}, "");
        REQUIRE(!no_tenant);
        CHECK(no_tenant.error().kind == ErrorKind::invalid);
    }

    TEST_CASE("frames that are no selection are corrupt") {
        const Labels a = labels("a");
        const Labels b = labels("b");
        const bool a_first = SeriesKey::of(a) < SeriesKey::of(b);
        const Labels& low = a_first ? a : b;
        const Labels& high = a_first ? b : a;
        const auto frame = [](std::optional<std::size_t> count,
                              std::vector<Labels> series,
                              std::vector<std::uint64_t> chunks) {
            std::string bytes;
            if (count) {
                wire::append_series_count(*count, wire::SelectionOrder::by_labels, bytes);
            }
            for (const Labels& one : series) wire::append_series_labels(one, bytes);
            for (const std::uint64_t one : chunks) {
                wire::append_series_chunk(
                    {.series = one, .chunk = {.range = {kNow, kNow}, .encoding = 1, .data = "data"}
                    },
                    bytes
                );
            }
            return bytes;
        };
        const auto by_id = [](wire::SelectionOrder order, std::vector<std::string_view> ids) {
            std::string bytes;
            wire::append_series_count(2, order, bytes);
            std::string all;
            for (const std::string_view id : ids) {
                wire::append_series_labels({}, bytes);
                all += id;
            }
            if (!all.empty()) wire::append_series_ids(all, bytes);
            return bytes;
        };
        using Order = wire::SelectionOrder;
        const std::string one(16, '1');
        const std::string two(16, '2');
        const struct {
            std::string_view name;
            std::vector<std::string> frames;
            bool is_good = false;
            bool may_lack_labels = false;
        } cases[] = {
            {"good, by id", {by_id(Order::by_id, {one, two})}, true, true},
            {"by id, not asked for", {by_id(Order::by_id, {one, two})}},
            {"in any order, not asked for", {by_id(Order::any, {"", ""})}, false, true},
            {"ids out of order", {by_id(Order::by_id, {two, one})}, false, true},
            {"an id twice", {by_id(Order::by_id, {one, one})}, false, true},
            {"too few ids", {by_id(Order::by_id, {one, ""})}, false, true},
            {"half an id", {by_id(Order::by_id, {one, "12345678"})}, false, true},
            {"ids by labels", {frame(1, {low}, {}) + "\x2a\x10" + one}, false, true},
            {"good", {frame(2, {low}, {}), frame({}, {high}, {0}), frame({}, {}, {0, 1})}, true},
            {"no count", {frame({}, {low, high}, {})}},
            {"two counts", {frame(2, {low}, {}), frame(2, {high}, {})}},
            {"too few", {frame(3, {low, high}, {})}},
            {"too many", {frame(1, {low, high}, {})}},
            {"out of order", {frame(2, {high, low}, {})}},
            {"twice", {frame(2, {low, low}, {})}},
            {"chunks too early", {frame(2, {low}, {0}), frame({}, {high}, {})}},
            {"labels too late", {frame(2, {low, high}, {}), frame({}, {high}, {1})}},
            {"chunks out of order", {frame(2, {low, high}, {1}), frame({}, {}, {0})}},
            {"chunk of nothing", {frame(2, {low, high}, {2})}},
            {"garbage", {frame(2, {low, high}, {}), "\xff\xff"}},
        };
        TestServer server;
        server.add_frames("ingester/select", [&](http::Request& request, FrameWriter& writer) {
            return [](std::vector<std::string> frames, FrameWriter& to) -> awaitable<Result<void>> {
                for (const std::string& one : frames) to.add(one);
                co_return Result<void>();
            }(cases[std::stoul(request.context.tenant->str())].frames, writer);
        });
        TestCaller caller(options_for());
        RemoteIngester remote(caller.pool.at(server.address()));
        const model::LabelProjection none;
        for (std::size_t i = 0; i < std::size(cases); ++i) {
            CAPTURE(cases[i].name);
            auto selected = wait_for<std::unique_ptr<SeriesSet>>([&](auto done) {
                const SelectionHints hints{.labels = cases[i].may_lack_labels ? &none : nullptr};
                remote.select(context_of(std::to_string(i)), kAll, kAlways, hints, done);
            });
            Result<void> read;
            if (selected) {
                ChunkBatch batch;
                read = (*selected)->load(0, (*selected)->count(), batch);
            } else {
                read = tl::unexpected(selected.error());
            }
            CHECK(read.has_value() == cases[i].is_good);
            if (!read) CHECK(read.error().kind == ErrorKind::corrupt);
        }
    }

    TEST_CASE("a member of the ring is the object of this process, or is called") {
        Ends ends;
        modules::Slot<IngesterClient> slot;
        IngesterPool pool({.peers = ends.caller.pool, .local = slot, .local_id = "ingester-1"});
        const ring::Instance own{.id = "ingester-1", .address = "unix:///nowhere"};
        const ring::Instance other{.id = "ingester-2", .address = ends.server.address()};
        CHECK(pool.local() == nullptr);
        const auto stopped = ends.push(*pool.of(own), everything());
        REQUIRE(!stopped);
        CHECK(stopped.error().kind == ErrorKind::unavailable);
        {
            const modules::Slot<IngesterClient>::Publication published(slot, *ends.local);
            CHECK(pool.of(own).get() == ends.local.get());
            CHECK(pool.is_local(own));
            CHECK(!pool.is_local(other));
        }
        REQUIRE_OK(ends.push(*pool.of(other), everything()));
    }
}

}  // namespace
}  // namespace mimir::rpc::test
