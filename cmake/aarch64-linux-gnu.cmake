# For -DCMAKE_TOOLCHAIN_FILE: Debian's cross compiler, and qemu to run what it makes. CMOCKA, zlib and OpenBLAS come from
# MICA_SYSROOT, a folder into which their arm64 packages were unpacked. docs/building.md has the commands.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MICA_SYSROOT)
set(CMAKE_FIND_ROOT_PATH "${MICA_SYSROOT}" /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu
  -E "LD_LIBRARY_PATH=${MICA_SYSROOT}/usr/lib/aarch64-linux-gnu:${MICA_SYSROOT}/lib/aarch64-linux-gnu")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${MICA_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
  "${MICA_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${MICA_SYSROOT}/usr/lib/aarch64-linux-gnu/openblas-pthread/pkgconfig")
