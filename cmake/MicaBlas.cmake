# Finds the BLAS. mica loads it with dlopen at first use, after setting its threads to 1, and never links it; so all that
# is needed here is a file, for mica_config.h and for make install:
#   mica_blas_path    the shared library       mica_blas_file     the name it is loaded by
#   mica_blas_prefix  what its symbols start with              mica_blas_bundled  install copies it beside libmica
if(MICA_BLAS)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(MICA_SYSTEM_BLAS REQUIRED ${MICA_BLAS})
  list(GET MICA_SYSTEM_BLAS_LIBRARIES 0 mica_blas_name)
  find_library(MICA_SYSTEM_BLAS_FILE ${mica_blas_name} HINTS ${MICA_SYSTEM_BLAS_LIBRARY_DIRS} REQUIRED)
  set(mica_blas_path "${MICA_SYSTEM_BLAS_FILE}")
  set(mica_blas_prefix "")
  set(mica_blas_bundled OFF)
  execute_process(COMMAND ${CMAKE_OBJDUMP} -p "${mica_blas_path}" OUTPUT_VARIABLE mica_blas_dump ERROR_QUIET)
  if(mica_blas_dump MATCHES "SONAME +([^ \n]+)")
    set(mica_blas_file "${CMAKE_MATCH_1}")
  else()
    get_filename_component(mica_blas_file "${mica_blas_path}" NAME)
  endif()
else()
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
      "import importlib.util as u, os; print(os.path.dirname(u.find_spec('scipy_openblas32').origin), end='')"
    OUTPUT_VARIABLE mica_blas_package ERROR_QUIET)
  file(GLOB mica_blas_found "${mica_blas_package}/lib/libscipy_openblas.so" "${mica_blas_package}/lib/libscipy_openblas.dylib")
  if(NOT mica_blas_package OR NOT mica_blas_found)
    message(FATAL_ERROR "${Python_EXECUTABLE} has no scipy-openblas32: run scripts/setup, or pass -DMICA_BLAS=<pkg-config name> for the system's BLAS")
  endif()
  list(GET mica_blas_found 0 mica_blas_path)
  get_filename_component(mica_blas_file "${mica_blas_path}" NAME)
  set(mica_blas_prefix "scipy_")
  set(mica_blas_bundled ON)
endif()

execute_process(COMMAND ${CMAKE_NM} -D "${mica_blas_path}" OUTPUT_VARIABLE mica_blas_symbols ERROR_QUIET)
foreach(symbol cblas_sgemm dgesdd_)
  if(mica_blas_symbols AND NOT mica_blas_symbols MATCHES " ${mica_blas_prefix}${symbol}\n")
    message(FATAL_ERROR "${mica_blas_path} has no ${mica_blas_prefix}${symbol}: mica needs CBLAS and LAPACK in one library")
  endif()
endforeach()
unset(mica_blas_symbols)

# Where else than in the folder mica/ beside itself the library looks, in this order. A wheel looks nowhere else: it is built
# in a folder that goes away, and that anybody could make again.
set(mica_blas_places "\"${mica_blas_file}\"")
if(NOT SKBUILD)
  string(PREPEND mica_blas_places "\"${CMAKE_INSTALL_FULL_LIBDIR}/mica/${mica_blas_file}\", \"${mica_blas_path}\", ")
endif()
message(STATUS "BLAS: ${mica_blas_path}")
