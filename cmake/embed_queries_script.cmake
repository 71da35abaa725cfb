# cmake -D INPUT=queries.sql -D OUTPUT=queries.hpp -D NAMESPACE=a::b -P embed_queries_script.cmake
#
# The input is a row of blocks: a line `-- name: some_name`, comment lines that say what the
# query does, then the SQL. Comment lines right after the name and at the end of a block are
# left out; those inside the SQL stay.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/cpp_literal.cmake")

function(refuse message)
    message(FATAL_ERROR "${INPUT}: ${message}")
endfunction()

# Drops blank and comment lines from both ends of the named text.
function(strip_outer_comments text_variable)
    set(text "${${text_variable}}")
    while(text MATCHES "^([ \t]*(--[^\n]*)?\n|[ \t]*--[^\n]*$|[ \t]+$)")
        string(LENGTH "${CMAKE_MATCH_0}" length)
        string(SUBSTRING "${text}" ${length} -1 text)
    endwhile()
    while(text MATCHES "\n[ \t]*(--[^\n]*)?$")
        string(LENGTH "${text}" whole)
        string(LENGTH "${CMAKE_MATCH_0}" tail)
        math(EXPR keep "${whole} - ${tail}")
        string(SUBSTRING "${text}" 0 ${keep} text)
    endwhile()
    set(${text_variable} "${text}" PARENT_SCOPE)
endfunction()

file(READ "${INPUT}" rest)
string(REPLACE "\r\n" "\n" rest "${rest}")
set(mark "\n-- name:")
set(rest "\n${rest}")

string(FIND "${rest}" "${mark}" start)
string(SUBSTRING "${rest}" 0 ${start} preamble)
strip_outer_comments(preamble)
if(NOT preamble STREQUAL "")
    refuse("there is SQL before the first line `-- name: ...`")
endif()

set(names "")
set(constants "")
set(table "")
while(NOT start EQUAL -1)
    math(EXPR start "${start} + 9")
    string(SUBSTRING "${rest}" ${start} -1 rest)
    string(FIND "${rest}" "${mark}" start)
    string(SUBSTRING "${rest}" 0 ${start} block)

    if(NOT block MATCHES "^ ([a-z][a-z0-9_]*)[ \t]*(\n|$)")
        string(REGEX MATCH "^[^\n]*" line "${block}")
        refuse("`-- name:${line}`: a name is one space and then lower-case letters, digits and _")
    endif()
    set(name "${CMAKE_MATCH_1}")
    string(LENGTH "${CMAKE_MATCH_0}" length)
    string(SUBSTRING "${block}" ${length} -1 sql)
    strip_outer_comments(sql)
    if(sql STREQUAL "")
        refuse("${name}: the block has no SQL")
    endif()
    if(name IN_LIST names)
        refuse("${name}: the name is used twice")
    endif()
    if(name STREQUAL "all")
        refuse("all: the name is taken by the list of all queries")
    endif()
    list(APPEND names "${name}")

    cpp_literal(literal sql)
    string(APPEND constants "inline constexpr std::string_view ${name} =\n    " "${literal}" ";\n\n")
    string(APPEND table "    NamedQuery{\"${name}\", ${name}},\n")
endwhile()

list(LENGTH names count)
get_filename_component(input_name "${INPUT}" NAME)
set(header "// Made from ${input_name} by the build. Do not edit.\n#pragma once\n\n")
string(APPEND header "#include <array>\n#include <string_view>\n\n"
    "namespace ${NAMESPACE} {\n\n"
    "struct NamedQuery {\n    std::string_view name;\n    std::string_view sql;\n};\n\n"
    "${constants}"
    "// Every query of the file, in its order.\n"
    "inline constexpr std::array<NamedQuery, ${count}> all{\n${table}};\n\n"
    "} // namespace ${NAMESPACE}\n")
write_if_different("${OUTPUT}" header)
