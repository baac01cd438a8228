"""Programs of the surface fuzz: lists of lines of Python that call anything in mlx.core, mlx.nn, mlx.optimizers and mlx.utils with
plausible arguments, or with junk. Hypothesis draws a number a line, which seeds the choices of that line: a failing program shrinks
to few lines, and making one costs less than running it. Start at programs()."""

from __future__ import annotations

import inspect
import random
import types

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx.utils as utils
from hypothesis import strategies as st

ARRAYS = ["a", "v", "i", "b", "s", "z", "e", "h"]
AXES = ["0", "1", "-1", "2", "-2", "None", "(0, 1)", "[1, 0]", "()", "(0, 0)", "-3", "7"]
SHAPES = ["()", "(2, 3)", "(3,)", "3", "(1, 2, 3)", "(0,)", "(-1,)", "(2, -1)", "(3, 2)", "[2, 3]", "(-2, 3)", "(2**31, 2)", "(2**62, 4)", "(2**40,)"]
DTYPES = ["mx.float32", "mx.int32", "mx.bool_", "mx.uint8", "mx.float16", "mx.bfloat16", "mx.complex64", "mx.int64", "mx.float64", "mx.uint64", "None"]
SCALARS = ["1", "0", "-1", "2.5", "True", "nan", "inf", "-inf", "1j", "2**31", "-2**31", "2**40", "2**63 - 1", "2**64", "10**40", "1e300", "SubInt(2)", "SubFloat(0.5)"]
TRAPS = [f"Trap({effect!r}, {answer})" for effect in ("nothing", "raise", "collect", "clear", "grow", "inplace", "again")
         for answer in ("0", "1", "2.5", "-1", "2**40", "None", "'x'", "v", "(1, 2)", "L")]  # fmt: skip
NESTS = ["[1, [2]]", "[[1, 2], [3]]", "[[], [1]]", "[]", "[[1.0, 2.0], [3.0, 4.0]]", "[v, v]", "[a, [v]]", "cycle()", "dict_cycle()", "abyss()", "deep(60)",
         "deep(5000, v)", "deep(5000, v, tuple)", "deep(5000, v, dict)", "deep(100000, v, dict)", "L", "D", "tuple(L)", "SubList([1, 2])", "SubDict(a=v)",
         "{'a': v, 'b': [v, (v, None)]}", "{1: v, 'a': v}", "{'a.b': v, '': v}", "{'a': 'text'}", "[v, None, 'x']", "[('a.0', v), ('a.1.b', v)]", "[('a', 1, 2)]"]  # fmt: skip
OBJECTS = ["None", "'text'", "''", "'a\\0b'", "'\\ud800'", "b'bytes'", "object()", "mx", "mx.array", "mx.float32", "int", "...", "slice(None)", "range(3)", "range(10**12)", "deleted()", "released()",
           "memoryview(b'1234')", "np.array(['a'])", "np.zeros((2, 2), '>f4')", "np.zeros((2, 3))", "np.array([1, 2], dtype=object)", "np.zeros((2**20, 0))", "np.float32(2)", "np.int64(1)",
           "np.ones((3,), dtype='datetime64[s]')", "np.zeros(3, dtype=[('x', 'f4')])", "bytearray(8)", "iter([1, 2])", "(x for x in L)", "set()", "m", "o", "Params(v, L)", "mx.array.__new__", "mx.cpu", "mx.gpu", "v.at", "v.at[0]", "type", "super"]  # fmt: skip
INDICES = ["0", "-1", "5", "None", "...", "slice(None)", "slice(None, None, -1)", "slice(1, 10**30, 2)", "slice(0, 3, 0)", "i", "b", "(0, i)", "(..., None, 0)", "(i, i)", "mx.array([True, False, True])", "(b, 0)",
           "a", "s", "'x'", "1.5", "True", "[0, 1]", "[[0], [1]]", "np.array([0, 1])", "np.int64(1)", "(0,) * 70", "(None,) * 70", "mx.array([7])", "slice('a')", "slice(Trap('clear'), None)", "(Trap('inplace'), i)", "e"]  # fmt: skip
FUNCTIONS = ["mx.sum", "len", "(lambda *x: x)", "(lambda *x: x[0])", "(lambda *x: mx.sum(x[0] * x[0]))", "(lambda *x: None)", "(lambda *x: 1.0)", "(lambda *x: {}[0])", "(lambda *x: mx.sum(L[0]))",
             "(lambda x: L.clear() or mx.sum(x))", "(lambda x: L.append(x) or mx.sum(x))", "(lambda x: mx.grad(lambda y: mx.sum(y * x))(x).sum())", "(lambda x: x.item())", "(lambda x: float(x.sum()))",
             "(lambda x: D.clear() or x['a'].sum())", "(lambda x: x.__iadd__(1).sum())", "(lambda x: mx.eval(x) or mx.sum(x))", "(lambda *x, **k: sum(map(mx.sum, x)))", "(lambda x, y=2: (mx.sum(x), y))", "(lambda x: [x, x])",
             "nn.relu", "m", "mx.grad(mx.sum)", "Trap('raise')", "(lambda x: mx.grad(mx.sum)(L))", "(lambda x: [].append(cycle()) or mx.sum(x))"]  # fmt: skip

BY_NAME = {
    "axis": AXES, "axes": AXES, "axis1": AXES, "axis2": AXES, "source": AXES, "destination": AXES, "shape": SHAPES, "dtype": DTYPES, "strides": ["(3, 1)", "(1,)", "(-1, 0)", "None", "(2**62, 2**62)"],
    "keepdims": ["True", "False"], "indices": ["i", "0", "v", "mx.array([9])"], "kth": ["0", "1", "-1", "9"], "k": ["0", "1", "-1", "2**40"], "n": ["0", "1", "3", "-1", "2**40"],
    "subscripts": ["'ij,jk->ik'", "'ij->'", "'...i,i'", "'ii'", "''", "'->'", "'ij,'", "'i' * 70"], "mode": ["'edge'", "'constant'", "'x'"], "fun": FUNCTIONS, "func": FUNCTIONS, "fn": FUNCTIONS,
    "argnums": ["0", "1", "(0, 1)", "[]", "-1", "None", "9", "(0, 0)"], "argnames": ["'x'", "['x', 'y']", "None", "'nothing'"], "key": ["mx.random.key(1)", "v", "None"], "tree": NESTS, "file": ["'f.npy'", "'no/such'", "'f'", "b'f'"],
    "arrays": NESTS, "primals": ["[v]", "[a, v]", "v", "L"], "cotangents": ["[v]", "[s]", "[]", "L"], "tangents": ["[v]", "[s]", "L"], "pad_width": ["1", "(1, 2)", "((1, 1), (0, 2))", "-1", "2**62", "L"], "model": ["m", "Params(v)", "D"],
    "gradients": ["D", "{'weight': a}", "m", "{'weight': None}", "[v]"], "parameters": ["D", "m", "{'weight': a}", "L"], "is_leaf": FUNCTIONS + ["None"], "input_dims": ["3", "0", "-1", "2**40"], "dims": ["4", "3", "0"], "num_heads": ["2", "0", "3"],
    "reduction": ["'none'", "'mean'", "'sum'", "'x'"], "ord": ["2", "'fro'", "inf", "'x'"], "reps": ["2", "(2, 1)", "-1", "2**62", "(2,) * 40"], "stream": ["mx.cpu", "None"], "sorted_sequence": ["v"], "repeats": ["2", "0", "-1", "2**40"],
}  # fmt: skip
ATTRIBUTES = ["shape", "T", "mT", "real", "imag", "at", "dtype", "nbytes", "nothing", "tolist()", "item()"]
UNARY = ["-{}", "+{}", "~{}", "abs({})", "len({})", "bool({})", "int({})", "float({})", "complex({})", "repr({})", "str({})", "hash({})", "list({})", "tuple({})", "copy.copy({})", "copy.deepcopy({})",
         "pickle.loads(pickle.dumps({}))", "np.asarray({})", "np.array({}, copy=True)", "memoryview({})", "iter({})", "format({})", "'{{:5}}'.format({})", "round({})", "dir({})", "operator.index({})",
         "type({}).__new__(type({}))", "{}.__reduce__()", "sorted({})", "reversed({})", "divmod({}, 2)", "pow({}, 2, 3)", "max({})", "vars({})", "{}.__init__(v)", "{}.__init__()", "{}.__delitem__(0)", "{}.__class__(5)"]  # fmt: skip
BINARY = ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "in"]
INPLACE = ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"]


def _parameters(function):
    try:
        return [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    except (TypeError, ValueError):
        return []


def _entries(module, prefix):
    """The public callables of a module: source, parameters."""
    for name, value in vars(module).items():
        if callable(value) and not name.startswith("_") and not isinstance(value, mx.Dtype) and getattr(value, "__module__", "mlx").startswith("mlx"):
            yield f"{prefix}.{name}", _parameters(value)


def _methods(cls):
    return [(name, _parameters(value)) for name, value in inspect.getmembers(cls) if callable(value) and not name.startswith("__")]


def _submodules():
    return [(f"mx.{n}", m) for n, m in vars(mx).items() if isinstance(m, types.ModuleType) and n != "mx"]


# Each once in a while stops the world: those are called elsewhere.
LEFT_OUT = {"mx.synchronize", "mx.export_to_dot"}
CORE = [e for prefix, m in [("mx", mx), *_submodules()] for e in _entries(m, prefix) if e[0] not in LEFT_OUT]
LAYERS = [e for e in _entries(nn, "nn") if inspect.isclass(eval(e[0]))]  # noqa: S307  names of our own
NN = [e for m, prefix in ((nn, "nn"), (nn.losses, "nn.losses"), (nn.init, "nn.init"), (nn.utils, "nn.utils")) for e in _entries(m, prefix) if e not in LAYERS]
OPTIMIZERS = list(_entries(optim, "optim"))
UTILS = list(_entries(utils, "utils"))
ARRAY_METHODS, MODULE_METHODS = _methods(mx.array), _methods(nn.Module)
OPTIMIZER_METHODS = _methods(optim.Optimizer)


def likely(parameter):
    """Sources of arguments that suit a parameter."""
    if parameter.name in BY_NAME:
        return BY_NAME[parameter.name]
    if isinstance(parameter.default, bool):
        return ["True", "False"]
    if isinstance(parameter.default, (int, float)):
        return SCALARS
    return ARRAYS if parameter.name in ("a", "x", "y") else ARRAYS + SCALARS[:4]


JUNK = [SCALARS, TRAPS, NESTS, OBJECTS, ARRAYS, FUNCTIONS, SHAPES, DTYPES]


class Writer:
    """Writes one line of a program whose earlier lines left `results`."""

    def __init__(self, number, results):
        self.random = random.Random(number)
        self.results = results

    def pick(self, *choices):
        return self.random.choice(choices)

    def junk(self):
        return self.random.choice(self.random.choice(JUNK))

    def value(self, likely=ARRAYS):
        """An argument: mostly a likely one, else an earlier result, junk, or a list of such."""
        kind = self.random.randrange(20)
        if kind < 15:
            return self.random.choice(likely)
        if kind < 17:
            return self.random.choice(self.results or likely)
        if kind == 17:
            return "[" + ", ".join(self.pick(self.junk(), self.random.choice(TRAPS), self.random.choice(likely)) for _ in range(self.random.randrange(4))) + "]"
        return self.random.choice(TRAPS) if kind == 18 else self.junk()

    def subject(self):
        return self.random.choice(ARRAYS + self.results)

    def arguments(self, parameters):
        """Some parameters by place, some by name, now and then one too many or one that does not exist."""
        given, named = [], False
        for p in parameters:
            if p.kind == p.VAR_POSITIONAL:
                given += [self.value() for _ in range(self.random.randrange(4))]
            elif p.kind == p.VAR_KEYWORD or (p.default is not p.empty and self.random.randrange(4)):
                named = True
            else:
                named = named or p.kind == p.KEYWORD_ONLY
                text = self.value(likely(p))
                given.append(f"{p.name}={text}" if named else text)
        oddity = self.random.randrange(30)
        if oddity == 0:
            given.append(f"no_such={self.junk()}")
        elif oddity == 1 and not named:
            given += [self.junk() for _ in range(self.random.randrange(12))]
        elif oddity == 2:
            given = given[1:]
        return ", ".join(given)

    def call(self, entries):
        source, parameters = self.random.choice(entries)
        return f"{source}({self.arguments(parameters)})"

    def method(self, subject, methods):
        name, parameters = self.random.choice(methods)
        return f"{subject}.{name}({self.arguments(parameters)})"

    def operator(self):
        kind = self.random.randrange(3)
        if kind == 0:
            return self.random.choice(UNARY).replace("{}", self.subject())
        if kind == 1:
            return f"{self.value()} {self.random.choice(BINARY)} {self.value()}"
        return f"{self.subject()}.{self.random.choice(ATTRIBUTES)}"

    def indexing(self):
        if self.random.randrange(2):
            return f"{self.subject()}[{self.value(INDICES)}]"
        verb = self.pick("add", "subtract", "multiply", "divide", "maximum", "minimum", "nothing")
        return f"{self.subject()}.at[{self.value(INDICES)}].{verb}({self.value()})"

    def making(self):
        return f"mx.array({self.value(NESTS + SCALARS)}, {self.value(DTYPES)})"

    def transform(self):
        given = ", ".join(self.value(ARRAYS + NESTS) for _ in range(self.random.randrange(4)))
        return f"mx.{self.pick('grad', 'value_and_grad')}({self.value(FUNCTIONS)}, {self.value(BY_NAME['argnums'])})({given})"

    def module(self):
        """Use of a module or optimizer, which an earlier line may have made."""
        what = self.random.choice(["m", "Params(v, L)", *self.results])
        if self.random.randrange(2):
            return f"{what}({', '.join(self.value() for _ in range(self.random.randrange(1, 3)))})"
        return self.method(*self.pick((what, MODULE_METHODS), (self.random.choice(["o", *self.results]), OPTIMIZER_METHODS)))

    def statement(self):
        """A line that changes something."""
        kind = self.random.randrange(6)
        target = self.subject()
        if kind <= 1:
            return f"{target}[{self.value(INDICES)}] = {self.value()}"
        if kind == 2:
            return f"{target} {self.random.choice(INPLACE)}= {self.value()}"
        if kind == 3:
            return f"m.{self.pick('weight', 'bias', 'training', 'new', 'forward')} = {self.value()}"
        if kind == 4:
            return f"o.{self.pick('state', 'learning_rate', 'betas', 'step')} = {self.value()}"
        return self.pick("L[:] = [v, a, L]", "D['c'] = D", "del L[:]", "L.append(Trap('clear'))", f"D['x'] = {target}", f"L.append({target})")

    def expression(self):
        kinds = [self.operator, self.indexing, self.making, self.transform, self.module]
        tables = [CORE] * 5 + [LAYERS, NN, OPTIMIZERS, UTILS]
        choice = self.random.randrange(len(kinds) + len(tables) + 2)
        if choice < len(kinds):
            return kinds[choice]()
        choice -= len(kinds)
        return self.call(tables[choice]) if choice < len(tables) else self.method(self.subject(), ARRAY_METHODS)


def write(numbers):
    """The lines for `numbers`; `rN` holds the result of line N."""
    lines = []
    for n, number in enumerate(numbers):
        writer = Writer(16 * number + n, [f"r{i}" for i in range(n)])  # the same number, which hypothesis likes, elsewhere is another line
        lines.append(writer.statement() if writer.random.randrange(10) == 0 else f"r{n} = {writer.expression()}")
    return lines


# Hypothesis prefers small numbers where there are more than 24 bits; those would be the same few lines again and again.
NUMBERS = st.tuples(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1)).map(lambda pair: pair[0] << 24 | pair[1])


def programs():
    return st.lists(NUMBERS, min_size=1, max_size=10).map(write)
