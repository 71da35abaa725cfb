# Language, warnings, sanitizers and the compiler cache, for every target of the project.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # The sloppiness lets ccache serve objects that were built with a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        "${CCACHE_PROGRAM}")
endif()

add_library(jobrunner_compiler INTERFACE)
target_compile_options(jobrunner_compiler INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # gcc 12 sees overlapping and overlong copies in its own std::string (gcc bugs 105651, 105329).
    target_compile_options(jobrunner_compiler INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(JOBRUNNER_WERROR)
    target_compile_options(jobrunner_compiler INTERFACE -Werror)
endif()
if(JOBRUNNER_SANITIZE)
    target_compile_options(jobrunner_compiler INTERFACE "-fsanitize=${JOBRUNNER_SANITIZE}" -fno-omit-frame-pointer)
    target_link_options(jobrunner_compiler INTERFACE "-fsanitize=${JOBRUNNER_SANITIZE}")
    # With the sanitizers' code in between gcc loses track of what an optional holds, and calls it uninitialised.
    target_compile_options(jobrunner_compiler INTERFACE -Wno-maybe-uninitialized)
endif()
if(JOBRUNNER_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(jobrunner_compiler INTERFACE -fpch-preprocess)
endif()
