"""What `mlx.core.__array_namespace_info__` gives: the inspection of the array API standard."""

from __future__ import annotations

import mlx.core as mx

_SIGNED = ("int8", "int16", "int32", "int64")
_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
_REAL = ("float32", "float64")
_KINDS = {
    "bool": ("bool",),
    "signed integer": _SIGNED,
    "unsigned integer": _UNSIGNED,
    "integral": _SIGNED + _UNSIGNED,
    "real floating": _REAL,
    "complex floating": ("complex64",),
    "numeric": _SIGNED + _UNSIGNED + _REAL + ("complex64",),
}


def _check(device: mx.Device | None) -> None:
    if device is not None and device not in ArrayNamespaceInfo().devices():
        raise ValueError(f"there is no device {device!r} here: {mx.default_device()!r} is the only one")


class ArrayNamespaceInfo:
    """Answers about the module mlx.core; the standard says what each method means."""

    def capabilities(self) -> dict[str, bool | int]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> mx.Device:
        return mx.default_device()

    def devices(self) -> tuple[mx.Device, ...]:
        return (mx.Device(mx.cpu),)

    def default_dtypes(self, *, device: mx.Device | None = None) -> dict[str, mx.Dtype]:
        _check(device)
        return {"real floating": mx.float32, "complex floating": mx.complex64, "integral": mx.int32, "indexing": mx.int32}

    def dtypes(self, *, device: mx.Device | None = None, kind: str | tuple[str, ...] | None = None) -> dict[str, mx.Dtype]:
        _check(device)
        kinds = tuple(_KINDS) if kind is None else (kind,) if isinstance(kind, str) else kind
        unknown = [k for k in kinds if k not in _KINDS]
        if unknown:
            raise ValueError(f"there is no kind {unknown[0]!r}: kinds are {', '.join(map(repr, _KINDS))}")
        names = dict.fromkeys(name for k in kinds for name in _KINDS[k])
        return {name: mx.bool_ if name == "bool" else getattr(mx, name) for name in names}
