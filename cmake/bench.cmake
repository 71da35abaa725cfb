# Each bench/NAME.cpp is one program, bench_NAME.

file(GLOB bench_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/*.cpp")
foreach(source IN LISTS bench_sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable(bench_${name} "${source}")
    target_link_libraries(bench_${name} PRIVATE jobrunner_library CLI11::CLI11 jobrunner_compiler)
endforeach()
