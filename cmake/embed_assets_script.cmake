# cmake -D LIST=assets.list -D OUTPUT=assets_data.cpp -P embed_assets_script.cmake
#
# The list names one file a line. Each becomes an array of bytes with its media type and a hash of its contents.
cmake_minimum_required(VERSION 3.25)

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_json "application/json")
set(type_svg "image/svg+xml")

file(STRINGS "${LIST}" files)
set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME)
    string(REGEX MATCH "[a-z]+$" extension "${name}")
    if(NOT DEFINED type_${extension})
        message(FATAL_ERROR "${file}: has no known media type; html, css, js, json or svg was expected")
    endif()
    file(READ "${file}" hex HEX)
    file(SHA256 "${file}" hash)
    string(SUBSTRING "${hash}" 0 16 hash)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "const unsigned char bytes_${number}[] = {${bytes}0};\n")
    string(APPEND table
        "    {\"${name}\", \"${type_${extension}}\", \"${hash}\",\n"
        "        {reinterpret_cast<const char*>(bytes_${number}), sizeof bytes_${number} - 1}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}"
    "// Made from src/web/assets by the build. Do not edit.\n#include \"web/asset.hpp\"\n\n"
    "namespace jobrunner {\nnamespace {\n\n${arrays}\nconst Asset table[] = {\n${table}};\n\n} // namespace\n\n"
    "std::span<const Asset> embedded_assets()\n{\n    return table;\n}\n\n} // namespace jobrunner\n")
