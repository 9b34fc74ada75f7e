# Run by CPack in its staging folder, one subfolder for each package: what Debian wants beyond what
# `cmake --install` puts there.
set(packaging "${CMAKE_CURRENT_LIST_DIR}/../packaging/debian")
set(stage "${CPACK_TEMPORARY_DIRECTORY}")

file(RENAME "${stage}/program/usr/etc" "${stage}/program/etc")
file(COPY "${packaging}/opslab.lintian-overrides"
  DESTINATION "${stage}/program/usr/share/lintian/overrides")
file(RENAME "${stage}/program/usr/share/lintian/overrides/opslab.lintian-overrides"
  "${stage}/program/usr/share/lintian/overrides/opslab")

# the time of the last change, so that the same source gives the same package
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  set(when "$ENV{SOURCE_DATE_EPOCH}")
else()
  execute_process(COMMAND git -C "${CMAKE_CURRENT_LIST_DIR}" log -1 --format=%ct
    OUTPUT_VARIABLE when OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(when STREQUAL "")
  string(TIMESTAMP when "%s" UTC)
endif()
set(ENV{SOURCE_DATE_EPOCH} "${when}")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)

foreach(pair IN ITEMS program:opslab sdk:opslab-sdk-dev)
  string(REGEX REPLACE ":.*" "" component "${pair}")
  string(REGEX REPLACE ".*:" "" package "${pair}")
  set(documents "${stage}/${component}/usr/share/doc/${package}")
  file(COPY "${packaging}/copyright" DESTINATION "${documents}")
  file(WRITE "${documents}/changelog" "${package} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
    "  * Made from the source of this version; its CHANGELOG.md says what is new.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
  # manual pages and the change log are compressed, without a time of their own
  file(GLOB_RECURSE texts "${stage}/${component}/usr/share/man/*.[1-8]")
  foreach(text IN LISTS texts ITEMS "${documents}/changelog")
    execute_process(COMMAND gzip -9n "${text}" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endforeach()
