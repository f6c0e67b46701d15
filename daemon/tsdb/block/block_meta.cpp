#include "tsdb/block/block_meta.hpp"

#include <nlohmann/json.hpp>

namespace mimir::tsdb {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kVersion = 1;

struct Count {
    const char* key;
    std::uint64_t BlockStats::* field;
};
constexpr Count kCounts[] = {
    {"numSamples", &BlockStats::samples},
    {"numFloatSamples", &BlockStats::float_samples},
    {"numHistogramSamples", &BlockStats::histogram_samples},
    {"numSeries", &BlockStats::series},
    {"numChunks", &BlockStats::chunks},
    {"numTombstones", &BlockStats::tombstones},
};

/// By reference, which refuses floats instead of rounding them.
std::int64_t integer(const Json& json) { return json.get_ref<const Json::number_integer_t&>(); }

tl::unexpected<Error> bad(std::string_view what) {
    return fail(ErrorKind::corrupt, "bad {}", what);
}

Result<Ulid> parse_ulid(const Json& json) {
    const auto ulid = Ulid::parse(json.get_ref<const std::string&>());
    if (!ulid) return bad("ULID " + json.get_ref<const std::string&>());
    return *ulid;
}

Result<BlockOrigin> parse_origin(const Json& json) {
    BlockOrigin origin;
    const std::int64_t level = integer(json.at("level"));
    if (level < 1 || level > 1'000'000) return bad("compaction level");
    origin.level = static_cast<int>(level);
    for (const Json& source : json.value("sources", Json::array())) {
        MIMIR_TRY(const Ulid ulid, parse_ulid(source));
        origin.sources.push_back(ulid);
    }
    for (const Json& parent : json.value("parents", Json::array())) {
        MIMIR_TRY(const Ulid ulid, parse_ulid(parent.at("ulid")));
        origin.parents.push_back(
            {ulid, {integer(parent.at("minTime"))}, {integer(parent.at("maxTime"))}}
        );
    }
    for (const Json& hint : json.value("hints", Json::array())) {
        origin.hints.push_back(hint.get_ref<const std::string&>());
    }
    return origin;
}

Result<BlockMeta> parse(const Json& json) {
    if (integer(json.at("version")) != kVersion) return bad("version");
    MIMIR_TRY(const Ulid ulid, parse_ulid(json.at("ulid")));
    BlockMeta meta{
        .ulid = ulid,
        .min_time = {integer(json.at("minTime"))},
        .max_time = {integer(json.at("maxTime"))},
    };
    if (meta.min_time >= meta.max_time) return bad("range of time");
    const Json& stats = json.at("stats");
    for (const Count& count : kCounts) {
        meta.stats.*count.field = stats.value(count.key, std::uint64_t{0});
    }
    MIMIR_TRY(meta.origin, parse_origin(json.at("compaction")));
    return meta;
}

}  // namespace

Result<BlockMeta> parse_block_meta(std::string_view json) {
    try {
        return parse(Json::parse(json));
    } catch (const Json::exception& error) {
        return bad(error.what());
    }
}

std::string to_json(const BlockMeta& meta) {
    Json stats = Json::object();
    for (const Count& count : kCounts) {
        if (meta.stats.*count.field != 0) stats[count.key] = meta.stats.*count.field;
    }
    Json compaction = {{"level", meta.origin.level}};
    for (const Ulid& source : meta.origin.sources) compaction["sources"].push_back(source.str());
    for (const BlockParent& parent : meta.origin.parents) {
        compaction["parents"].push_back(
            {{"ulid", parent.ulid.str()},
             {"minTime", parent.min_time.ms},
             {"maxTime", parent.max_time.ms}}
        );
    }
    if (!meta.origin.hints.empty()) compaction["hints"] = meta.origin.hints;
    const Json json = {
        {"ulid", meta.ulid.str()},
        {"minTime", meta.min_time.ms},
        {"maxTime", meta.max_time.ms},
        {"stats", std::move(stats)},
        {"compaction", std::move(compaction)},
        {"version", kVersion},
    };
    return json.dump(1, '\t');
}

}  // namespace mimir::tsdb
