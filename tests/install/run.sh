#!/bin/sh
# Does the installed library work for the programs of others?   usage: run.sh <build folder> [<python>]
# Installs into a temporary folder, moves that (nothing may depend on where it was installed), builds one program with
# pkg-config as C11, as C++17 and statically, and with CMake, and runs each without environment variables. Then installs
# what the wheel holds, for <python>.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cmake --install "$build" --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/prefix"
prefix=$folder/prefix
pc=$(find "$prefix" -name mica.pc)
export PKG_CONFIG_PATH="${pc%/*}"
libdir=$(pkg-config --variable=libdir mica)
libdir=$(cd "$libdir" && pwd)

# The BLAS that must be the one in use: the installed one, where the build brought one along.
blas=
[ ! -d "$libdir/mica" ] || blas=$libdir/mica/

check() { # check <name> <program> [<BLAS>]
  name=$1
  shift
  env -i "$@" || { echo "install: $name failed" >&2; exit 1; }
  echo "install: $name"
}

flags="-Wall -Wextra -Werror"
${CC:-cc} -std=c11 $flags "$here/program.c" -o "$folder/c11" $(pkg-config --cflags --libs mica)
check "pkg-config, C11" "$folder/c11" $blas

${CXX:-c++} -std=c++17 $flags -x c++ "$here/program.c" -x none -o "$folder/cxx17" \
  $(pkg-config --cflags --libs mica)
check "pkg-config, C++17" "$folder/cxx17" $blas

${CC:-cc} -std=c11 $flags "$here/program.c" -o "$folder/static" \
  $(pkg-config --cflags mica) "$libdir/libmica.a" $(pkg-config --libs-only-l --static mica | sed 's/-lmica//')
check "static library" "$folder/static"

cmake -S "$here" -B "$folder/build" -G Ninja "-DCMAKE_PREFIX_PATH=$prefix" -DCMAKE_BUILD_TYPE=Release \
  "-DCMAKE_C_COMPILER=${CC:-cc}" >"$folder/log" || { cat "$folder/log"; exit 1; }
cmake --build "$folder/build" >"$folder/log" || { cat "$folder/log"; exit 1; }
check "find_package, shared" "$folder/build/program" $blas
check "find_package, static" "$folder/build/program_static"

[ $# -gt 1 ] || exit 0
package=$folder/package
cmake --install "$build" --component python --prefix "$folder/built" >/dev/null
mv "$folder/built" "$package"
[ -z "$blas" ] || blas=$package/mlx/mica/
check "package in Python" "PYTHONPATH=$package" "$2" "$here/program.py" "$package" $blas
