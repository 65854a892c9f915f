"""Read a user's tables of gene positions and chromosome arms as checked rows; without pandas, for the plan does it."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from ..core.errors import DamagedFileError, InputError, reading
from .table_text import table_text

Row = dict[str, str | None]

POSITIONS = ("symbol", "chromosome", "start", "end")
ARMS = ("chromosome", "arm", "start", "end")
KNOWN_CHROMOSOME = re.compile(r"chr(\d+[A-Z]?|X|Y|Z|W)")
"""Chromosomes that genes are placed on, in the spelling of `chromosome_name`: no contigs, no mitochondrion."""

_MISSING = {"", "#N/A", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "<NA>"}
_BASES = re.compile(r"\d+(\.\d+)?([eE]\+?\d+)?", re.ASCII)
_COMPRESSED = ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress))


def position_rows(path: str | Path) -> list[Row]:
    """Rows of a table of gene positions: symbol, chromosome, start, end and what other columns it has.

    A gene without a symbol goes by its gene_id. Genes without a place are kept; a place that is no number is an error.
    """
    rows = _read_rows(path, POSITIONS)
    for line, row in rows:
        row["symbol"] = row["symbol"] or row.get("gene_id")
        _check_span(path, line, row)
    if not any(all(row[column] for column in POSITIONS) for _, row in rows):
        raise InputError(f"{path}: no gene has a {', '.join(POSITIONS[:-1])} and {POSITIONS[-1]}. Give another table.")
    return [row for _, row in rows]


def arm_rows(path: str | Path) -> list[Row]:
    """Rows of a table of chromosome arms: chromosome, arm (p and q in small letters), start, end.

    Arms may not overlap, and each has a name of its own: p and q by chromosome, any other name over the genome.
    """
    rows = _read_rows(path, ARMS)
    for line, row in rows:
        for column in ARMS:
            if row[column] is None:
                raise InputError(f"{path}: line {line}, column {column}: empty. Fill it in, or remove the line.")
        row["arm"] = {"P": "p", "Q": "q"}.get(str(row["arm"]), row["arm"])
        _check_span(path, line, row)
    _check_arms(path, [(line, row) for line, row in rows if not is_centromere(row["arm"])])
    return [row for _, row in rows]


def check_genome(positions: str | Path, arms: str | Path) -> None:
    """Raise InputError unless most genes of one table lie on arms of the other."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for row in (arm_table := arm_rows(arms)):
        spans.setdefault(str(chromosome_name(row["chromosome"])), []).append((_bases(row["start"]), _bases(row["end"])))
    genes = [row for row in position_rows(positions) if all(row[column] for column in POSITIONS)]
    places = [
        (str(chromosome_name(row["chromosome"])), (_bases(row["start"]) + _bases(row["end"])) / 2) for row in genes
    ]
    on = [(name, middle) for name, middle in places if name in spans and KNOWN_CHROMOSOME.fullmatch(name)]
    if 2 * len(on) < len(genes) and 2 * len({name for name, _ in on}) < len(spans):
        raise InputError(
            f"{positions}: column chromosome: most genes are on chromosomes ({_few(genes)}) that have no arm in {arms} "
            f"({_few(arm_table)}). Name chromosomes 1 or chr1, and give both tables of one genome."
        )
    if 2 * sum(any(start <= middle < end for start, end in spans[name]) for name, middle in on) < len(on):
        raise InputError(
            f"{positions}: most genes lie outside the arms of {arms}. Give both tables of one genome, in base pairs."
        )


@cache
def chromosome_name(text: object) -> str | None:
    """A chromosome's name with `chr` in front: 1, chr1, CHR1 and 1.0 are all chr1; None for a missing one."""
    name = str(text).strip()
    if name.lower() in ("", "nan", "none", "na", "<na>"):
        return None
    name = re.sub(r"\.0$", "", re.sub(r"^chr(?:omosome)?_?", "", name, flags=re.IGNORECASE)).upper()
    return f"chr{'M' if name == 'MT' else name}"


def is_centromere(arm: object) -> bool:
    """Whether a row of a table of arms is a centromere: no genes are placed on it."""
    return str(arm).lower().startswith(("cen", "acen"))


def _read_rows(path: str | Path, columns: Sequence[str]) -> list[tuple[int, Row]]:
    """Rows by column with the number of their line; missing values are None."""
    text = _text(path)
    first = text.partition("\n")[0]
    separator = next((mark for mark in "\t;," if mark in first), "\t")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}. Give a table, tab-separated or .csv.") from None
    header = _header(path, lines[0][1] if lines else [], columns)
    if len(lines) > 1 and len(lines[1][1]) == len(header) + 1:  # R writes no name above the names of rows
        header = ["", *header]
    return [(number, _row(f"{path}: line {number}", header, cells)) for number, cells in lines[1:]]


def _row(place: str, header: list[str], cells: list[str]) -> Row:
    """A line by column, filled up or cut to the header; InputError for a cell beyond it."""
    values = [None if cell in _MISSING else cell for cell in cells] + [None] * (len(header) - len(cells))
    if any(values[len(header) :]):
        raise InputError(f"{place}: {len(cells)} cells, but the header has {len(header)}. Give each a column.")
    return dict(zip(header, values, strict=False))


def _header(path: str | Path, found: list[str], columns: Sequence[str]) -> list[str]:
    """The names of the columns, in small letters; InputError unless `columns` are among them, each once."""
    names = [name.lstrip("#").strip().lower() for name in found]
    names = ["chromosome" if name in ("chr", "chrom") else name for name in names]
    absent = [column for column in columns if column not in names]
    twice = [column for column in columns if names.count(column) > 1]
    if absent or twice:
        problem = f"{', '.join(absent)} missing" if absent else f"{', '.join(twice)} there twice"
        raise InputError(
            f"{path}: line 1: columns: {problem}. A header line with {', '.join(columns)} is expected, separated by "
            f"tabs; found is {' '.join(found)[:80] or 'nothing'!r}. Write or correct the header."
        )
    return names


def _text(path: str | Path) -> str:
    """The text of a table, compressed or not."""
    with reading(path):
        content = _decompressed(Path(path).read_bytes())
    return table_text(path, content)


def _decompressed(content: bytes) -> bytes:
    for mark, decompress in _COMPRESSED:
        if content.startswith(mark):
            try:
                return decompress(content)
            except (lzma.LZMAError, ValueError) as error:
                raise DamagedFileError(str(error)) from error
    return content


def _check_span(path: str | Path, line: int, row: Row) -> None:
    """Raise InputError unless start and end, where given, are whole numbers in that order."""
    for column in ("start", "end"):
        text = row[column] or "0"
        if not text.isdecimal() and not (_BASES.fullmatch(text) and float(text).is_integer()):
            raise InputError(
                f"{path}: line {line}, column {column}: {row[column]!r} is not a number of base pairs. Give a whole "
                "number, without separators of thousands."
            )
    if row["start"] and row["end"] and _bases(row["end"]) < _bases(row["start"]):
        raise InputError(
            f"{path}: line {line}: end {row['end']} lies before start {row['start']}. Give the smaller one as start."
        )


def _check_arms(path: str | Path, rows: list[tuple[int, Row]]) -> None:
    """Raise InputError for arms that overlap, or share a name."""
    lines: dict[str, int] = {}
    spans: dict[str, list[tuple[float, float, int]]] = {}
    for line, row in rows:
        chromosome = str(chromosome_name(row["chromosome"]))
        name = f"{chromosome} {row['arm']}" if row["arm"] in ("p", "q") else str(row["arm"])
        if name in lines:
            raise InputError(
                f"{path}: line {line}, column arm: {name} is there already in line {lines[name]}. Write p and q, or "
                "give each arm a name of its own."
            )
        lines[name] = line
        spans.setdefault(chromosome, []).append((_bases(row["start"]), _bases(row["end"]), line))
    if not lines:
        raise InputError(f"{path}: no arm. Write a line with {', '.join(ARMS)} for each.")
    for sorted_spans in map(sorted, spans.values()):
        for (_, end, line), (start, _, other) in pairwise(sorted_spans):
            if start < end:
                raise InputError(f"{path}: line {other}: the arm overlaps that of line {line}. Correct start or end.")


def _bases(text: str | None) -> float:
    return float(str(text))


def _few(rows: Iterable[Row]) -> str:
    """The first three chromosomes of a table."""
    names = list(dict.fromkeys(str(row["chromosome"]) for row in rows))
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
