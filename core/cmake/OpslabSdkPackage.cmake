# The SDK as others find it: headers, archives, a CMake package and pkg-config files, all in the
# install component `sdk`.
include(CMakePackageConfigHelpers)

set(OPSLAB_SDK_COMPONENT sdk)
set(OPSLAB_SDK_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/opslab-sdk")

# opslab_install_sdk_part(TARGET): the target, its FILE_SET of headers, and a file of its export,
# named by the target: opslab_sdk_exec gives opslab-sdk-exec-targets.cmake.
function(opslab_install_sdk_part TARGET)
  string(REPLACE "_" "-" part "${TARGET}")
  get_target_property(headers ${TARGET} INTERFACE_HEADER_SETS)
  set(file_set "")
  if(headers)
    set(file_set FILE_SET HEADERS COMPONENT ${OPSLAB_SDK_COMPONENT})
  endif()
  install(TARGETS ${TARGET} EXPORT ${part}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT ${OPSLAB_SDK_COMPONENT}
    ${file_set})
  install(EXPORT ${part} NAMESPACE opslab:: FILE ${part}-targets.cmake
    DESTINATION "${OPSLAB_SDK_CMAKE_DIR}" COMPONENT ${OPSLAB_SDK_COMPONENT})
endfunction()

# The package's own files, beside the parts.
function(opslab_install_sdk_package)
  configure_package_config_file(cmake/opslab-sdk-config.cmake.in opslab-sdk-config.cmake
    INSTALL_DESTINATION "${OPSLAB_SDK_CMAKE_DIR}" NO_SET_AND_CHECK_MACRO)
  # until 1.0 a new minor version may break what was built before
  write_basic_package_version_file(opslab-sdk-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES
    "${CMAKE_CURRENT_BINARY_DIR}/opslab-sdk-config.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/opslab-sdk-config-version.cmake"
    "${PROJECT_SOURCE_DIR}/core/cmake/FindSOCI.cmake"
    DESTINATION "${OPSLAB_SDK_CMAKE_DIR}" COMPONENT ${OPSLAB_SDK_COMPONENT})
  # pkg-config files say where things are from where they are themselves: a prefix can be moved
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  set(OPSLAB_SDK_PREFIX "\${pcfiledir}/${up}")
  foreach(name IN ITEMS opslab-sdk opslab-sdk-exec)
    configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc"
      DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT ${OPSLAB_SDK_COMPONENT})
  endforeach()
endfunction()
