# jobrunner_layer(NAME FOLDERS folder... [SOURCES file...] LINKS target... [PRECOMPILE header...] [TOGETHER n])
#
# Makes the static library jobrunner_NAME of all *.cpp in the folders. Includes are relative to
# src/ and include/. While a layer has no sources it is an INTERFACE library, so that what
# stands above it can be built already. TOGETHER compiles n files at a time: every file that is compiled with the
# heavy headers first pays some seconds for the templates that they leave open.
function(jobrunner_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 layer "" "TOGETHER" "FOLDERS;SOURCES;LINKS;PRECOMPILE")
    set(sources ${layer_SOURCES})
    foreach(folder IN LISTS layer_FOLDERS)
        file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
        list(APPEND sources ${found})
    endforeach()

    set(target jobrunner_${name})
    set(scope INTERFACE)
    if(sources)
        set(scope PUBLIC)
        add_library(${target} STATIC ${sources})
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:jobrunner_compiler>)
        if(layer_TOGETHER)
            set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${layer_TOGETHER})
        endif()
        if(JOBRUNNER_PCH AND layer_PRECOMPILE)
            target_precompile_headers(${target} PRIVATE ${layer_PRECOMPILE})
        endif()
    else()
        add_library(${target} INTERFACE)
    endif()
    target_compile_features(${target} ${scope} cxx_std_20)
    target_include_directories(${target} ${scope}
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>"
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    target_link_libraries(${target} ${scope} ${layer_LINKS})
endfunction()
