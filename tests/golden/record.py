"""Records what released MLX does, for the tests of mica:  python tests/golden/record.py [OUTPUT_FOLDER [NAME ...]]

Needs an environment with `pip install "mlx[cpu]==0.32.4" numpy scipy`. Writes a text file per subject (README.md
describes the form) and prints the values it left out because their results depend on where they stand in an array.
Recording twice gives the same bytes. A recorded answer that mica does not follow goes to differs.txt, with the answer
that its definition gives.
"""

import pathlib
import sys

import mlx.core as mx

from cases import (
    definitions,
    differs,
    elementwise,
    form,
    gradients,
    layout,
    printing,
    products,
    promotion,
    random_streams,  # noqa: E402
    reductions,
)

MODULES = [elementwise, promotion, reductions, layout, products, random_streams, gradients, printing, differs]


def write_file(folder, stem, cases):
    path, count = folder / f"{stem}.txt", 0
    with path.open("w", newline="\n") as out:
        out.write(f"# recorded from mlx {mx.__version__}\n")
        for case in cases:
            form.write_case(out, case)
            count += 1
    print(f"{path.name}: {count} cases, {path.stat().st_size} bytes")


def followed(cases, moved):
    """The cases that mica follows; the others go to `moved`."""
    for case in cases:
        other = definitions.redefined(case)
        if other is None:
            yield case
        else:
            moved.append(other)


def main(folder=None, *names):
    folder = pathlib.Path(folder or pathlib.Path(__file__).parent)
    folder.mkdir(parents=True, exist_ok=True)
    dropped, moved = [], []
    for module in MODULES:
        for stem, build in module.FILES.items():
            cases = followed(build(dropped), moved)
            if stem == "differs":
                cases = [*cases, *moved]
            if not names or stem in names:
                write_file(folder, stem, cases)
            else:
                list(cases)  # for what goes to differs.txt
    for line in sorted(set(dropped)):
        print("left out:", line)


if __name__ == "__main__":
    main(*sys.argv[1:])
