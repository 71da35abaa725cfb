# What `cmake --install` puts where.

include(CMakePackageConfigHelpers)
set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/jobrunner")
set(data_folder "${CMAKE_INSTALL_DATADIR}/jobrunner")

if(TARGET jobrunner)
    install(TARGETS jobrunner RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(
    TARGETS jobrunner_core jobrunner_config jobrunner_executor jobrunner_storage jobrunner_worker
        jobrunner_client jobrunner_library
    EXPORT jobrunner_targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT jobrunner_targets NAMESPACE jobrunner:: FILE jobrunnerTargets.cmake DESTINATION "${config_folder}")

configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/jobrunnerConfig.cmake.in" "${PROJECT_BINARY_DIR}/jobrunnerConfig.cmake"
    INSTALL_DESTINATION "${config_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/jobrunnerConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
    FILES "${PROJECT_BINARY_DIR}/jobrunnerConfig.cmake" "${PROJECT_BINARY_DIR}/jobrunnerConfigVersion.cmake"
    DESTINATION "${config_folder}")

install(DIRECTORY DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/include")
    install(DIRECTORY include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
endif()
foreach(folder IN ITEMS examples schema)
    if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}")
        install(DIRECTORY ${folder} DESTINATION "${data_folder}" USE_SOURCE_PERMISSIONS)
    endif()
endforeach()
install(FILES packaging/prometheus/jobrunner.rules.yml packaging/grafana/jobrunner.json DESTINATION "${data_folder}")

# The manual pages say what the program and docs/configuration.md say.
if(TARGET jobrunner)
    set(man_folder "${PROJECT_BINARY_DIR}/man")
    set(man_pages "${man_folder}/jobrunner.1" "${man_folder}/jobrunner.toml.5")
    add_custom_command(OUTPUT ${man_pages}
        COMMAND "${PROJECT_SOURCE_DIR}/scripts/man_pages" "$<TARGET_FILE:jobrunner>" "${man_folder}"
        DEPENDS jobrunner "${PROJECT_SOURCE_DIR}/scripts/man_pages" "${PROJECT_SOURCE_DIR}/docs/configuration.md"
            "${PROJECT_SOURCE_DIR}/docs/cli.md"
        COMMENT "Making the manual pages" VERBATIM)
    add_custom_target(man_pages ALL DEPENDS ${man_pages})
    install(FILES "${man_folder}/jobrunner.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
    install(FILES "${man_folder}/jobrunner.toml.5" DESTINATION "${CMAKE_INSTALL_MANDIR}/man5")
endif()
