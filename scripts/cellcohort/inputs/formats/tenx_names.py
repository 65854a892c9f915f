"""Which files of a folder are a 10x matrix: by their names alone, which planning reads, too."""

from __future__ import annotations

import os
import re
from pathlib import Path

MATRIX, BARCODES, FEATURES, GENES = _KINDS = ("matrix.mtx", "barcodes.tsv", "features.tsv", "genes.tsv")
_NAME = re.compile(
    rf"(?P<prefix>[^.{{}}][^{{}}]*?)??[._-]?(?P<kind>{'|'.join(map(re.escape, _KINDS))})(\.gz)?", re.IGNORECASE
)
"""Without hidden files (macOS adds some to archives), and braces, which Snakemake takes for wildcards."""


def file_sets(folder: Path) -> dict[str, dict[str, Path]]:
    """The files of each 10x matrix in a folder: by what stands in front of their names, and by kind.

    GEO puts a sample's accession and name in front (GSM100_P1_matrix.mtx). What lacks in the only set of such names is
    taken from files without. Where a file is there plain and as .gz, the plain one counts.
    """
    found: dict[str, dict[str, Path]] = {}
    for name in sorted(os.listdir(folder)):  # a plain file comes before its .gz
        match = _NAME.fullmatch(name)
        if match and (folder / name).is_file():
            found.setdefault(match["prefix"] or "", {}).setdefault(match["kind"].lower(), folder / name)
    plain = found.pop("", {})
    if is_complete(plain) or not found:
        return {"": plain} if plain else {}
    if len(found) == 1:
        return {prefix: {**plain, **files} for prefix, files in found.items()}
    return {"": plain, **found} if plain else found


def is_complete(files: dict[str, Path]) -> bool:
    """Whether a set has all that a 10x matrix needs."""
    return MATRIX in files and BARCODES in files and (FEATURES in files or GENES in files)
