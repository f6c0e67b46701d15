// Blocks between us and Prometheus' own promtool, both ways: what we write it reads, what it writes we read.

#include <cstdio>
#include <fstream>
#include <sstream>

#include "support/test_support.hpp"
#include "tsdb/block/block.hpp"
#include "tsdb/block/block_series_set.hpp"
#include "tsdb/db.hpp"
#include "unit/tsdb/block_test_support.hpp"

namespace mimir::tsdb {
namespace {

using namespace test_support;

constexpr std::int64_t kStart = 1'700'000'000'000 / 7'200'000 * 7'200'000;
constexpr std::int64_t kBlockRange = 7'200'000;

struct Output {
    int status = 0;
    std::string text;
};

Output promtool(const std::string& arguments) {
    Output output;
    std::FILE* const pipe = ::popen(("promtool " + arguments + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    char buffer[4096];
    while (const std::size_t size = std::fread(buffer, 1, sizeof(buffer), pipe))
        output.text.append(buffer, size);
    output.status = ::pclose(pipe);
    return output;
}

/// As `promtool tsdb dump` prints them, sorted.
std::vector<std::string> dump_lines(const Dataset& data) {
    std::vector<std::string> lines;
    for (const auto& [labels, samples] : data) {
        std::string shown;
        for (const model::Label label : labels) {
            shown += fmt::format("{}{}=\"{}\"", shown.empty() ? "" : ", ", label.name, label.value);
        }
        for (const auto& [time, value] : samples) {
            lines.push_back(fmt::format("{{{}}} {:.0f} {}", shown, value, time));
        }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
}

std::vector<std::string> split_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
}

Dataset sample_data() {
    Dataset data;
    for (int series = 0; series < 200; ++series) {
        const std::string pod = "pod-" + std::to_string(series);
        const model::Labels labels = {
            {model::kMetricName, "requests_total"},
            {"pod", pod},
            {"zone", series % 2 == 0 ? "a" : "ü"}
        };
        for (int i = 0; i < 300; ++i)
            data[labels][kStart + series + i * 15'000] = series * 1000 + i;
    }
    return data;
}

TEST_SUITE_BEGIN("integration/promtool_blocks");

TEST_CASE("promtool lists, analyzes and dumps a block that we wrote") {
    const test::TempDir dir;
    const Dataset data = sample_data();
    // Small segments: references into several files.
    const auto meta = write_block(
        fs::real_file_system(), dir.path(), ulid(1), data, kStart, kStart + kBlockRange, 20'000
    );
    REQUIRE_OK(meta);
    const std::string name = (*meta)->ulid.str();

    const Output list = promtool("tsdb list " + dir.path().string());
    CHECK_MESSAGE(list.status == 0, list.text);
    std::istringstream row(list.text.substr(list.text.find(name)));
    std::string listed_name, min_time, max_time, duration;
    std::uint64_t samples = 0, chunks = 0, series = 0;
    row >> listed_name >> min_time >> max_time >> duration >> samples >> chunks >> series;
    CHECK(samples == 60'000);
    CHECK(chunks == (*meta)->stats.chunks);
    CHECK(series == 200);

    const Output analysis = promtool("tsdb analyze " + dir.path().string() + " " + name);
    CHECK_MESSAGE(analysis.status == 0, analysis.text);
    CHECK_MESSAGE(analysis.text.find("Series: 200\n") != std::string::npos, analysis.text);
    CHECK_MESSAGE(analysis.text.find("Label names: 3\n") != std::string::npos, analysis.text);
    CHECK_MESSAGE(
        analysis.text.find("600 __name__=requests_total") == std::string::npos, analysis.text
    );

    std::filesystem::create_directory(dir.path() / "wal");  // dump wants to read one
    const Output dump = promtool("tsdb dump " + dir.path().string());
    CHECK(dump.status == 0);
    CHECK(split_lines(dump.text) == dump_lines(data));

    const Output matched =
        promtool("tsdb dump --match='{pod=~\"pod-1.*\",zone!=\"a\"}' " + dir.path().string());
    const model::Matchers matchers = {
        model::Matcher::create(model::MatchType::regex, "pod", "pod-1.*").value(),
        model::Matcher::create(model::MatchType::not_equal, "zone", "a").value(),
    };
    CHECK(split_lines(matched.text) == dump_lines(filtered(data, matchers, kAllTime)));
}

TEST_CASE("promtool dumps the write-ahead log and the blocks that were cut from it") {
    const test::TempDir dir;
    telemetry::Registry registry;
    telemetry::MetricScope scope(registry);
    Metrics metrics(scope);
    const auto db =
        Tsdb::open({fs::real_file_system(), system_clock(), metrics, {}}, dir.path(), {});
    REQUIRE_OK(db);
    Dataset data;
    for (int series = 0; series < 20; ++series) {
        const std::string pod = "pod-" + std::to_string(series);
        Samples& samples =
            data[model::Labels{{model::kMetricName, "requests_total"}, {"pod", pod}}];
        for (int i = 0; i < 5 * 240; ++i)
            samples[kStart + series + i * 15'000] = series * 10'000 + i;
    }
    model::WriteRequest request;
    for (const auto& [labels, samples] : data) {
        request.series.push_back({
            .labels = labels.view(),
            .hash = labels.hash(),
            .first_sample = static_cast<std::uint32_t>(request.samples.size()),
            .sample_count = static_cast<std::uint32_t>(samples.size()),
            .canonical = true,
        });
        for (const auto& [time, value] : samples) request.samples.push_back({{time}, value});
    }
    REQUIRE_OK((*db)->append(request, {}));
    const auto check_dump = [&] {
        const Output dump = promtool("tsdb dump " + dir.path().string());
        CHECK_MESSAGE(dump.status == 0, dump.text.substr(0, 1000));
        CHECK(split_lines(dump.text) == dump_lines(data));
    };
    check_dump();
    REQUIRE_OK((*db)->compact());
    REQUIRE((*db)->blocks().size() == 1);
    check_dump();
    REQUIRE_OK((*db)->flush());
    REQUIRE((*db)->blocks().size() == 3);
    check_dump();
    const Output list = promtool("tsdb list " + dir.path().string());
    for (const BlockMeta& block : (*db)->blocks()) {
        CHECK_MESSAGE(list.text.find(block.ulid.str()) != std::string::npos, list.text);
    }
}

TEST_CASE("blocks that promtool made hold for us what went in") {
    const test::TempDir dir;
    const Dataset data = sample_data();
    const std::filesystem::path input = dir.path() / "input";
    {
        std::ofstream out(input);
        out << "# TYPE requests counter\n";
        for (const auto& [labels, samples] : data) {
            for (const auto& [time, value] : samples) {
                out << fmt::format(
                    "requests_total{{pod=\"{}\",zone=\"{}\"}} {:.0f} {}.{:03}\n",
                    labels.get("pod"),
                    labels.get("zone"),
                    value,
                    time / 1000,
                    time % 1000
                );
            }
        }
        out << "# EOF\n";
    }
    const Output made = promtool(
        "tsdb create-blocks-from openmetrics " + input.string() + " " + (dir.path() / "db").string()
    );
    REQUIRE_MESSAGE(made.status == 0, made.text);
    Dataset read;
    std::uint64_t samples = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path() / "db")) {
        if (!Ulid::parse(entry.path().filename().string())) continue;
        const auto block = Block::open(fs::real_file_system(), entry.path());
        REQUIRE_OK(block);
        const auto set = (*block)->select({}, kAllTime);
        REQUIRE_OK(set);
        const auto part = read_dataset(**set, kAllTime);
        REQUIRE_OK(part);
        read = united(read, *part);
        samples += (*block)->meta().stats.samples;
    }
    CHECK(read == data);
    CHECK(samples == 60'000);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
