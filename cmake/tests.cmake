# Tests: one doctest program per folder of tests/, and every executable script in tests/e2e/.
# A test that returns 77 was skipped. A folder may have a main.cpp of its own, which builds on
# tests/doctest_main.cpp.

find_package(doctest REQUIRED)

set(test_environment "JOBRUNNER_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "JOBRUNNER_ALLOW_ROOT=1")
if(TARGET jobrunner)
    list(APPEND test_environment "JOBRUNNER_BIN=$<TARGET_FILE:jobrunner>")
endif()

function(jobrunner_test folder)
    cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT" "LINKS;SHARES")
    file(GLOB sources CONFIGURE_DEPENDS
        "${PROJECT_SOURCE_DIR}/tests/${folder}/*.cpp" "${PROJECT_SOURCE_DIR}/tests/${folder}/*/*.cpp")
    if(NOT sources)
        return()
    endif()
    set(main "${PROJECT_SOURCE_DIR}/tests/${folder}/main.cpp")
    if(NOT EXISTS "${main}")
        set(main "${PROJECT_SOURCE_DIR}/tests/doctest_main.cpp")
        list(APPEND sources "${main}")
    endif()
    foreach(shared IN LISTS test_SHARES)
        list(APPEND sources "${PROJECT_SOURCE_DIR}/tests/${shared}")
    endforeach()
    add_executable(${folder}_tests ${sources})
    target_include_directories(${folder}_tests PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${folder}_tests PRIVATE ${test_LINKS} doctest::doctest jobrunner_compiler)
    if(JOBRUNNER_PCH)
        target_precompile_headers(${folder}_tests PRIVATE <doctest/doctest.h> <nlohmann/json.hpp>)
        set_source_files_properties("${main}"
            PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
    add_test(NAME ${folder}_tests COMMAND ${folder}_tests)
    set_tests_properties(${folder}_tests PROPERTIES
        TIMEOUT ${test_TIMEOUT} SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
endfunction()

jobrunner_test(core TIMEOUT 60 LINKS jobrunner_core)
jobrunner_test(config TIMEOUT 60 LINKS jobrunner_config)
jobrunner_test(executor TIMEOUT 400 LINKS jobrunner_executor jobrunner_config)
jobrunner_test(storage TIMEOUT 600 LINKS jobrunner_storage)
jobrunner_test(worker TIMEOUT 180 LINKS jobrunner_worker jobrunner_client SHARES cli/fake_storage.cpp)
jobrunner_test(client TIMEOUT 180 LINKS jobrunner_client)
jobrunner_test(web TIMEOUT 60 LINKS jobrunner_web SHARES cli/fake_storage.cpp)
jobrunner_test(cli TIMEOUT 180 LINKS jobrunner_cli)
jobrunner_test(library TIMEOUT 180 LINKS jobrunner_library)

# Driven by scripts as the program of an application would be.
add_executable(worker_example "${PROJECT_SOURCE_DIR}/examples/cpp/worker.cpp")
target_link_libraries(worker_example PRIVATE jobrunner::jobrunner jobrunner_compiler)
list(APPEND test_environment "JOBRUNNER_WORKER_EXAMPLE=$<TARGET_FILE:worker_example>")

# A script may say in its first lines `# ctest: serial` (run with nothing beside it) and
# `# ctest: timeout=SECONDS`.
function(jobrunner_script_test script)
    get_filename_component(name "${script}" NAME_WE)
    add_test(NAME e2e_${name} COMMAND "${script}")
    set(timeout 180)
    file(READ "${script}" head LIMIT 2000)
    if(head MATCHES "# ctest: timeout=([0-9]+)")
        set(timeout ${CMAKE_MATCH_1})
    endif()
    set_tests_properties(e2e_${name} PROPERTIES
        TIMEOUT ${timeout} SKIP_RETURN_CODE 77 ENVIRONMENT "${test_environment}")
    if(head MATCHES "# ctest: serial")
        set_tests_properties(e2e_${name} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()

file(GLOB scripts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/e2e/*.sh")
foreach(script IN LISTS scripts)
    execute_process(COMMAND test -x "${script}" RESULT_VARIABLE not_executable)
    if(not_executable)
        message(STATUS "not a test, because not executable: ${script}")
    elseif(TARGET jobrunner)
        jobrunner_script_test("${script}")
    endif()
endforeach()

add_test(NAME embed_sql COMMAND "${PROJECT_SOURCE_DIR}/tests/build/embed_sql_test.sh")
set_tests_properties(embed_sql PROPERTIES TIMEOUT 60 ENVIRONMENT "${test_environment}")
