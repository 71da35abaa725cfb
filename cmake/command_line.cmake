# The program `jobrunner`: cli/main.cpp over a library of the other files in cli/, so that
# tests/cli can link the same objects.

file(GLOB cli_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/cli/*.cpp" "${PROJECT_SOURCE_DIR}/cli/*/*.cpp")
set(cli_main "${PROJECT_SOURCE_DIR}/cli/main.cpp")
list(REMOVE_ITEM cli_sources "${cli_main}")

set(scope INTERFACE)
if(cli_sources)
    set(scope PUBLIC)
    add_library(jobrunner_cli STATIC ${cli_sources})
    target_link_libraries(jobrunner_cli PRIVATE jobrunner_compiler)
    # CLI11 and JSON cost each file six seconds, whatever it says: together they cost a third of that.
    set_target_properties(jobrunner_cli PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 24)
    if(JOBRUNNER_PCH)
        target_precompile_headers(jobrunner_cli PRIVATE <nlohmann/json.hpp> <CLI/CLI.hpp>)
    endif()
else()
    add_library(jobrunner_cli INTERFACE)
endif()
target_include_directories(jobrunner_cli ${scope} "${PROJECT_SOURCE_DIR}")
target_compile_definitions(jobrunner_cli ${scope} JOBRUNNER_VERSION="${PROJECT_VERSION}")
target_link_libraries(jobrunner_cli ${scope} jobrunner_worker jobrunner_web CLI11::CLI11 spdlog::spdlog)

if(EXISTS "${cli_main}")
    add_executable(jobrunner "${cli_main}")
    target_link_libraries(jobrunner PRIVATE jobrunner_cli jobrunner_compiler)
else()
    message(STATUS "cli/main.cpp does not exist yet: the program is not built")
endif()
