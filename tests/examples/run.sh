#!/bin/sh
# Runs the example programs as a person would, checks what they print and how they fail, and runs every program of
# docs/c-guide.md, docs/extending.md and docs/c-and-python.md.   usage: run.sh FOLDER-OF-PROGRAMS [C-COMPILER FLAGS...]
# The flags must let a program include <mica.h> and link with the library; without a compiler the guide is left out.
# A block marked "c debug" is for debug builds, and run only with MICA_DEBUG=1 in the environment.
# Also run is the program of README.md.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$(cd "$1" && pwd) || exit 2
shift
compiler=${1:-}
[ $# -gt 0 ] && shift
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$root" || exit 2
checks=0 failures=0

# check NAME CONDITION...: counts, and says what failed.
check() {
  what=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failures=$((failures + 1))
    echo "FAILED: $what"
    sed 's/^/  out: /' "$work/out" | tail -n 5
    sed 's/^/  err: /' "$work/err" | tail -n 5
  fi
}

# run PROGRAM ARGUMENTS...: sets code; output goes to $work/out and $work/err.
run() {
  program=$1
  shift
  "$bin/$program" "$@" >"$work/out" 2>"$work/err"
  code=$?
}

code_is() { [ "$code" -eq "$1" ]; }
prints() { grep -q -- "$1" "$work/out"; }
is_silent() { [ ! -s "$work/err" ]; }
# The complaint is one line on stderr, begins with the program's name, and holds the words.
complains() { [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q "^$program: .*$1" "$work/err"; }
# The number after the words $1 is from $2 to $3.
number_is() {
  v=$(sed -n "s/.*$1 *\(-\{0,1\}[0-9.][0-9.e+-]*\).*/\1/p" "$work/out" | tail -n 1)
  [ -n "$v" ] && awk -v v="$v" -v low="$2" -v high="$3" 'BEGIN { exit !(v + 0 >= low && v + 0 <= high) }'
}

# ok NAME, fails NAME CODE WORDS: what most runs come to.
ok() {
  check "$1: exit code" code_is 0
  check "$1: nothing on stderr" is_silent
}
fails() {
  check "$1: exit code" code_is "$2"
  check "$1: message" complains "$3"
}

# ---- What they are for
run quickstart
ok quickstart
check "quickstart prints the gradient" prints 'array(\[0, 0.841471, 0.909297, 0.14112\], dtype=float32)'

# Noise has variance 1e-4 and 100 of 1000 degrees of freedom are fitted: the loss is 4.5e-5 give or take 5 %, and
# |w-w*| is near sqrt(100 * 1e-4 / 900) = 0.0033.
run linear_regression
ok linear_regression
check "synthetic loss" number_is 'Loss' 0.00003 0.00006
check "synthetic distance" number_is '|w-w\*| =' 0.0024 0.0044
check "it converges on diabetes" prints '^converged after'
check "held-out R2 by descent" number_is 'R2 on held-out rows:' 0.3 0.7
descent=$(sed -n 's/.*rows: \([0-9.]*\) by descent.*/\1/p' "$work/out")
check "descent meets the closed form" number_is 'by descent,' "$(awk "BEGIN { print $descent - 0.002 }")" "$(awk "BEGIN { print $descent + 0.002 }")"
check "losses in a pipe are lines" prints '^step  *200  loss'
cp "$work/out" "$work/first"
run linear_regression
sed 's/, [0-9.]* s$//' "$work/out" >"$work/a"
sed 's/, [0-9.]* s$//' "$work/first" >"$work/b"
check "the same seed gives the same run" cmp -s "$work/a" "$work/b"

run logistic_regression --plot "$work/loss.svg"
ok logistic_regression
check "held-out accuracy" number_is 'accuracy' 95 100
check "area under the curve" number_is 'ROC AUC' 0.98 1
check "the plot is an SVG" grep -q '^<svg .*' "$work/loss.svg"
check "the plot has two curves" test "$(grep -c '<polyline' "$work/loss.svg")" -eq 2

run mlp --save "$work/mlp.npz" --plot "$work/mlp.svg"
ok mlp
check "held-out accuracy of the perceptron" number_is 'accuracy on held-out rows:' 96 100
check "what was saved is loaded" prints 'all 6 arrays equal'
check "the file is there" test -s "$work/mlp.npz"

# ---- Options
for program in linear_regression logistic_regression mlp; do
  run $program --help
  ok "$program --help"
  check "$program --help lists options" prints '^  --rate R'
  run $program --colour
  fails "$program: unknown option" 2 "no option '--colour'"
  run $program extra
  fails "$program: stray word" 2 "no option 'extra'"
  run $program --rate
  fails "$program: option without value" 2 '--rate needs a value'
  run $program --rate fast
  fails "$program: rate is a word" 2 "--rate needs a number .*not 'fast'"
  run $program --rate=-1
  fails "$program: negative rate" 2 '--rate needs a number'
  run $program --seed 1.5
  fails "$program: seed is not whole" 2 '--seed needs a whole number'
  run $program --validation 0.95
  fails "$program: too much held out" 2 '--validation needs a number'
  run $program --quiet=yes
  fails "$program: flag with a value" 2 '--quiet takes no value'
  run $program --data "$work/none.csv"
  fails "$program: no such file" 1 'none.csv: No such file'
done

# ---- Tables that cannot be used
table() { printf "$1" >"$work/table.csv"; }
fit() { run linear_regression --data "$work/table.csv" "$@"; }
table 'a,b,target\n1,2,3\n4,5,6\n'
fit --target price
fails "unknown column" 1 "no column 'price'; the columns are a, b, target"
table 'a,b,target\n1,2,3\n4,,6\n'
fit
fails "missing value" 1 "line 3: column 'b' has no value"
table 'a,b,target\n1,2,3\n4,NA,6\n'
fit
fails "missing value as a word" 1 "line 3: column 'b' has no value"
table 'a,sex,target\n1,male,3\n'
fit
fails "column of words" 1 "line 2: column 'sex' is not a number: 'male'"
table 'a,target\n1,0x10\n'
fit
fails "hexadecimal is no number" 1 'is not a number'
table 'a,target\n1,"3,5"\n'
fit
fails "decimal comma" 1 "is not a number: '3,5'"
table 'a,target\n1,1e999\n'
fit
fails "number out of range" 1 'is not a number'
table 'a,b,target\n1,2,3\n4,5\n'
fit
fails "short row" 1 'line 3 has 2 fields where the header has 3'
table 'a,target\n1,2\n1,2,3\n'
fit
fails "long row" 1 'line 3 has more than 2 fields'
table 'a,a,target\n1,2,3\n'
fit
fails "name given twice" 1 "two columns are called 'a'"
table '1,2,3\n4,5,6\n'
fit
fails "no header" 1 'no header row'
table ''
fit
fails "empty file" 1 'is empty'
table 'a,target\n'
fit
fails "no rows" 1 'no rows under its header'
table 'a,target\n1,2\n'
fit
fails "too few rows" 1 'too few'
table 'target\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n'
fit
fails "no feature" 1 'no column beside the target'
table 'a,target\n1,"2\n'
fit
fails "open quote" 1 'a quoted field does not end'
table 'a,target\n1,2\000\n'
fit
fails "binary file" 1 'not a text file'
run linear_regression --data "$work"
fails "a folder" 1 'Is a directory'
if [ "$(id -u)" -ne 0 ]; then
  table 'a,target\n1,2\n'
  chmod 000 "$work/table.csv"
  fit
  fails "unreadable file" 1 'Permission denied'
  rm -f "$work/table.csv"
fi

# ---- Tables that can
awk 'BEGIN { print "\"the, a\",b,target"; for (i = 0; i < 40; i++) printf "\"%d\", %de0 ,%d\r\n", i, (i * 7) % 11, 3 * i + 2 }' >"$work/table.csv"
fit
ok "quotes, blanks and CR LF"
check "an exact line is found" number_is 'R2 on held-out rows:' 0.9999 1
fit --validation 0
ok "nothing held out"
check "training rows are judged then" number_is 'R2 on training rows:' 0.9999 1
awk 'BEGIN { print "a,b,target"; for (i = 0; i < 40; i++) print i "," 2 * i "," i }' >"$work/table.csv"
fit
ok "columns that depend on each other"
awk 'BEGIN { print "a,b,target"; for (i = 0; i < 40; i++) print i ",5," i }' >"$work/table.csv"
fit
ok "a constant column"
printf '\357\273\277a,target\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n9,9\n10,10\n\n' >"$work/table.csv"
fit --quiet
ok "byte order mark and a blank line"
check "quiet is quiet" test "$(wc -l <"$work/out")" -eq 2

# ---- Training that goes wrong
run linear_regression --data data/diabetes.csv --rate 5
fails "divergence of linear_regression" 1 'rate 5 is too high'
run linear_regression --rate 5
fails "divergence of the synthetic problem" 1 'grows without bound'
run logistic_regression --rate 100000 --decay 1
fails "divergence of logistic_regression" 1 'rate 100000 is too high'
run mlp --rate 1000 --epochs 2
fails "divergence of mlp" 1 'rate 1000 is too high'
run logistic_regression --data data/diabetes.csv
fails "target that is not zeros and ones" 1 'must hold zeros and ones'
run mlp --data data/diabetes.csv --target bmi
fails "target that is no class" 1 'must hold whole numbers'
run linear_regression --data data/diabetes.csv --steps 10 --plot "$work/none/loss.svg"
fails "plot that cannot be written" 1 'cannot write .*loss.svg: No such file'
run mlp --epochs 1 --save "$work/none/mlp.npz"
fails "file that cannot be saved" 1 'mlp.npz: cannot write: no such file or directory'
if [ -c /dev/full ]; then
  run linear_regression --data data/diabetes.csv --steps 10 --plot /dev/full
  fails "plot on a full disk" 1 'cannot write /dev/full: No space left'
fi

# ---- The README's program, and the guides: each C block is a program, the text block after it is what it prints
if [ -n "$compiler" ]; then
  awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' README.md >"$work/readme.c"
  : >"$work/out"
  "$compiler" -std=c11 -Wall -Wextra -o "$work/readme" "$work/readme.c" "$@" 2>"$work/err"
  code=$?
  check "the README's program compiles" code_is 0
  check "the README's program compiles without a warning" is_silent
  "$work/readme" >"$work/out" 2>"$work/err"
  code=$?
  ok "the README's program runs"
  check "the README's program prints its figure" grep -q '^|dL/dw\[0\]| = [0-9.e-]*$' "$work/out"
  awk -v dir="$work" -v debug="${MICA_DEBUG:-0}" '/^```c( debug)?$/ { n++; wanted = !/debug/ || debug == 1; file = wanted ? dir "/guide" n ".c" : ""; next }
    /^```python$/ { wanted = 0 } /^```text$/ { file = wanted ? dir "/guide" n ".txt" : ""; next } /^```/ { file = ""; next } file { print > file }' \
    docs/c-guide.md docs/extending.md docs/c-and-python.md
  for source in "$work"/guide*.c; do
    block=$(basename "$source" .c)
    : >"$work/out"
    "$compiler" -std=c11 -Wall -Wextra -o "$work/$block" "$source" "$@" 2>"$work/err"
    code=$?
    check "$block compiles" code_is 0
    check "$block compiles without a warning" is_silent
    [ "$code" -eq 0 ] || continue
    (cd "$work" && "./$block") >"$work/out" 2>"$work/err"
    code=$?
    ok "$block runs"
    check "$block prints what the guide says" cmp -s "$work/out" "$work/$block.txt"
  done
fi

echo "$checks checks, $failures failed"
[ "$failures" -eq 0 ]
