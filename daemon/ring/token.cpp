#include "ring/token.hpp"

namespace mimir::ring {
namespace {

// FNV-1 of 32 bits: multiply, then xor. Parameters: Fowler, Noll, Vo.
constexpr std::uint32_t kOffset = 2166136261;
constexpr std::uint32_t kPrime = 16777619;

std::uint32_t add(std::uint32_t hash, std::string_view bytes) {
    for (const char byte : bytes) {
        hash = hash * kPrime ^ static_cast<std::uint8_t>(byte);
    }
    return hash;
}

}  // namespace

Token token_of(const model::TenantId& tenant, model::LabelsView series) {
    std::uint32_t hash = add(kOffset, tenant.str());
    for (const model::Label label : series) hash = add(add(hash, label.name), label.value);
    return Token{hash};
}

Token token_of(const model::TenantId& tenant, std::string_view metric) {
    return Token{add(add(kOffset, tenant.str()), metric)};
}

}  // namespace mimir::ring
