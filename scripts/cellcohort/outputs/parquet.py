"""Read and write result tables as Parquet, at once or as a stream, and as tab-separated text for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..core import provenance
from ..core.errors import InputError, reading
from ..core.files import atomic_path

GROUP_ROWS = 100_000  # of a row group in a file that is written as a stream
_TSV = {"sep": "\t", "index": False, "float_format": "%.6g"}


def vectors(array: np.ndarray) -> pa.FixedSizeListArray:
    """An (n, d) float32 array as a fixed-size-list column of n vectors."""
    return pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1), pa.float32()), array.shape[1])


def stacked(column: pa.ChunkedArray) -> np.ndarray:
    """A fixed-size-list column of n vectors as an (n, d) float32 array."""
    array = column.combine_chunks()
    return array.flatten().to_numpy().reshape(len(array), array.type.list_size)


def as_table(content: pd.DataFrame | dict | pa.Table, schema: pa.Schema) -> pa.Table:
    """`content` in the columns, order and types of `schema`; raises if a column is missing or a null is forbidden."""
    if isinstance(content, pa.Table):
        table = content.select(schema.names).cast(schema)
    elif isinstance(content, pd.DataFrame):
        table = pa.Table.from_pandas(content, schema=schema, preserve_index=False)
    else:
        table = pa.table({name: content[name] for name in schema.names}, schema=schema)
    for field in schema:
        if not field.nullable and table[field.name].null_count:
            raise ValueError(f"column {field.name} holds a null")
    return table.replace_schema_metadata(None)


def write_table(path: str | Path, content: pd.DataFrame | dict | pa.Table, schema: pa.Schema) -> None:
    """Write one table as Parquet."""
    write_batches(path, [as_table(content, schema)], schema)


def write_batches(path: str | Path, batches: Iterable[pd.DataFrame | pa.Table], schema: pa.Schema) -> None:
    """Write a stream of tables as one Parquet file, holding about `GROUP_ROWS` rows at a time."""
    waiting, n_rows = [], 0
    with table_writer(path, schema) as write:
        for batch in batches:
            waiting.append(as_table(batch, schema))
            n_rows += len(batch)
            if n_rows >= GROUP_ROWS:
                write(pa.concat_tables(waiting))
                waiting, n_rows = [], 0
        if waiting:
            write(pa.concat_tables(waiting))


def write_both(path: str | Path, tsv: str | Path, frames: Iterable[pd.DataFrame], schema: pa.Schema) -> None:
    """Write a stream of tables as Parquet and, for people, as tab-separated text with six significant digits."""

    def passed_on(part: Path) -> Iterator[pd.DataFrame]:
        for frame in frames:
            frame.to_csv(part, mode="a", header=False, columns=schema.names, **_TSV)
            yield frame

    with atomic_path(tsv) as part:
        empty(schema).to_pandas().to_csv(part, **_TSV)
        write_batches(path, passed_on(part), schema)


def write_tsv(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a table for people alone, in the form of `write_both`."""
    with atomic_path(path) as part:
        frame.to_csv(part, **_TSV)


@contextmanager
def table_writer(path: str | Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Yield a function that appends a table to the Parquet file `path`, which appears when the block ends well."""
    stamped = schema.with_metadata({provenance.NAME: json.dumps(provenance.current())})
    with atomic_path(path) as part, pq.ParquetWriter(part, stamped) as writer:
        yield lambda batch: writer.write_table(as_table(batch, schema))


def empty(schema: pa.Schema) -> pa.Table:
    """A table of `schema` with no rows."""
    return schema.empty_table()


def read_frame(
    path: str | Path, columns: list[str] | None = None, *, samples: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a Parquet table as a DataFrame, or some samples' rows of a table of the cohort."""
    rows = None if samples is None else pc.field("sample_id").isin(samples)
    return pq.read_table(path, columns=columns, filters=rows).to_pandas()


def read_whole(path: str | Path, schema: pa.Schema) -> pa.Table:
    """A table of another run; raises InputError unless it can be read and has the columns and types of `schema`."""
    try:
        with reading(path):
            table = pq.read_table(path)
            table.validate(full=True)
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: it cannot be read as Parquet ({reason}). Copy or write it again.") from error
    types = {field.name: field.type for field in table.schema}
    wrong = [field.name for field in schema if types.get(field.name) != field.type]
    if wrong:
        raise InputError(f"{path}: {', '.join(wrong)}: a column is missing or of another type. Write it again.")
    for field in schema:
        if not field.nullable and table[field.name].null_count:
            raise InputError(f"{path}: column {field.name} lacks values. Write it again.")
    return table


def concat_frames(parts: list[pd.DataFrame], schema: pa.Schema) -> pd.DataFrame:
    """The parts with the columns of `schema`; its empty form when there is no row."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return empty(schema).to_pandas()
    return pd.concat(filled, ignore_index=True)[schema.names]
