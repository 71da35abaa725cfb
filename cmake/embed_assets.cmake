# jobrunner_embed_assets(OUT_FILES)
#
# Turns the files of src/web/assets, and the library that draws charts, into C++ below generated/ in the build
# directory: web/assets_data.cpp, which src/web/asset.hpp declares. OUT_FILES receives what the web library has to list.
function(jobrunner_embed_assets out_files)
    file(GLOB assets CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/web/assets/*")
    list(APPEND assets "${JOBRUNNER_CHART_JS}")
    set(script "${PROJECT_SOURCE_DIR}/cmake/embed_assets_script.cmake")
    set(list_file "${PROJECT_BINARY_DIR}/generated/assets.list")
    list(JOIN assets "\n" assets_list)
    file(CONFIGURE OUTPUT "${list_file}" CONTENT "${assets_list}\n")
    set(made "${PROJECT_BINARY_DIR}/generated/web/assets_data.cpp")
    add_custom_command(OUTPUT "${made}"
        COMMAND "${CMAKE_COMMAND}" -D "LIST=${list_file}" -D "OUTPUT=${made}" -P "${script}"
        DEPENDS ${assets} "${list_file}" "${script}"
        COMMENT "Embedding src/web/assets"
        VERBATIM)
    set(${out_files} "${made}" PARENT_SCOPE)
endfunction()
