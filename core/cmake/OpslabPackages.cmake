# The Debian packages: `opslab` (install component program) and `opslab-sdk-dev` (component sdk).
# scripts/package makes them.
set(packaging "${PROJECT_SOURCE_DIR}/core/packaging")

# Relative to the prefix, as everything: under /usr the packages move `etc` to its place (below).
install(FILES "${packaging}/opslab.yaml" DESTINATION etc/opslab)
install(FILES "${packaging}/systemd/opslab.service" "${packaging}/systemd/opslab-worker@.service"
  DESTINATION lib/systemd/system)

# docs that are of both go to the program
set(documents "${PROJECT_SOURCE_DIR}/docs")
install(FILES "${PROJECT_SOURCE_DIR}/README.md" DESTINATION share/doc/opslab)
install(DIRECTORY "${documents}/" DESTINATION share/doc/opslab FILES_MATCHING PATTERN "*.md"
  PATTERN "*.yml" PATTERN "*.json")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/config" DESTINATION share/doc/opslab/examples)
install(FILES "${documents}/sdk.md" DESTINATION share/doc/opslab-sdk-dev COMPONENT sdk)
foreach(guide IN ITEMS writing-a-runner.md writing-a-storage.md plugin-abi.md)
  install(FILES "${documents}/${guide}" DESTINATION share/doc/opslab-sdk-dev COMPONENT sdk OPTIONAL)
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/" DESTINATION share/doc/opslab-sdk-dev/examples
  COMPONENT sdk USE_SOURCE_PERMISSIONS PATTERN build EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME opslab)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(OPSLAB_PACKAGE_CONTACT "opslab maintainers <maintainers@opslab.invalid>" CACHE STRING
  "Who answers for the packages, as Debian writes it; whoever gives them to others says so here")
set(CPACK_PACKAGE_CONTACT "${OPSLAB_PACKAGE_CONTACT}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL program sdk)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/core/cmake/finish_packages.cmake")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME opslab)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION net)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "coordinator for AIOpsLab tasks
Takes tasks over REST, keeps them in SQLite or PostgreSQL so that nothing
acknowledged is lost, and has workers run them in processes, Docker
containers or kind clusters. Every step, log and reward is kept.

With the services opslab and opslab-worker@, the plugins and a simulated
driver to try them with.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "docker.io, postgresql")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA
  "${packaging}/debian/conffiles" "${packaging}/debian/postinst" "${packaging}/debian/prerm"
  "${packaging}/debian/postrm")

set(CPACK_DEBIAN_SDK_PACKAGE_NAME opslab-sdk-dev)
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_SDK_DESCRIPTION "files for authors of opslab's plugins
Headers, archives, a CMake package, pkg-config files, the conformance
suites and an example: all that a runner or a storage of one's own is
built with.")
set(CPACK_DEBIAN_SDK_PACKAGE_DEPENDS libexpected-dev)
set(CPACK_DEBIAN_SDK_PACKAGE_RECOMMENDS
  "opslab (= ${PROJECT_VERSION}), cmake (>= 3.24), g++, nlohmann-json3-dev")
set(CPACK_DEBIAN_SDK_PACKAGE_SUGGESTS
  "libcurl4-openssl-dev, libgmock-dev, libgtest-dev, libsoci-dev, pkg-config")

include(CPack)
