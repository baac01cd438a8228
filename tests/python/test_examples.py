"""The programs of examples/python, as a person would run them: what they reach, what they print, and how they fail."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

import mlx.core as mx

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "python"
PROGRAMS = ("linear_regression_full", "logistic_regression", "mlp")


def run(name, *arguments):
    return subprocess.run([sys.executable, str(FOLDER / f"{name}.py"), *map(str, arguments)], capture_output=True, text=True)


def call(name, *arguments):
    """The exit code of a program's main, in this process; pytest's capsys has what it prints."""
    specification = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    try:
        return module.main([*map(str, arguments)])
    except SystemExit as exit:
        return exit.code


def figure(words, text):
    """The last number that follows the words."""
    return float(re.findall(re.escape(words) + r" *(-?[\d.]+(?:e-?\d+)?)", text)[-1])


def complaint(name, capsys):
    """The one line on stderr, without the program's name."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{name}: ")
    return line[len(name) + 2 :]


# ---- What they are for
def test_page_program_prints_its_figures():
    # Noise has variance 1e-4 and 100 of 1000 degrees of freedom are fitted: the loss is 4.5e-5 give or take 5 %, and
    # |w-w*| is near sqrt(100 * 1e-4 / 900) = 0.0033.
    result = run("linear_regression")
    assert result.returncode == 0, result.stderr
    assert 0.00003 <= figure("Loss", result.stdout) <= 0.00006
    assert 0.0024 <= figure("|w-w*| =", result.stdout) <= 0.0044


def test_linear_regression_finds_both_answers(tmp_path):
    result = run("linear_regression_full", "--plot", tmp_path / "loss.svg")
    assert (result.returncode, result.stderr) == (0, "")
    assert 0.00003 <= figure("Loss", result.stdout) <= 0.00006
    assert 0.0024 <= figure("|w-w*| =", result.stdout) <= 0.0044
    assert re.search(r"^converged after \d+ steps$", result.stdout, re.M)
    descent, closed_form = re.search(r"held-out rows: ([\d.]+) by descent, ([\d.]+) in closed form", result.stdout).groups()
    assert float(descent) == pytest.approx(float(closed_form), abs=2e-3)
    assert re.search(r"^step +200  loss", result.stdout, re.M), "in a pipe, a report is a line"
    curves = ET.parse(tmp_path / "loss.svg").getroot().findall("{http://www.w3.org/2000/svg}polyline")
    assert len(curves) == 2
    again = run("linear_regression_full", "--plot", tmp_path / "loss.svg")
    assert re.sub(r", [\d.]+ s$", "", again.stdout, flags=re.M) == re.sub(r", [\d.]+ s$", "", result.stdout, flags=re.M)


def test_linear_regression_explains_rows_it_has_not_seen(capsys):
    # Published results for this table lie near R2 = 0.5; one split in five moves it by 0.1.
    scores = []
    for seed in range(10):
        assert call("linear_regression_full", "--data", ROOT / "data" / "diabetes.csv", "--quiet", "--seed", seed) == 0
        scores.append(figure("held-out rows:", capsys.readouterr().out))
    assert 0.4 <= sum(scores) / len(scores) <= 0.6


def test_tumours_are_told_apart(tmp_path, capsys):
    accuracies, areas = [], []
    for seed in range(5):
        assert call("logistic_regression", "--quiet", "--seed", seed, "--plot", tmp_path / "loss.svg") == 0
        printed = capsys.readouterr().out
        accuracies.append(figure("accuracy", printed))
        areas.append(figure("ROC AUC", printed))
    assert sum(accuracies) / 5 >= 96
    assert sum(areas) / 5 >= 0.985
    assert (tmp_path / "loss.svg").read_text().count("<polyline") == 2


def test_area_under_roc_is_the_share_of_ordered_pairs():
    call("logistic_regression", "--help")
    module = sys.modules["logistic_regression"]
    scores, labels = [3.0, 1.0, 1.0, 2.0, -1.0, 1.0], [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    pairs = [(a, b) for a, i in zip(scores, labels) for b, j in zip(scores, labels) if i > j]
    expected = sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)
    rows = module.Rows(mx.array(scores)[:, None], mx.array(labels))
    assert module.area_under_roc(mx.ones(1), rows) == pytest.approx(expected, abs=1e-6)


def test_digits_are_learnt_to_97_percent(tmp_path, capsys):
    shares = []
    for seed in range(4):
        assert call("mlp", "--quiet", "--seed", seed, "--save", tmp_path / "mlp.npz") == 0
        printed = capsys.readouterr().out
        shares.append(figure("accuracy on held-out rows:", printed))
        assert "saved as .npz, loaded again: all 6 arrays equal" in printed
    assert sum(shares) / 4 >= 97
    assert sorted(mx.load(str(tmp_path / "mlp.npz"))) == sorted(f"layers.{i}.{p}" for i in range(3) for p in ("weight", "bias"))


def test_classes_may_be_words(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("a,kind,b\n" + "".join(f"{i % 7},{'high' if i % 7 > 3 else 'low'},{i % 3}\n" for i in range(200)))
    assert call("mlp", "--data", table, "--target", "kind", "--epochs", 20, "--hidden", 16, "--batch", 16) == 0
    printed = capsys.readouterr().out
    assert "2 classes" in printed and figure("accuracy on held-out rows:", printed) == 100


def test_a_bar_is_drawn_in_a_terminal():
    reader, writer = pty.openpty()
    table = ROOT / "data" / "diabetes.csv"
    arguments = [sys.executable, FOLDER / "linear_regression_full.py", "--data", table, "--steps", "400"]
    subprocess.run(arguments, stdout=writer, stderr=writer, check=True)
    os.close(writer)
    printed = b""
    try:
        while block := os.read(reader, 65536):
            printed += block
    except OSError:  # Linux's way to say that nobody writes any more
        pass
    os.close(reader)
    assert b"\r[" + 15 * b"#" + 15 * b"." + b"] step    200  loss " in printed
    assert b"\r[" + 30 * b"#" + b"] step    400  loss " in printed


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_file_copied_elsewhere_runs(name, tmp_path):
    shutil.copy(FOLDER / f"{name}.py", tmp_path / "mine.py")
    table = tmp_path / "t.csv"
    table.write_text("a,target\n" + "".join(f"{i % 5},{int(i % 5 > 2)}\n" for i in range(50)))
    size = ("--epochs", "1") if name == "mlp" else ("--steps", "200")
    where = {**os.environ, "PYTHONPATH": str(pathlib.Path(mx.__file__).parents[1])}
    program = [sys.executable, "mine.py", "--data", "t.csv", *size]
    result = subprocess.run(program, cwd=tmp_path, env=where, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


# ---- Options
@pytest.mark.parametrize("name", PROGRAMS)
def test_help_names_every_option(name, capsys):
    assert call(name, "--help") == 0
    printed = capsys.readouterr().out
    own = {"linear_regression_full": ["--steps"], "logistic_regression": ["--steps", "--decay"], "mlp": ["--epochs", "--save"]}
    for option in ("--data", "--target", "--rate", "--validation", "--seed", "--threads", "--plot", "--quiet", *own[name]):
        assert f"\n  {option}" in printed


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--colour",), "unrecognized arguments: --colour"),
        (("extra",), "unrecognized arguments: extra"),
        (("--rate",), "--rate: expected one argument"),
        (("--rate", "fast"), "--rate: needs a number from 1e-12 to 1e+06, not 'fast'"),
        (("--rate=-1",), "--rate: needs a number"),
        (("--rate", "nan"), "--rate: needs a number"),
        (("--seed", "1.5"), "--seed: needs a whole number"),
        (("--validation", "0.95"), "--validation: needs a number"),
        (("--val", "0.5"), "unrecognized arguments: --val"),
        (("--quiet=yes",), "--quiet: ignored explicit argument 'yes'"),
    ],
)
def test_wrong_options_are_explained_in_one_line(name, arguments, words, capsys):
    assert call(name, *arguments) == 2
    assert words in complaint(name, capsys)


# ---- Tables
TABLES = {
    "missing value": ("a,b,target\n1,2,3\n4,,6\n", "line 3: column 'b' has no value"),
    "missing value as a word": ("a,b,target\n1,2,3\n4,NA,6\n", "line 3: column 'b' has no value"),
    "missing target": ("a,target\n1,2\n1,\n", "line 3: column 'target' has no value"),
    "column of words": ("a,sex,target\n1,male,3\n", "line 2: column 'sex' is not a number: 'male'"),
    "hexadecimal is no number": ("a,target\n0x10,1\n", "is not a number: '0x10'"),
    "decimal comma": ('a,target\n"3,5",1\n', "is not a number: '3,5'"),
    "number out of range": ("a,target\n1e999,1\n", "is not a number"),
    "short row": ("a,b,target\n1,2,3\n4,5\n", "line 3 has 2 fields where the header has 3"),
    "long row": ("a,target\n1,2\n1,2,3\n", "line 3 has 3 fields where the header has 2"),
    "name given twice": ("a,a,target\n1,2,3\n", "two columns are called 'a'"),
    "column without name": ("a,,target\n1,2,3\n", "column 2 has no name"),
    "no header": ("1,2,3\n4,5,6\n", "no header row"),
    "no such column": ("a,b\n1,2\n", "there is no column 'target'; the columns are a, b"),
    "empty file": ("", "is empty"),
    "no rows": ("a,target\n", "no rows under its header"),
    "too few rows": ("a,target\n1,1\n", "too few"),
    "no feature": ("target\n1\n2\n", "no column beside the target"),
    "open quote": ('a,target\n1,"2\n', "unexpected end of data"),
    "binary file": ("a,target\n1,\xff\xfe\n", "not a text file"),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("table", TABLES)
def test_tables_that_cannot_be_used(name, table, tmp_path, capsys):
    text, words = TABLES[table]
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    assert call(name, "--data", tmp_path / "t.csv") == 1
    assert words in complaint(name, capsys)


@pytest.mark.parametrize("name", PROGRAMS)
def test_files_that_cannot_be_read(name, tmp_path, capsys):
    assert call(name, "--data", tmp_path / "none.csv") == 1
    assert "none.csv: No such file" in complaint(name, capsys)
    assert call(name, "--data", tmp_path) == 1
    assert "Is a directory" in complaint(name, capsys)


def fit(tmp_path, capsys, text, *arguments):
    """What linear_regression_full says of a table."""
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert call("linear_regression_full", "--data", tmp_path / "t.csv", *arguments) == 0
    return capsys.readouterr().out


def test_tables_that_can_be_used(tmp_path, capsys):
    rows = "".join(f'"{i}", {i * 7 % 11}e0 ,{3 * i + 2}\r\n' for i in range(40))
    assert figure("R2 on held-out rows:", fit(tmp_path, capsys, '"the, a",b,target\n' + rows)) > 0.9999
    assert figure("R2 on training rows:", fit(tmp_path, capsys, '"the, a",b,target\n' + rows, "--validation", 0)) > 0.9999
    assert "R2" in fit(tmp_path, capsys, "a,b,target\n" + "".join(f"{i},{2 * i},{i}\n" for i in range(40)))
    assert "R2" in fit(tmp_path, capsys, "a,b,target\n" + "".join(f"{i},5,{i}\n" for i in range(40)))
    marked = "\ufeffa,target\n" + "".join(f"{i},{i}\n" for i in range(10)) + "\n"
    assert len(fit(tmp_path, capsys, marked, "--quiet").splitlines()) == 2


# ---- Training that goes wrong
@pytest.mark.parametrize(
    "name, arguments, words",
    [
        ("linear_regression_full", ("--data", "data/diabetes.csv", "--rate", 5), "rate 5 is too high"),
        ("linear_regression_full", ("--rate", 5), "rate 5 is too high"),
        ("logistic_regression", ("--rate", 100000, "--decay", 1), "rate 100000 is too high"),
        ("mlp", ("--rate", 100000, "--epochs", 2), "the rate is too high"),
        ("logistic_regression", ("--data", "data/diabetes.csv"), "must hold zeros and ones, and row 1 holds 151"),
        ("mlp", ("--data", "data/diabetes.csv"), "different values, too many for classes"),
        ("linear_regression_full", ("--steps", 10, "--plot", "none/loss.svg"), "cannot write none/loss.svg: No such file"),
        ("mlp", ("--epochs", 1, "--save", "none/mlp.npz"), "none/mlp.npz: cannot write: no such file or directory"),
    ],
)
def test_what_goes_wrong_is_one_sentence(name, arguments, words, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert call(name, *arguments) == 1
    assert words in complaint(name, capsys)


def test_weights_are_saved_in_npz_files_alone(capsys):
    assert call("mlp", "--save", "weights.bin") == 2
    assert "--save needs the name of a .npz file, not 'weights.bin'" in complaint("mlp", capsys)
