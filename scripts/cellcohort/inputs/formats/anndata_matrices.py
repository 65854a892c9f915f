"""The matrices of an AnnData store: which elements are matrices of numbers, and how they are stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..stores.stored_elements import array, dtype, has, is_group, member, members, shape, text_attribute

_FORMATS = {"csr_matrix": "csr", "csc_matrix": "csc", "csr": "csr", "csc": "csc"}
_LOOKED_AT = 20_000
"""Entries from which `looks_like_counts` tells."""
_PLACES, _LARGEST_CHUNK = 20, 4_000_000
_KINDS = {"b": "true and false", "c": "complex numbers", "V": "several fields an entry"}


def table_of(counts: str) -> tuple[str, str]:
    """Where the matrix that `counts` names lies, and the table of its genes."""
    return ("raw/X", "raw/var") if counts == "raw" else (counts, "var")


def sparse_format(element: Any) -> str:
    """csr or csc (also as anndata before 0.7 marks them); empty for other elements."""
    if not is_group(element):
        return ""
    return _FORMATS.get(text_attribute(element, "encoding-type") or text_attribute(element, "h5sparse_format"), "")


def readable_matrices(store: Any) -> list[str]:
    """What `counts` may name: X, raw and layers/NAME, as far as they are matrices of numbers."""
    layers = [f"layers/{name}" for name in sorted(members(member(store, "layers")))] if has(store, "layers") else []
    return [name for name in ("X", "raw", *layers) if not not_a_matrix(store, table_of(name)[0])]


def looks_like_counts(store: Any, name: str) -> bool:
    """Whether the first entries of the matrix that `counts` would name so are whole numbers, none below 0."""
    element = member(store, table_of(name)[0])
    if sparse_format(element):
        values = array(member(element, "data"), slice(_LOOKED_AT))
    else:
        _, n_genes = shape(element) or (0, 0)
        values = array(element, slice(1 + _LOOKED_AT // max(1, n_genes)))
    return bool(values.size and values.min() >= 0 and values.max() > 1 and (values == np.rint(values)).all())


def some_values(store: Any, name: str) -> np.ndarray:
    """Up to `_LOOKED_AT` stored values (n,) float64, from places that are spread over the matrix; zeros may be missing.

    Only the start is read where the chunks are so large that each place would unpack a good part of the matrix.
    """
    element = member(store, table_of(name)[0])
    stored = member(element, "data") if sparse_format(element) else element
    sizes = shape(stored) or (0,)
    width = max(1, _LOOKED_AT // _PLACES // (1 if len(sizes) == 1 else max(1, sizes[1])))
    n_places = _PLACES if _chunk_length(stored) <= _LARGEST_CHUNK else 1
    starts = np.unique(np.linspace(0, max(0, sizes[0] - width), n_places).astype(int))
    parts = [array(stored, slice(int(start), int(start) + width)).ravel() for start in starts]
    return np.concatenate(parts).astype(np.float64)


def _chunk_length(stored: Any) -> int:
    chunks = getattr(stored, "chunks", None)
    return int(np.prod(chunks)) if chunks else 0


def not_a_matrix(store: Any, place: str) -> str:
    """What hinders that `place` is read as a matrix of numbers; empty where nothing does."""
    if place not in ("X", "raw/X") and not place.startswith("layers/"):
        return "is not in the file"
    if not has(store, place):
        return "is not in the file"
    element = member(store, place)
    encoding = text_attribute(element, "encoding-type")
    if sparse_format(element):
        element = member(element, "data")
    elif is_group(element) or encoding not in ("", "array", "null"):
        return f"is stored as {encoding or 'a group'!r}, which is no matrix"
    else:
        sizes = shape(element)
        if encoding == "null" or sizes is None:
            return "is empty (null)"
        if len(sizes) != 2:
            return f"has {len(sizes)} dimensions instead of 2"
    kind = "V" if is_group(element) else dtype(element).kind
    return "" if kind in "iuf" else f"holds {_KINDS.get(kind, 'text')} instead of numbers"
