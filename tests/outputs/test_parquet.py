import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cellcohort.outputs import parquet

SCHEMA = pa.schema([pa.field("cell_id", pa.string(), nullable=False), pa.field("score", pa.float32())])


def frames(sizes):
    """Frames of these sizes, their columns in another order than the schema's."""
    first = 0
    for n in sizes:
        yield pd.DataFrame({"score": [0.123456789] * n, "cell_id": [f"c{i}" for i in range(first, first + n)]})
        first += n


def test_a_stream_of_small_tables_makes_few_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 10)
    parquet.write_batches(tmp_path / "t.parquet", frames([1, 2, 0, 8, 3]), SCHEMA)
    file = pq.ParquetFile(tmp_path / "t.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [11, 3]
    assert parquet.read_frame(tmp_path / "t.parquet")["cell_id"].tolist() == [f"c{i}" for i in range(14)]


@pytest.mark.parametrize("sizes", [[], [0], [2, 1]])
def test_both_forms_hold_the_same_rows(tmp_path, sizes):
    parquet.write_both(tmp_path / "t.parquet", tmp_path / "t.tsv", frames(sizes), SCHEMA)
    written = pq.read_table(tmp_path / "t.parquet")
    assert written.schema.remove_metadata().equals(SCHEMA)
    lines = (tmp_path / "t.tsv").read_text().splitlines()
    assert lines == ["cell_id\tscore", *(f"c{i}\t0.123457" for i in range(sum(sizes)))]
    assert written.num_rows == sum(sizes)


def test_a_stream_that_breaks_leaves_neither_form(tmp_path):
    def broken():
        yield from frames([2])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        parquet.write_both(tmp_path / "t.parquet", tmp_path / "t.tsv", broken(), SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_a_null_where_none_may_be_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cell_id"):
        parquet.write_table(tmp_path / "t.parquet", pd.DataFrame({"cell_id": [None], "score": [1.0]}), SCHEMA)
