#include "rpc/ingester_client.hpp"

#include "wire/remote_write.hpp"

namespace mimir::rpc {

const std::string& PushBatch::encoded() const {
    std::call_once(once_, [this] { wire::encode_write_request(*request_, encoded_); });
    return encoded_;
}

}  // namespace mimir::rpc
