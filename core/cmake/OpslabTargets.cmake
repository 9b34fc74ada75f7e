# How targets of this project are made: one function for each kind, nothing global but the language.
include(GNUInstallDirs)

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# the time goes to the database and the kernel: -O3 would only lengthen the build
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
# what only opslab itself starts or loads; programs find it by their own place, `../lib/opslab`, so
# it is never a folder of the machine's architecture
set(OPSLAB_PRIVATE_DIR lib/opslab)
set(OPSLAB_PLUGIN_DIR "${PROJECT_BINARY_DIR}/lib/opslab/plugins")
set(OPSLAB_TEST_PLUGIN_DIR "${PROJECT_BINARY_DIR}/tests/plugins")

# a comma cannot stand inside a generator expression
string(REPLACE "," "_" OPSLAB_SANITIZE_NAME "${OPSLAB_SANITIZE}")

# What our own code is compiled with; libraries are SYSTEM and stay out of it. Not
# -Wnull-dereference and -Wrestrict: optimising gcc 12 sees both inside its own library (PR 105651),
# inlined into us.
add_library(opslab_warnings INTERFACE)
add_library(opslab::warnings ALIAS opslab_warnings)
target_compile_options(opslab_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Werror $<$<C_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-overlength-strings>  # embedded documents
  $<$<COMPILE_LANGUAGE:CXX>:-Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor
    -Woverloaded-virtual -Wunused-result>)
target_compile_features(opslab_warnings INTERFACE cxx_std_20)
if(CMAKE_UNITY_BUILD)
  # Most of the time of a build goes into headers: the presets for whole builds compile several files
  # of a target at once (dev does not, which keeps each file honest about its includes). There gcc
  # takes a source file for a header when it looks for anonymous types in classes.
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 10)
  target_compile_options(opslab_warnings INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()

if(OPSLAB_SANITIZE)
  # without vptr: SOCI keeps the type information of its classes to itself
  add_compile_options(-fsanitize=${OPSLAB_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all -fno-sanitize=vptr)
  add_link_options(-fsanitize=${OPSLAB_SANITIZE})
endif()

# opslab_add_area(NAME SOURCES … DEPENDS … LIBRARIES …)
# A private area of core/src: target opslab_NAME, alias opslab::NAME. DEPENDS are other areas (in
# its headers); LIBRARIES are outside libraries (in its sources only).
function(opslab_add_area NAME)
  cmake_parse_arguments(AREA "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(opslab_${NAME} STATIC ${AREA_SOURCES})
  add_library(opslab::${NAME} ALIAS opslab_${NAME})
  target_include_directories(opslab_${NAME} PUBLIC "${PROJECT_SOURCE_DIR}/core/src")
  target_link_libraries(opslab_${NAME} PUBLIC ${AREA_DEPENDS} PRIVATE opslab::warnings
    ${AREA_LIBRARIES})
  target_compile_features(opslab_${NAME} PUBLIC cxx_std_20)
endfunction()

# opslab_add_plugin(NAME [TEST] SOURCES … LIBRARIES …)
# A loadable plugin NAME.so: hidden symbols, nothing left unresolved.
function(opslab_add_plugin NAME)
  cmake_parse_arguments(PLUGIN "TEST" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${NAME} MODULE ${PLUGIN_SOURCES})
  set_target_properties(${NAME} PROPERTIES
    PREFIX "" OUTPUT_NAME ${NAME}
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${NAME} PRIVATE opslab::sdk opslab::warnings ${PLUGIN_LIBRARIES})
  target_compile_definitions(${NAME} PRIVATE OPSLAB_PLUGIN_VERSION="${PROJECT_VERSION}")
  if(NOT OPSLAB_SANITIZE)
    # a sanitizer's runtime is resolved from the host, so its plugins do have open symbols
    target_link_options(${NAME} PRIVATE -Wl,-z,defs)
  endif()
  if(PLUGIN_TEST)
    set_target_properties(${NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${OPSLAB_TEST_PLUGIN_DIR}")
  else()
    set_target_properties(${NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${OPSLAB_PLUGIN_DIR}")
    install(TARGETS ${NAME} LIBRARY DESTINATION "${OPSLAB_PRIVATE_DIR}/plugins")
  endif()
endfunction()

# opslab_add_tests(LAYER NAME SOURCES … LIBRARIES … DEPENDS … [TIMEOUT seconds] [WHOLE])
# A test program NAME whose cases carry the CTest label LAYER. DEPENDS are targets that it starts or
# loads at run time. WHOLE: its cases run in one process, since they share something that is slow to
# start. Paths of this build reach the tests as macros.
function(opslab_add_tests LAYER NAME)
  cmake_parse_arguments(TESTS "WHOLE" "TIMEOUT" "SOURCES;LIBRARIES;DEPENDS" ${ARGN})
  if(NOT TESTS_TIMEOUT)
    set(TESTS_TIMEOUT 60)
  endif()
  add_executable(${NAME} ${TESTS_SOURCES})
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  target_link_libraries(${NAME} PRIVATE opslab::warnings ${TESTS_LIBRARIES} GTest::gmock_main)
  target_include_directories(${NAME} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  # what is tested is compiled as it ships; the tests themselves need only compile fast
  target_compile_options(${NAME} PRIVATE -O0)
  target_compile_definitions(${NAME} PRIVATE
    OPSLAB_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    OPSLAB_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
    OPSLAB_PLUGIN_DIR="${OPSLAB_PLUGIN_DIR}"
    OPSLAB_TEST_PLUGIN_DIR="${OPSLAB_TEST_PLUGIN_DIR}")
  if(TESTS_DEPENDS)
    add_dependencies(${NAME} ${TESTS_DEPENDS})
  endif()
  if(TESTS_WHOLE)
    add_test(NAME ${NAME} COMMAND ${NAME})
    set_tests_properties(${NAME} PROPERTIES LABELS ${LAYER} TIMEOUT ${TESTS_TIMEOUT})
    return()
  endif()
  gtest_discover_tests(${NAME} DISCOVERY_TIMEOUT 30
    PROPERTIES LABELS ${LAYER} TIMEOUT ${TESTS_TIMEOUT})
endfunction()

# opslab_embed(TARGET FILES … [SQL file …])
# Turns text files into `<name>.inc.hpp`-like C++ tables; see core/cmake/embed.cmake.
function(opslab_embed_text TARGET NAMESPACE)
  foreach(file IN LISTS ARGN)
    get_filename_component(stem "${file}" NAME)
    string(MAKE_C_IDENTIFIER "${stem}" symbol)
    # one before a digit is not wanted: the symbol begins with a k of its own
    string(REGEX REPLACE "^_" "" symbol "${symbol}")
    set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded/${symbol}.hpp")
    add_custom_command(OUTPUT "${output}"
      COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file} -DOUTPUT=${output}
        -DSYMBOL=${symbol} -DNAMESPACE=${NAMESPACE} -P ${PROJECT_SOURCE_DIR}/core/cmake/embed.cmake
      DEPENDS "${file}" "${PROJECT_SOURCE_DIR}/core/cmake/embed.cmake" VERBATIM)
    target_sources(${TARGET} PRIVATE "${output}")
  endforeach()
  target_include_directories(${TARGET} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/embedded")
endfunction()
