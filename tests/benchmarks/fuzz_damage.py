"""Damage files at random, in their bytes or in their structure; each function says what it did."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ODD_NUMBERS = [0, 1, -1, 2, 5, 7, 127, 255, 256, 2**31 - 1, -(2**31), 2**31, 2**40, 2**63 - 1, -(2**63), 10**9]
ODD_FLOATS = [0.0, -0.0, 0.5, -1.0, 1e38, 1e300, -1e300, float("nan"), float("inf"), -float("inf"), 1e-45]
ODD_TEXTS = [
    *["", " ", "nan", "X", "X1", "1.0", "GENE1", "obs", "../..", "\ufeff", "é", "a\nb", "a\tb", "9" * 50],
    *["csr_matrix", "csc_matrix", "array", "categorical", "dataframe", "null", "string-array", "nullable-integer"],
]
ODD_TYPES = ["i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "?", "S1", "S8", "c16"]
ODD_JSON: list[Any] = [None, True, [], {}, "", "x", *ODD_NUMBERS, 0.5, [1], [[]], {"a": 1}, "<f4", ">i8", "|O"]


def damage(folder: Path, rng: random.Random) -> list[str]:
    """Damage one to three things below a folder."""
    done = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            break
        path = rng.choice(files)
        change = _change_of(path, rng)
        with suppress(*_NOT_POSSIBLE):
            done.append(f"{path.relative_to(folder)}: {change(path, rng)}")
    return done


_NOT_POSSIBLE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    OverflowError,
    AttributeError,
    LookupError,
)


def _change_of(path: Path, rng: random.Random) -> Any:
    """How a file is damaged, mostly by what it holds."""
    if rng.random() < 0.3:
        return damage_bytes
    if path.suffix in (".h5ad", ".h5"):
        return damage_hdf5
    if path.suffix == ".json" or path.name.startswith(".z"):
        return damage_json
    if path.suffix in (".mtx", ".tsv"):
        return damage_text
    return rng.choice([damage_bytes, damage_bytes, remove])


def damage_bytes(path: Path, rng: random.Random) -> str:
    """Flip, cut, zero, repeat or move bytes."""
    data = bytearray(path.read_bytes())
    if not data:
        return "empty already"
    start = rng.randrange(len(data))
    length = min(len(data) - start, rng.choice([1, 2, 4, 8, 64, 512, 4096]))
    way = rng.choice(["flip", "flip", "random", "zero", "ones", "cut", "remove", "insert", "splice"])
    if way == "flip":
        for _ in range(rng.choice([1, 1, 4, 32])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == "random":
        data[start : start + length] = rng.randbytes(length)
    elif way in ("zero", "ones"):
        data[start : start + length] = (b"\0" if way == "zero" else b"\xff") * length
    elif way == "cut":
        del data[start:]
    elif way == "remove":
        del data[start : start + length]
    else:
        other = rng.randrange(len(data))
        piece = bytes(data[other : other + length])
        data[start : start + (0 if way == "insert" else len(piece))] = piece
    path.write_bytes(data)
    return f"{way} at {start}, {length} bytes"


def remove(path: Path, rng: random.Random) -> str:
    """Remove or empty a file, or put a folder in its place."""
    way = rng.choice(["removed", "emptied", "a folder"])
    path.write_bytes(b"") if way == "emptied" else path.unlink()
    if way == "a folder":
        path.mkdir()
    return way


def damage_text(path: Path, rng: random.Random) -> str:
    """Change, repeat, remove or swap a line or a word."""
    lines = path.read_text().splitlines(keepends=True)
    number = rng.randrange(min(len(lines), rng.choice([4, len(lines)])))
    way = rng.choice(["word", "word", "word", "number", "remove", "repeat", "swap", "separator", "empty", "cut"])
    if way in ("word", "number"):
        words = lines[number].rstrip("\n").replace("\t", " ").split(" ")
        odd = rng.choice(
            [*map(str, ODD_NUMBERS), *map(str, ODD_FLOATS)] if way == "number" else [*ODD_TEXTS, "0", "-1"]
        )
        words[rng.randrange(len(words))] = str(odd)
        lines[number] = ("\t" if path.suffix == ".tsv" else " ").join(words) + "\n"
    elif way == "remove":
        del lines[number]
    elif way == "repeat":
        lines[number:number] = [lines[number]] * rng.choice([1, 2, 1000])
    elif way == "swap":
        other = rng.randrange(len(lines))
        lines[number], lines[other] = lines[other], lines[number]
    elif way == "cut":
        del lines[number:]
    else:
        lines[number] = "\n" if way == "empty" else lines[number].replace("\t", " ") + "  "
    path.write_text("".join(lines))
    return f"{way} in line {number + 1}"


def damage_json(path: Path, rng: random.Random) -> str:
    """Change, remove or add a value of a JSON file."""
    content = json.loads(path.read_text())
    places = list(_places(content))
    if not places or rng.random() < 0.05:
        path.write_text(json.dumps(rng.choice(ODD_JSON)))
        return "another value altogether"
    holder, key = rng.choice(places)
    way = rng.choice(["value", "value", "value", "near", "remove", "add"])
    if way == "value":
        holder[key] = rng.choice([*ODD_JSON, *ODD_FLOATS])
    elif way == "near":
        value = holder[key]
        holder[key] = value + rng.choice([1, -1]) if isinstance(value, int | float) else [value]
    elif way == "remove":
        del holder[key]
    elif isinstance(holder, dict):
        holder[rng.choice(ODD_TEXTS)] = rng.choice(ODD_JSON)
    else:
        holder.append(rng.choice(ODD_JSON))
    path.write_text(json.dumps(content))
    return f"{way} at {key!r}"


def _places(content: Any):
    """Every dictionary or list with each of its keys, at most the first thousand of a list."""
    items = (
        content.items() if isinstance(content, dict) else enumerate(content[:1000]) if isinstance(content, list) else ()
    )
    for key, value in items:
        yield content, key
        yield from _places(value)


def damage_hdf5(path: Path, rng: random.Random) -> str:
    """Change an attribute, a dataset or a member of an HDF5 file."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = rng.choice(names)
        element = file[name]
        ways = [_attribute, _attribute, _replace, _member]
        if isinstance(element, h5py.Dataset):
            ways += [_values, _values, _values, _shape, _shape, _type]
        return f"{name}: {rng.choice(ways)(file, name, rng)}"


def _odd_value(rng: random.Random) -> Any:
    return rng.choice(
        [*ODD_NUMBERS, *ODD_FLOATS, *ODD_TEXTS, np.array([1, 2, 3]), np.array([]), np.array([[1]]), b"\xff\xfe"]
    )


def _attribute(file: h5py.File, name: str, rng: random.Random) -> str:
    holder = rng.choice([file[name], file])
    names = list(holder.attrs)
    key = rng.choice([*names, "shape", "encoding-type", "_index", "column-order", "categories"])
    if key in names and rng.random() < 0.3:
        del holder.attrs[key]
        return f"attribute {key} removed"
    value = holder.attrs.get(key)
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "iu" and rng.random() < 0.7:
        value = value.astype(np.int64)
        value[rng.randrange(value.size)] = rng.choice([*ODD_NUMBERS, int(value[0]) + 1, int(value[0]) - 1])
    else:
        value = _odd_value(rng)
    holder.attrs[key] = value
    return f"attribute {key} = {value!r}"


def _values(file: h5py.File, name: str, rng: random.Random) -> str:
    """Some values of a dataset: row pointers, indices, codes, counts or texts."""
    if not 0 < file[name].nbytes < 2**24:  # an earlier change made it empty, or vast
        return "no values"
    values = np.asarray(file[name][...])
    kind = values.dtype.kind
    flat = values.reshape(-1).copy()
    way = rng.choice(["one", "one", "reverse", "constant", "shift", "shuffle", "last"])
    if kind not in "iuf":
        odd: Any = rng.choice(ODD_TEXTS)
        odd = odd.encode()[: values.dtype.itemsize] if kind == "S" else odd
    else:
        odd = rng.choice(ODD_FLOATS if kind == "f" else [*ODD_NUMBERS, int(flat[0]) + 1, int(flat[-1]) - 1])
        with np.errstate(all="ignore"):
            odd = np.array([odd]).astype(values.dtype)[0]
    if way in ("one", "last"):
        flat[rng.randrange(flat.size) if way == "one" else -1] = odd
    elif way == "constant":
        flat[rng.randrange(flat.size) :] = odd
    elif way == "shift" and kind in "iuf":
        with np.errstate(all="ignore"):
            flat[rng.randrange(flat.size) :] += odd
    elif way == "shuffle":
        flat = flat[np.random.default_rng(rng.randrange(2**32)).permutation(flat.size)]
    else:
        flat = flat[::-1]
    file[name][...] = flat.reshape(values.shape)
    return f"values, {way}, {odd!r}"


def _again(file: h5py.File, name: str, values: Any, **options: Any) -> None:
    """Write a dataset anew under its name, with its attributes."""
    attributes = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=values, **options)
    for key, value in attributes.items():
        with suppress(OSError, TypeError, ValueError):
            file[name].attrs[key] = value


def _shape(file: h5py.File, name: str, rng: random.Random) -> str:
    if file[name].nbytes >= 2**24:
        return "too large to change"
    values = file[name][...]
    flat = np.atleast_1d(values)
    shapes = {
        "shorter": lambda: flat[: rng.randrange(len(flat) + 1)],
        "longer": lambda: np.concatenate([flat, flat[: rng.randrange(1, len(flat) + 1)]]),
        "empty": lambda: flat[:0],
        "scalar": lambda: flat.reshape(-1)[0],
        "a column": lambda: flat.reshape(-1, 1),
        "a row": lambda: flat.reshape(1, -1),
        "flat": lambda: flat.reshape(-1),
    }
    way = rng.choice([*shapes])
    _again(file, name, shapes[way](), dtype=file[name].dtype)
    return f"shape, {way}"


def _type(file: h5py.File, name: str, rng: random.Random) -> str:
    dtype = rng.choice(ODD_TYPES)
    with np.errstate(all="ignore"):
        values = np.asarray(file[name][...]).astype(dtype)
    _again(file, name, values)
    return f"type {dtype}"


def _replace(file: h5py.File, name: str, rng: random.Random) -> str:
    """Something else under the name: a group, a value, nothing stored, a compound, a link."""
    attributes = dict(file[name].attrs)
    del file[name]
    way = rng.choice(["group", "value", "null", "compound", "soft link", "external link", "huge"])
    if way == "group":
        file.create_group(name)
    elif way == "value":
        file[name] = _odd_value(rng)
    elif way == "null":
        file[name] = h5py.Empty("f4")
    elif way == "compound":
        file[name] = np.zeros(3, [("a", "i4"), ("b", "f4")])
    elif way == "huge":
        file.create_dataset(name, shape=(2**40,), dtype="i4", chunks=(1024,))
    else:
        file[name] = h5py.SoftLink("/nowhere") if way == "soft link" else h5py.ExternalLink("none.h5", "/X")
        return way
    if rng.random() < 0.5:
        for key, value in attributes.items():
            file[name].attrs[key] = value
    return f"{way} in its place"


def _member(file: h5py.File, name: str, rng: random.Random) -> str:
    """Remove, rename, copy or link a member."""
    way = rng.choice(["removed", "removed", "renamed", "another in its place", "a loop"])
    if way == "removed":
        del file[name]
    elif way == "renamed":
        file.move(name, f"{name}{rng.choice(['2', ' ', '_', '/x'])}")
    elif way == "a loop":
        del file[name]
        file[name] = h5py.SoftLink("/")
    else:
        names: list[str] = []
        file.visit(names.append)
        other = rng.choice(names)
        file.copy(other, "copied here")
        if name in file:
            del file[name]
        file.move("copied here", name)
        way = f"{other} in its place"
    return way
