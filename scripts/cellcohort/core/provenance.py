"""Provenance of results: facts that every table, JSON file and .h5ad of a job carries.

| fact | what |
|---|---|
| workflow_version | version of the library that wrote the file |
| config_sha256 | the settings of the job and of all jobs before it |
| input_sha256 | the sample's file as it lies on disk; of several samples, the digest of theirs |
| reference_sha256 | the reference's file |
| bundle_sha256 | the model bundle's files |

A job states what it knows itself and inherits the rest from its inputs, so that nothing is hashed twice. No fact names
a time, a machine or a folder: the same run gives the same bytes elsewhere (design law 4).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import pyarrow as pa
import pyarrow.parquet as pq

from .. import __version__
from .errors import InputError
from .files import checksum, digest, read_json, write_json

NAME = "provenance"
"""Key of the facts in JSON files, in Parquet's metadata and in `uns` of .h5ad files."""


CONFIG = "config_sha256"

_facts: dict[str, str] = {}  # of the job that the process does


def start(
    settings: Mapping[str, Any], inputs: Iterable[str], *, user_tables: Iterable[str] = (), results: Iterable[str] = ()
) -> None:
    """Take on a job: all that this process writes from now on carries its facts.

    Parameters
    ----------
    settings
        What decides the job's results: hashed as it is.
    inputs
        Paths of the files that the job reads; tables and JSON files among them hand on their facts.
    user_tables
        Paths of tables that the user may have given in place of ours: their content is part of the settings.
    results
        Paths of results in .h5ad: they hand on their facts, which samples in .h5ad, be they results of another run,
        do not.
    """
    found = [*map(read, inputs), *map(read_h5ad, results)]
    _facts.clear()
    for name in sorted({name for given in found for name in given} - {"workflow_version"}):
        values = sorted({given[name] for given in found if name in given})
        _facts[name] = values[0] if len(values) == 1 else digest(values)
    _facts["workflow_version"] = __version__
    _facts[CONFIG] = digest([settings, [checksum(path) for path in user_tables], _facts.get(CONFIG)])


@contextmanager
def job(settings: Mapping[str, Any], inputs: Iterable[str], *, user_tables: Iterable[str] = ()) -> Iterator[None]:
    """Carry the facts of a job (`start`) in what is written within the block alone: a process may do several."""
    start(settings, inputs, user_tables=user_tables)
    try:
        yield
    finally:
        _facts.clear()


def add_facts(**facts: str) -> None:
    """Add facts that the job knows itself."""
    _facts.update(facts)


def current() -> dict[str, str]:
    """The facts of this process's job; the version alone outside a job."""
    return dict(sorted(_facts.items())) or {"workflow_version": __version__}


def write_record(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file that carries the facts of this process's job."""
    write_json(path, {**content, NAME: current()})


def read(path: str | Path) -> dict[str, str]:
    """The facts that a Parquet or JSON file carries; none for other files."""
    if str(path).endswith(".parquet"):
        metadata = _schema(path).metadata or {}
        return json.loads(metadata.get(NAME.encode(), b"{}"))
    if str(path).endswith(".json"):
        return read_json(path).get(NAME, {})
    return {}


def _schema(path: str | Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: it cannot be read as Parquet ({reason}). Copy or write it again.") from error


def read_h5ad(path: str | Path) -> dict[str, str]:
    """The facts of a result in .h5ad."""
    with h5py.File(path) as file:
        return {name: value.asstr()[()] for name, value in file["uns"][NAME].items()}
