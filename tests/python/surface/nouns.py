"""One wrong argument at a time:  nouns.py LOG NOUN

Of every public function and class, each parameter in turn is given the same wrong thing, by place and by name; complain() in worker.py
says what an exception has to be. No exception is fine: what is wrong in one place is right in another.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import tempfile
import warnings

import grammar
import worker

NOUNS = {
    "type": "object()",
    "shape": "mx.zeros((2, 3, 4, 5))",
    "dtype": "mx.array([1j, nan])",
    "axis": "99",
    "axes": "(0, 0)",
    "nan": "nan",
    "huge": "2**62",
    "huge sizes": "(2**40, 2**40)",
    "negative": "-2**40",
    "ragged": "[[1], [1, 2]]",
    "cyclic": "cycle()",
    "deleted": "deleted()",
    "released": "released()",
    "leaf": "{'a': 'text', 'b': [object()]}",
    "callable": "Trap('raise')",
    "text": "'a\\0b'",
}


# They make as many layers as they are told, until it is CPython that has no memory, of which it does not always tell.
PATIENT = ("nn.Transformer", "nn.TransformerEncoder")


def calls(noun):
    wrong = NOUNS[noun]
    for source, parameters in grammar.CORE + grammar.LAYERS + grammar.NN + grammar.OPTIMIZERS + grammar.UTILS:
        if noun == "huge" and source in PATIENT:
            continue
        plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        good = [grammar.likely(p)[0] for p in plain]
        for i, p in enumerate(plain):
            yield f"r0 = {source}({', '.join([*good[:i], wrong])})"
            if p.kind == p.POSITIONAL_OR_KEYWORD:
                needed = [g for g, q in zip(good[:i], plain) if q.default is q.empty]
                yield f"r0 = {source}({', '.join([*needed, f'{p.name}={wrong}'])})"
        yield f"r0 = {source}({', '.join([*good, f'no_such_name={wrong}'])})"


def main(log_path, noun):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    worker.limit_memory()
    log, failures = worker.Log(log_path), []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for line in calls(noun):
            try:
                worker.run([line], log)
            except AssertionError as error:
                failures.append(str(error))
    if failures:
        sys.exit("\n\n".join(failures))


if __name__ == "__main__":
    main(*sys.argv[1:])
