# What every target of ours is compiled with: language level, warnings, sanitizers, linker.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} destroys temporaries of co_await expressions twice. "
    "Use clang 19 (Debian 12: apt-get install clang-19 lld-19) or g++ 13: "
    "cmake -DCMAKE_CXX_COMPILER=clang++-19, or one of the presets.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(MIMIR_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=: address,undefined or thread")
set(MIMIR_ARCH "x86-64-v2" CACHE STRING "Value of -march on x86-64; v2 has SSE4.2, the CRC-32C instruction")

add_library(mimir_compiler INTERFACE)
target_compile_options(mimir_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align
  -Woverloaded-virtual -Wextra-semi -Wimplicit-fallthrough -Werror
  -Wno-missing-field-initializers    # designated initializers name what they set
  -Wno-gnu-zero-variadic-macro-arguments
  -fno-omit-frame-pointer -g1)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  target_compile_options(mimir_compiler INTERFACE -march=${MIMIR_ARCH})
endif()
if(MIMIR_SANITIZE)
  target_compile_options(mimir_compiler INTERFACE -fsanitize=${MIMIR_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(mimir_compiler INTERFACE -fsanitize=${MIMIR_SANITIZE})
  if(MIMIR_SANITIZE MATCHES "thread")
    # It does not understand fences: without them, Asio counts references by acquire and release.
    target_compile_definitions(mimir_compiler INTERFACE
      BOOST_ASIO_DISABLE_FENCED_BLOCK BOOST_ASIO_DISABLE_STD_ATOMIC)
  endif()
endif()
find_program(MIMIR_LLD NAMES ld.lld-19 ld.lld)
if(MIMIR_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(mimir_compiler INTERFACE --ld-path=${MIMIR_LLD})
endif()
find_program(MIMIR_CCACHE ccache)
if(MIMIR_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MIMIR_CCACHE})
endif()
