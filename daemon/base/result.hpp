#pragma once

#include <fmt/format.h>

#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.hpp"

namespace mimir {

/// A value, or why there is none. Refusals are ordinary traffic here, so they are values: cheap, visible in
/// signatures, and able to cross threads, coroutines and the wire. See docs/adr/0001-errors-as-values.md.
template <class T = void>
using Result = tl::expected<T, Error>;

/// The error arm of a Result, with a formatted message:
///     return fail(ErrorKind::corrupt, "segment {:08}: bad checksum at byte {}", segment, offset);
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(
    ErrorKind kind, fmt::format_string<Args...> message, Args&&... args
) {
    return tl::unexpected(Error{kind, {}, fmt::format(message, std::forward<Args>(args)...)});
}

/// The same with a stable id, for errors that users look up.
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail_with_id(
    ErrorKind kind, std::string_view id, fmt::format_string<Args...> message, Args&&... args
) {
    return tl::unexpected(Error{kind, id, fmt::format(message, std::forward<Args>(args)...)});
}

/// A failed result with what was being done put before its message; a successful one unchanged.
template <class T>
[[nodiscard]] Result<T> with_context(Result<T> result, std::string_view doing) {
    if (!result) result.error() = result.error().with_context(doing);
    return result;
}

}  // namespace mimir

#define MIMIR_DETAIL_CONCAT_(a, b) a##b
#define MIMIR_DETAIL_CONCAT(a, b) MIMIR_DETAIL_CONCAT_(a, b)
#define MIMIR_DETAIL_PICK(_1, _2, name, ...) name
#define MIMIR_DETAIL_TRY_1(leave, temp, expression) \
    if (auto temp = (expression); !temp) leave tl::unexpected(std::move(temp).error())
#define MIMIR_DETAIL_TRY_2(leave, temp, declaration, expression)     \
    auto temp = (expression);                                        \
    if (!temp) leave tl::unexpected(std::move(temp).error());        \
    declaration = *std::move(temp)
#define MIMIR_DETAIL_TRY(leave, ...)                                                       \
    MIMIR_DETAIL_PICK(__VA_ARGS__, MIMIR_DETAIL_TRY_2, MIMIR_DETAIL_TRY_1, )              \
    (leave, MIMIR_DETAIL_CONCAT(mimir_try_, __COUNTER__), __VA_ARGS__)

/// MIMIR_TRY(expression): returns the error of a failed Result from the enclosing function.
/// MIMIR_TRY(declaration, expression): the same, else initialises the declaration with the value:
///     MIMIR_TRY(auto meta, read_meta(files, path));
/// A comma outside parentheses in the expression (template arguments) needs parentheses around it.
#define MIMIR_TRY(...) MIMIR_DETAIL_TRY(return, __VA_ARGS__)

/// The same inside a coroutine. Name the awaitable's arguments before: see docs/architecture.md, "Coroutines".
#define MIMIR_CO_TRY(...) MIMIR_DETAIL_TRY(co_return, __VA_ARGS__)
