"""Names, shapes and finiteness of the tensors in a safetensors file, in plain Python: planning has no torch at hand."""

from __future__ import annotations

import json
from array import array
from math import isfinite, prod
from pathlib import Path
from typing import Any

from ..core.errors import InputError, reading

_LENGTH_BYTES = 8  # at the head of the file: how long the JSON after it is
_REMEDY = "Copy it again, or train anew."


def tensor_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor, by name.

    Raises
    ------
    InputError
        Unless the file is whole, and holds float32 tensors of finite values alone.
    """
    with reading(path):
        content = Path(path).read_bytes()
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    try:
        header = json.loads(content[_LENGTH_BYTES:start]) if start <= len(content) else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise InputError(f"{path}: no safetensors file, or one that was cut off. {_REMEDY}")
    header.pop("__metadata__", None)
    wrong = next((name for name, entry in header.items() if not _is_float32(entry)), None)
    if wrong is not None:
        raise InputError(f"{path}: {wrong}: not described as a float32 tensor. {_REMEDY}")
    places = sorted(entry["data_offsets"] for entry in header.values())
    ends = [0, *(end for _, end in places)]
    if [begin for begin, _ in places] != ends[:-1] or ends[-1] != len(content) - start:
        raise InputError(f"{path}: {len(content)} bytes, which its tensors do not fill. {_REMEDY}")
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if not isfinite(sum(array("f", content[start + begin : start + end]))):
            raise InputError(f"{path}: {name} holds values that are no finite numbers. {_REMEDY}")
    return {name: tuple(entry["shape"]) for name, entry in header.items()}


def _is_float32(entry: Any) -> bool:
    """Whether an entry of the header has the type, and a shape that its bytes fill."""
    if not isinstance(entry, dict) or entry.get("dtype") != "F32":
        return False
    shape, offsets = _sizes(entry.get("shape")), _sizes(entry.get("data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2:
        return False
    return offsets[1] - offsets[0] == 4 * prod(shape)


def _sizes(values: Any) -> list[int] | None:
    """A list of whole numbers that are not negative; None for anything else."""
    good = isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)
    return values if good else None
