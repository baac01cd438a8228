#!/bin/sh
# Do the source distribution and the wheel work?   usage: wheel.sh <python>
# Makes the first, builds the second from it, installs that into a new environment, and runs two programs there without
# environment variables. Needs no network: what builds the wheel is in the environment of <python> (requirements-test.txt).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
pip="$python -m pip --disable-pip-version-check"

cd "$root"
"$python" -c 'import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])' "$folder" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
echo "wheel: $(cd "$folder" && ls ./*.tar.gz)"
cd "$folder"
$pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir "$folder" ./*.tar.gz
wheel=$(ls ./*.whl)
echo "wheel: $wheel, $(($(wc -c <"$wheel") / 100000)) tenths of a megabyte"
"$python" -m auditwheel show "$wheel" >"$folder/audit"
tr '\n' ' ' <"$folder/audit" | grep -oE 'manylinux_2_[0-9]+_[a-z0-9_]+' | head -n 1 | grep . || { cat "$folder/audit"; exit 1; }

"$python" -m venv --without-pip "$folder/env"
site=$(ls -d "$folder"/env/lib/python3*/site-packages)
$pip install --quiet --no-index --no-deps --target "$site" "$wheel"
mkdir "$folder/elsewhere"
cd "$folder/elsewhere"
cp "$here/program.py" "$root/examples/python/linear_regression.py" .
env -i "$folder/env/bin/python" program.py "$site" "$site/mlx/mica/"
env -i "$folder/env/bin/python" linear_regression.py
