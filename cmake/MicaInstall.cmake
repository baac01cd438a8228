# make install: headers, both libraries, the BLAS beside them, pkg-config and CMake files. All of it can be moved
# afterwards: mica.pc and MicaConfig.cmake use paths relative to themselves, and libmica finds its BLAS so too.
include(CMakePackageConfigHelpers)

install(FILES "${PROJECT_SOURCE_DIR}/include/mica.h" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} OPTIONAL)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/mica" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS mica mica_static EXPORT MicaTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(mica_blas_bundled)
  get_filename_component(mica_blas_dir "${mica_blas_path}" DIRECTORY)
  file(GLOB mica_blas_runtime "${mica_blas_dir}/*.so*" "${mica_blas_dir}/*.dylib"
    "${mica_blas_dir}/../../scipy_openblas32.libs/*.so*")
  install(FILES ${mica_blas_runtime} DESTINATION ${CMAKE_INSTALL_LIBDIR}/mica)
  file(GLOB mica_blas_license "${mica_blas_dir}/../../scipy_openblas32-*.dist-info/LICENSE*"
    "${mica_blas_dir}/../../scipy_openblas32-*.dist-info/licenses/LICENSE*")
  list(GET mica_blas_license 0 mica_blas_license)
  install(FILES "${mica_blas_license}" DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.openblas)
endif()

set(mica_pc_dir "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH mica_pc_prefix "${mica_pc_dir}" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" mica_pc_prefix "${mica_pc_prefix}")
# Programs find the library where it is, whatever PREFIX was: only /usr is known to every loader (/usr/local not before ldconfig).
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(mica_pc_rpath "")
else()
  set(mica_pc_rpath "-Wl,-rpath,\${libdir} ")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/mica.pc.in" "${PROJECT_BINARY_DIR}/generated/mica.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/generated/mica.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(mica_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Mica)
install(EXPORT MicaTargets NAMESPACE Mica:: DESTINATION ${mica_cmake_dir})
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/MicaConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/generated/MicaConfig.cmake" INSTALL_DESTINATION ${mica_cmake_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/MicaConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/generated/MicaConfig.cmake" "${PROJECT_BINARY_DIR}/generated/MicaConfigVersion.cmake"
  DESTINATION ${mica_cmake_dir})
