# mimir_embed(<folder> HEADER <name.hpp> NAMESPACE <namespace> FILES ...)
#   Files as constants of the folder's library: a header that it alone can include, made anew when a file changes. "style.css" becomes
#   std::string_view style_css, and style_css_etag: a strong entity tag of its content, with quotes.
#
# The script that makes the header is this very file: cmake -D OUTPUT= -D NAMESPACE= -D FILES= -P MimirEmbed.cmake

if(NOT CMAKE_SCRIPT_MODE_FILE)
  function(mimir_embed name)
    cmake_parse_arguments(ARG "" "HEADER;NAMESPACE" "FILES" ${ARGN})
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
    list(TRANSFORM ARG_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    add_custom_command(
      OUTPUT ${folder}/${ARG_HEADER}
      COMMAND ${CMAKE_COMMAND} -D OUTPUT=${folder}/${ARG_HEADER} -D NAMESPACE=${ARG_NAMESPACE} -D "FILES=${ARG_FILES}"
        -P ${CMAKE_SOURCE_DIR}/cmake/MimirEmbed.cmake
      DEPENDS ${ARG_FILES} ${CMAKE_SOURCE_DIR}/cmake/MimirEmbed.cmake
      VERBATIM)
    target_sources(mimir_${name} PRIVATE ${folder}/${ARG_HEADER})
    target_include_directories(mimir_${name} PRIVATE ${folder})
  endfunction()
  return()
endif()

set(header "// Made by cmake/MimirEmbed.cmake.\n#pragma once\n\n#include <string_view>\n\nnamespace ${NAMESPACE} {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} name)
  file(SHA256 ${file} sha256)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND header
    "\ninline constexpr char ${name}_bytes[] = {${bytes}'\\0'};\n"
    "inline constexpr std::string_view ${name}(${name}_bytes, sizeof(${name}_bytes) - 1);\n"
    "inline constexpr std::string_view ${name}_etag = R\"(\"${sha256}\")\";\n")
endforeach()
file(WRITE ${OUTPUT} "${header}\n}  // namespace ${NAMESPACE}\n")
