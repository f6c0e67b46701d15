// Bodies of pushes: decoded, validated, encoded again; what was taken over is canonical and reads back the same.

#include "base/assert.hpp"
#include "components/distributor/request_validation.hpp"
#include "wire/labels.hpp"
#include "wire/remote_write.hpp"

using namespace mimir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    model::WriteRequest request;
    request.body.assign(reinterpret_cast<const char*>(data), size);
    if (!wire::decode_write_request(request)) return 0;

    distributor::KnownSeries known(1024);
    const auto valid = distributor::validate_request(
        request, {.max_global_exemplars_per_user = 1}, TimestampMs{1'700'000'000'000}, known
    );
    if (!valid) return 0;
    std::vector<model::Label> labels;
    for (const model::WriteSeries& series : request.series) {
        const auto form = wire::parse_labels(series.labels.bytes(), labels);
        MIMIR_ASSERT(form && *form == wire::Form::canonical, "validation makes labels canonical");
        MIMIR_ASSERT(series.hash == series.labels.hash(), "the hash is that of the labels");
    }
    model::WriteRequest again;
    wire::encode_write_request(request, again.body);
    MIMIR_ASSERT(wire::decode_write_request(again), "what is encoded can be decoded");
    MIMIR_ASSERT(again.series.size() == request.series.size(), "no series is lost");
    MIMIR_ASSERT(again.samples.size() == valid->samples, "no sample is lost");
    MIMIR_ASSERT(again.histograms.size() == valid->histograms, "no histogram is lost");
    return 0;
}
