# cmake -D MIGRATIONS=folder -D OUTPUT=path/migrations_data -P embed_migrations_script.cmake
#
# Writes OUTPUT.hpp and OUTPUT.cpp from folder/{postgres,sqlite}/NNNN_name.sql, in the order
# of their numbers.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/cpp_literal.cmake")

set(header [[
// Made from the migrations by the build. Do not edit.
#pragma once

#include <span>
#include <string_view>

namespace jobrunner {

// One file of migrations/BACKEND/, NNNN_name.sql.
struct EmbeddedMigration {
    int number;
    std::string_view name;
    std::string_view sql;
};

// All migrations of a backend, lowest number first.
std::span<const EmbeddedMigration> postgres_migrations();
std::span<const EmbeddedMigration> sqlite_migrations();

} // namespace jobrunner
]])

set(source "// Made from the migrations by the build. Do not edit.\n")
string(APPEND source "#include \"storage/migrations_data.hpp\"\n\n#include <array>\n\nnamespace jobrunner {\n\n")

foreach(backend IN ITEMS postgres sqlite)
    file(GLOB files "${MIGRATIONS}/${backend}/*.sql")
    list(SORT files)
    set(numbers "")
    set(entries "")
    foreach(file IN LISTS files)
        get_filename_component(base "${file}" NAME_WLE)
        if(NOT base MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
            message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
        endif()
        set(digits "${CMAKE_MATCH_1}")
        set(name "${CMAKE_MATCH_2}")
        # Leading zeros would make the number octal in C++.
        string(REGEX REPLACE "^0+" "" number "${digits}")
        if(number STREQUAL "" OR number IN_LIST numbers)
            message(FATAL_ERROR "${file}: numbers begin at 0001 and each is used once")
        endif()
        list(APPEND numbers ${number})

        file(READ "${file}" sql)
        string(REPLACE "\r\n" "\n" sql "${sql}")
        cpp_literal(literal sql)
        string(APPEND entries "    EmbeddedMigration{${number}, \"${name}\",\n    " "${literal}" "},\n")
    endforeach()
    list(LENGTH numbers count)
    string(APPEND source
        "std::span<const EmbeddedMigration> ${backend}_migrations()\n{\n"
        "    static constexpr std::array<EmbeddedMigration, ${count}> migrations{\n"
        "${entries}"
        "    };\n    return migrations;\n}\n\n")
endforeach()
string(APPEND source "} // namespace jobrunner\n")

write_if_different("${OUTPUT}.hpp" header)
write_if_different("${OUTPUT}.cpp" source)
