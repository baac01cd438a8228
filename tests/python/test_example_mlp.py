"""examples/python/mlp.py learns handwritten digits and explains itself."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments):
    program = [sys.executable, str(ROOT / "examples" / "python" / "mlp.py"), *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True)


def test_digits_are_learnt_to_97_percent():
    result = run("--quiet")
    assert result.returncode == 0, result.stderr
    (line,) = result.stdout.splitlines()
    assert float(re.search(r"([\d.]+)% held out", line)[1]) >= 97


def test_help_names_every_option():
    result = run("--help")
    assert result.returncode == 0
    for option in ("--target", "--hidden", "--epochs", "--batch", "--rate", "--held-out", "--seed"):
        assert option in result.stdout


def test_other_tables_are_taken(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a,kind,b\n" + "".join(f"{i % 7},{'high' if i % 7 > 3 else 'low'},{i % 3}\n" for i in range(200)))
    result = run(table, "--target", "kind", "--epochs", 20, "--hidden", 16, "--batch", 16)
    assert result.stdout.splitlines()[-1].startswith("2 classes"), result.stderr
    assert "no column 'target'; it has a, kind, b" in run(table).stderr
