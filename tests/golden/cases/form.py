"""The text form of golden cases (README.md describes it), and arrays as raw bits.

An Array is (dtype name, shape, bits): bits is a flat NumPy array of unsigned integers, one element a value; complex64
keeps its real part in the high word, so that the text reads real then imaginary. Start at Case and write_case;
read_cases is the inverse.
"""

import re
from dataclasses import dataclass, field

import numpy as np

DTYPES = [
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "complex64",
]
WIDTH = dict(zip(DTYPES, [1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 2, 8]))
UINT = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
BOOL, UNSIGNED, SIGNED = DTYPES[:1], DTYPES[1:5], DTYPES[5:9]
INTEGERS, FLOATS, COMPLEX = UNSIGNED + SIGNED, DTYPES[9:13], DTYPES[13:]
REALS = BOOL + INTEGERS + FLOATS


@dataclass
class Array:
    dtype: str
    shape: tuple
    bits: np.ndarray


@dataclass
class Weak:
    """A Python scalar: it takes part in promotion as a literal does."""

    value: object


@dataclass
class Case:
    """One call of `op`. Its answer is `outputs`, or the exception's name in `error`, or a `text`, or a `dtype`."""

    op: str
    inputs: list = field(default_factory=list)
    params: dict = field(default_factory=dict)
    cotangents: list = field(default_factory=list)
    check: str = "exact"
    outputs: list = field(default_factory=list)
    refs: list = field(default_factory=list)
    error: str = ""
    text: object = None
    dtype: str = ""
    why: str = ""


def _bfloat16_bits(values):
    """float64 -> bfloat16, ties to even, in one rounding."""
    single = np.asarray(values, dtype=np.float64).astype(np.float32)
    word = single.view(np.uint32).astype(np.uint64)
    rounded = ((word + 0x7FFF + ((word >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(single), np.uint16(0x7FC0), rounded).astype(np.uint16)


def array(values, dtype, shape=None):
    """Values (Python or NumPy) as an Array of `dtype`, wrapped or rounded as C would."""
    exact = dtype in INTEGERS and not isinstance(
        values, np.ndarray
    )  # else 2**64 - 1 among small integers becomes a double
    values = np.asarray(values, dtype=object if exact else None)
    shape = values.shape if shape is None else tuple(shape)
    flat = values.reshape(-1)
    with np.errstate(all="ignore"):
        if dtype == "bool":
            bits = (flat != 0).astype(np.uint8)
        elif dtype in INTEGERS:
            mask = (1 << (8 * WIDTH[dtype])) - 1
            bits = np.array([int(v) & mask for v in flat.tolist()], dtype=UINT[WIDTH[dtype]])
        elif dtype == "bfloat16":
            bits = _bfloat16_bits(flat)
        elif dtype == "complex64":
            pair = flat.astype(np.complex64)
            re, im = pair.real.copy().view(np.uint32), pair.imag.copy().view(np.uint32)
            bits = (re.astype(np.uint64) << np.uint64(32)) | im.astype(np.uint64)
        else:
            bits = flat.astype(np.dtype(dtype)).view(UINT[WIDTH[dtype]])
    return Array(dtype, shape, bits)


def values_of(a):
    """The elements as a flat NumPy array: bool, Python-exact integers, float64 or complex128."""
    if a.dtype == "bool":
        return a.bits != 0
    if a.dtype in INTEGERS:
        return a.bits.view(np.dtype(a.dtype))
    if a.dtype == "bfloat16":
        return (a.bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if a.dtype == "complex64":
        re = (a.bits >> np.uint64(32)).astype(np.uint32).view(np.float32)
        im = (a.bits & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.float32)
        out = np.empty(a.bits.size, dtype=np.complex128)
        out.real, out.imag = re, im
        return out
    return a.bits.view(np.dtype(a.dtype)).astype(np.float64)


def same_bits(a, b):
    """Equal shape, dtype and bits, all NaNs counting as one."""
    if (a.dtype, tuple(a.shape)) != (b.dtype, tuple(b.shape)):
        return False
    return bool(np.all(equal_elements(a, b)))


def equal_elements(a, b):
    equal = a.bits == b.bits
    if a.dtype in FLOATS:
        equal |= np.isnan(values_of(a)) & np.isnan(values_of(b))
    if a.dtype in COMPLEX:
        va, vb = values_of(a), values_of(b)
        parts = [
            (p == q) & (np.signbit(p) == np.signbit(q)) | np.isnan(p) & np.isnan(q)
            for p, q in ((va.real, vb.real), (va.imag, vb.imag))
        ]
        equal |= parts[0] & parts[1]
    return equal


def escape(text):
    return re.sub(r"[%\s]", lambda m: f"%{ord(m.group()):02X}", text) or "%"


def unescape(text):
    return "" if text == "%" else re.sub(r"%(..)", lambda m: chr(int(m.group(1), 16)), text)


def _words(a):
    digits = 2 * WIDTH[a.dtype]
    return " ".join(f"{int(w):0{digits}x}" for w in a.bits)


def _double(x):
    return f"{int(np.float64(x).view(np.uint64)):016x}"


def _shape_text(shape):
    return "x".join(map(str, shape)) if len(shape) else "-"


def _param_line(name, value):
    if value is None:
        return f"none {name}"
    if isinstance(value, (bool, int)):
        return f"int {name} {int(value)}"
    if isinstance(value, float):
        return f"float {name} {_double(value)}"
    if isinstance(value, str):
        return f"str {name} {escape(value)}"
    return f"ints {name} {len(value)} " + " ".join(map(str, value))


def _weak_line(value):
    if isinstance(value, bool):
        return f"weak bool {int(value)}"
    if isinstance(value, int):
        return f"weak int {value}"
    if isinstance(value, float):
        return f"weak float {_double(value)}"
    return f"weak complex {_double(value.real)} {_double(value.imag)}"


def write_case(out, case):
    lines = [f"case {case.op}"]
    if case.why:
        lines.append("why " + case.why)
    if case.check != "exact":
        lines.append("check " + case.check)
    lines += [_param_line(k, v) for k, v in case.params.items()]
    for kind, arrays in (("in", case.inputs), ("cot", case.cotangents)):
        for a in arrays:
            lines.append(
                _weak_line(a.value) if isinstance(a, Weak) else f"{kind} {a.dtype} {_shape_text(a.shape)} {_words(a)}"
            )
    for i, a in enumerate(case.outputs):
        lines.append(f"out {a.dtype} {_shape_text(a.shape)} {_words(a)}")
        if i < len(case.refs) and case.refs[i] is not None:
            ref = np.asarray(case.refs[i]).reshape(-1)
            ref = ref.astype(np.complex128) if a.dtype in COMPLEX else ref
            flat = np.stack([ref.real, ref.imag], -1).reshape(-1) if np.iscomplexobj(ref) else ref.astype(np.float64)
            lines.append(f"ref {flat.size} " + " ".join(map(_double, flat)))
    if case.error:
        lines.append("error " + case.error)
    if case.text is not None:
        lines.append("text " + escape(case.text))
    if case.dtype:
        lines.append("dtype " + case.dtype)
    out.write("\n".join(line.rstrip() for line in lines) + "\nend\n")


def _read_array(words):
    shape = () if words[1] == "-" else tuple(map(int, words[1].split("x")))
    return Array(words[0], shape, np.array([int(w, 16) for w in words[2:]], dtype=UINT[WIDTH[words[0]]]))


def _to_double(word):
    return float(np.uint64(int(word, 16)).view(np.float64))


def _read_weak(words):
    kind, values = words[0], words[1:]
    if kind == "complex":
        return Weak(complex(_to_double(values[0]), _to_double(values[1])))
    return Weak({"bool": lambda w: w == "1", "int": int, "float": _to_double}[kind](values[0]))


def read_cases(lines):
    """Yields the cases of a golden file; `refs` are flat lists of float64."""
    case = None
    for line in lines:
        word, _, rest = line.rstrip("\n").partition(" ")
        words = rest.split()
        if word in ("", "#"):
            continue
        if word == "case":
            case = Case(rest)
        elif word == "end":
            yield case
        elif word in ("in", "cot", "out"):
            {"in": case.inputs, "cot": case.cotangents, "out": case.outputs}[word].append(_read_array(words))
        elif word == "weak":
            case.inputs.append(_read_weak(words))
        elif word == "ref":
            case.refs += [None] * (len(case.outputs) - 1 - len(case.refs)) + [[_to_double(w) for w in words[1:]]]
        elif word == "none":
            case.params[words[0]] = None
        elif word == "int":
            case.params[words[0]] = int(words[1])
        elif word == "ints":
            case.params[words[0]] = [int(w) for w in words[2:]]
        elif word == "float":
            case.params[words[0]] = _to_double(words[1])
        elif word == "str":
            case.params[words[0]] = unescape(words[1])
        elif word == "text":
            case.text = unescape(rest)
        else:
            setattr(case, word, rest)
