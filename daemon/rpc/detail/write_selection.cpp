#include "rpc/detail/write_selection.hpp"

#include "base/turn.hpp"

namespace mimir::rpc::detail {

http::asio::awaitable<Result<void>> write_selection(
    runtime::Pool& pool,
    const RequestContext& context,
    std::function<Result<Selected>()> begin,
    FrameWriter& frames
) {
    const std::string tenant = tenant_of(context);
    std::string frame;
    std::unique_ptr<SelectionWriter> selection;
    auto first = [&]() -> Result<void> {
        MIMIR_TRY(Selected selected, begin());
        Turn::give_way(context.cancellation);
        selection =
            std::make_unique<SelectionWriter>(std::move(selected.series), std::move(selected.form));
        Turn::give_way(context.cancellation);
        return selection->next(frame);
    };
    auto go_on = [&]() -> Result<void> {
        MIMIR_TRY(context.cancellation.check());
        return selection->next(frame);
    };
    MIMIR_CO_TRY(co_await runtime::run_on(pool, tenant, first));
    while (!frame.empty()) {
        MIMIR_CO_TRY(co_await frames.write(frame));
        MIMIR_CO_TRY(co_await runtime::run_on(pool, tenant, go_on));
    }
    co_return Result<void>();
}

}  // namespace mimir::rpc::detail
