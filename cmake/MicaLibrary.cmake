# The library. Every source is compiled once, position independent, and goes into both mica (shared) and mica_static.
# Kernels are the exception: each file is compiled once per instruction set, with MXI_ISA naming it.
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
configure_file("${PROJECT_SOURCE_DIR}/cmake/mica_config.h.in" "${PROJECT_BINARY_DIR}/generated/mica_config.h" @ONLY)

file(GLOB_RECURSE mica_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/*.c")
file(GLOB mica_kernels CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backend/cpu/kernels/*.c")
list(FILTER mica_sources EXCLUDE REGEX "/src/backend/cpu/kernels/")
if(NOT mica_sources)
  message(FATAL_ERROR "no sources in src/")
endif()

set(mica_isa_baseline "")
set(mica_isa_avx2 -mavx2 -mfma -mf16c -mbmi -mbmi2)
set(mica_isa_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl ${mica_isa_avx2} -mprefer-vector-width=512)
set(mica_isas baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND mica_isas avx2 avx512)
endif()

# What sources see: internal headers by floor ("core/node.h"), public ones, and mica_config.h.
add_library(mica_internal INTERFACE)
target_include_directories(mica_internal INTERFACE
  "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/generated")

function(mica_add_objects name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "ISA" "SOURCES")
  add_library(${name} OBJECT ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PRIVATE mica_internal ZLIB::ZLIB Threads::Threads)
  if(arg_ISA)
    mica_compile(${name} KERNEL)
    target_compile_options(${name} PRIVATE ${mica_isa_${arg_ISA}})
    target_compile_definitions(${name} PRIVATE MXI_ISA=${arg_ISA})
  else()
    mica_compile(${name})
  endif()
endfunction()

mica_add_objects(mica_objects SOURCES ${mica_sources})
set(mica_parts $<TARGET_OBJECTS:mica_objects>)
if(mica_kernels)
  foreach(isa IN LISTS mica_isas)
    mica_add_objects(mica_kernels_${isa} ISA ${isa} SOURCES ${mica_kernels})
    list(APPEND mica_parts $<TARGET_OBJECTS:mica_kernels_${isa}>)
  endforeach()
endif()

add_library(mica SHARED ${mica_parts})
add_library(mica_static STATIC ${mica_parts})
add_library(Mica::mica ALIAS mica)
add_library(Mica::mica_static ALIAS mica_static)
foreach(library mica mica_static)
  set_target_properties(${library} PROPERTIES OUTPUT_NAME mica LINKER_LANGUAGE C)
  target_include_directories(${library} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
target_link_libraries(mica PRIVATE ZLIB::ZLIB Threads::Threads m ${CMAKE_DL_LIBS})
target_link_libraries(mica_static INTERFACE
  $<BUILD_INTERFACE:ZLIB::ZLIB> $<BUILD_INTERFACE:Threads::Threads> $<INSTALL_INTERFACE:z> $<INSTALL_INTERFACE:pthread>
  m ${CMAKE_DL_LIBS})

set_target_properties(mica PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
target_link_options(mica PRIVATE ${mica_link_flags})
if(NOT APPLE)
  set(mica_map "${PROJECT_SOURCE_DIR}/src/libmica.map")
  target_link_options(mica PRIVATE "LINKER:--version-script=${mica_map}")
  set_target_properties(mica PROPERTIES LINK_DEPENDS "${mica_map}")
  if(NOT MICA_SANITIZE)
    target_link_options(mica PRIVATE LINKER:--no-undefined)
  endif()
endif()
