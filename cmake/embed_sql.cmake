# jobrunner_embed_sql(OUT_FILES)
#
# Turns the project's .sql files into C++ below generated/ in the build directory, and makes
# them anew when an .sql file changes:
#   src/storage/BACKEND/queries.sql   -> storage/BACKEND/queries.hpp
#   migrations/BACKEND/NNNN_name.sql  -> storage/migrations_data.hpp and .cpp
# OUT_FILES receives what the storage library has to list among its sources.
function(jobrunner_embed_sql out_files)
    set(generated "${PROJECT_BINARY_DIR}/generated/storage")
    set(made "")

    foreach(backend IN ITEMS postgres sqlite)
        file(GLOB queries CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/storage/${backend}/queries.sql")
        if(queries)
            set(script "${PROJECT_SOURCE_DIR}/cmake/embed_queries_script.cmake")
            set(header "${generated}/${backend}/queries.hpp")
            add_custom_command(OUTPUT "${header}"
                COMMAND "${CMAKE_COMMAND}" -D "INPUT=${queries}" -D "OUTPUT=${header}"
                    -D "NAMESPACE=jobrunner::${backend}::queries" -P "${script}"
                DEPENDS "${queries}" "${script}" "${PROJECT_SOURCE_DIR}/cmake/cpp_literal.cmake"
                COMMENT "Embedding src/storage/${backend}/queries.sql"
                VERBATIM)
            list(APPEND made "${header}")
        endif()
    endforeach()

    file(GLOB migrations CONFIGURE_DEPENDS
        "${PROJECT_SOURCE_DIR}/migrations/postgres/*.sql" "${PROJECT_SOURCE_DIR}/migrations/sqlite/*.sql")
    set(script "${PROJECT_SOURCE_DIR}/cmake/embed_migrations_script.cmake")
    # The list of names is an input too: a removed file must change the output.
    list(JOIN migrations "\n" migrations_list)
    set(list_file "${PROJECT_BINARY_DIR}/generated/migrations.list")
    file(CONFIGURE OUTPUT "${list_file}" CONTENT "${migrations_list}\n")
    add_custom_command(
        OUTPUT "${generated}/migrations_data.hpp" "${generated}/migrations_data.cpp"
        COMMAND "${CMAKE_COMMAND}" -D "MIGRATIONS=${PROJECT_SOURCE_DIR}/migrations"
            -D "OUTPUT=${generated}/migrations_data" -P "${script}"
        DEPENDS ${migrations} "${list_file}" "${script}" "${PROJECT_SOURCE_DIR}/cmake/cpp_literal.cmake"
        COMMENT "Embedding migrations"
        VERBATIM)
    list(APPEND made "${generated}/migrations_data.hpp" "${generated}/migrations_data.cpp")

    set(${out_files} "${made}" PARENT_SCOPE)
endfunction()
