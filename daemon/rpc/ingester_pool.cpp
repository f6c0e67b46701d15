#include "rpc/ingester_pool.hpp"

#include "rpc/remote_ingester.hpp"

namespace mimir::rpc {
namespace {

/// Stands for this process' ingester while it does not run, though its ring entry is still there.
class StoppedIngester final : public IngesterClient {
  public:
    void push(const RequestContext&, std::shared_ptr<const PushBatch>, Done<void> done) override {
        done(not_running());
    }
    void select(
        const RequestContext&,
        const model::Matchers&,
        TimeRange,
        SelectionHints,
        Done<std::unique_ptr<chunkenc::SeriesSet>> done
    ) override {
        done(not_running());
    }
    void series(
        const RequestContext&,
        const std::vector<model::Matchers>&,
        TimeRange,
        Done<std::vector<model::Labels>> done
    ) override {
        done(not_running());
    }
    void label_names(
        const RequestContext&,
        const model::Matchers&,
        TimeRange,
        Done<std::vector<std::string>> done
    ) override {
        done(not_running());
    }
    void label_values(
        const RequestContext&,
        std::string_view,
        const model::Matchers&,
        TimeRange,
        Done<std::vector<std::string>> done
    ) override {
        done(not_running());
    }
    void exemplars(
        const RequestContext&,
        const std::vector<model::Matchers>&,
        TimeRange,
        Done<std::vector<model::SeriesExemplars>> done
    ) override {
        done(not_running());
    }
    void metadata(
        const RequestContext&, const MetadataQuery&, Done<std::vector<model::MetricMetadata>> done
    ) override {
        done(not_running());
    }

  private:
    static tl::unexpected<Error> not_running() {
        return fail(ErrorKind::unavailable, "module ingester is not running");
    }
};

}  // namespace

IngesterPool::IngesterPool(Environment environment)
    : environment_(std::move(environment)), not_running_(std::make_shared<StoppedIngester>()) {}

std::shared_ptr<IngesterClient> IngesterPool::of(const ring::Instance& instance) {
    if (!is_local(instance)) {
        return std::make_shared<RemoteIngester>(environment_.peers.at(instance.address));
    }
    auto running = local();
    return running ? running : not_running_;
}

std::shared_ptr<IngesterClient> IngesterPool::local() { return environment_.local.get(); }

bool IngesterPool::is_local(const ring::Instance& instance) const {
    return instance.id == environment_.local_id;
}

}  // namespace mimir::rpc
