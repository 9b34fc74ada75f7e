# opslab_storage_interface(OUT HEADER...): a word that changes with the code of these headers, not with
# their comments and blanks. It is what tells a storage of another opslab from one that fits.
function(opslab_storage_interface OUT)
  set(code "")
  foreach(header IN LISTS ARGN)
    # a change of the header runs CMake again
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
    file(READ "${header}" text)
    string(REGEX REPLACE "//[^\n]*" " " text "${text}")
    string(REGEX REPLACE "[ \t\r\n]+" " " text "${text}")
    string(STRIP "${text}" text)
    string(APPEND code "${text}\n")
  endforeach()
  string(SHA256 hash "${code}")
  string(SUBSTRING "${hash}" 0 16 hash)
  set(${OUT} "${hash}" PARENT_SCOPE)
endfunction()
