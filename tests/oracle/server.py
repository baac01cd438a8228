"""Answers calls on whichever mlx.core is importable:  server.py < cases > answers

A case in the text of golden files comes in, the same case with what the call gave goes out, and is flushed. Runs under released MLX
and under mica alike; compare.py keeps one of each."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "golden"))

from cases import call, form  # noqa: E402


def main():
    out = sys.stdout
    for case in form.read_cases(iter(sys.stdin.readline, "")):
        form.write_case(out, call.run_case(form.Case(case.op, case.inputs, case.params, case.cotangents)))
        out.flush()


if __name__ == "__main__":
    main()
