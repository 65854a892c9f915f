"""Average gene scores and programs over the cohort, weighted by cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ..annotation.program_quality import specificity
from ..outputs.parquet import concat_frames, read_frame
from ..outputs.schemas import GENE_SCORES, PROGRAMS


def mean_gene_scores(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Mean gene scores of the cohort by label and gene, each sample weighted by its cells (`schemas.GENE_SCORES`)."""
    values = ["score", "workspace", "detected"]
    total = _weighted_mean((read_frame(path) for path in paths), ["label", "symbol"], values)
    return concat_frames([total.sort_values(["label", "score", "symbol"], ascending=[True, False, True])], GENE_SCORES)


def mean_programs(paths: Iterable[str | Path], *, gene_scores: Iterable[str | Path]) -> pd.DataFrame:
    """Mean program weights of the cohort by label, slot and gene (`schemas.PROGRAMS`).

    A sample's weight is its number of cells of that label, which its gene score table states. Specificity is among the
    cohort's labels.
    """

    def frames() -> Iterator[pd.DataFrame]:
        for path, scores in zip(paths, gene_scores, strict=True):
            cells = read_frame(scores, ["label", "n_cells"]).groupby("label")["n_cells"].max()
            program = read_frame(path)
            yield program.assign(n_cells=program["label"].map(cells).astype("int64"))

    total = _weighted_mean(frames(), ["label", "slot", "symbol"], ["weight", "stability", "coverage"])
    total = total.astype({"slot": "Int32"}).assign(specificity=_specificity(total))
    order = total.sort_values(["label", "slot", "weight", "symbol"], ascending=[True, True, False, True])
    return concat_frames([order], PROGRAMS)


def _specificity(programs: pd.DataFrame) -> np.ndarray:
    """`specificity` of each row's program, missing where its stability is."""
    measured = programs[programs["stability"].notna()]
    said = measured.pivot_table(index="label", columns="slot", values="weight", aggfunc="sum", fill_value=0.0)
    rows, columns = (axis.get_indexer(programs[name]) for name, axis in (("label", said.index), ("slot", said.columns)))
    padded = np.pad(specificity(said.to_numpy()), ((0, 1), (0, 1)), constant_values=np.nan)  # -1: not there
    return padded[rows, columns]


def _weighted_mean(frames: Iterable[pd.DataFrame], keys: list[str], values: list[str]) -> pd.DataFrame:
    """Mean of `values` by `keys`, weighted by n_cells, and the sum of n_cells; holds the sums and one frame."""
    sums = pd.DataFrame(columns=[*keys, *values, "n_cells"])
    for frame in frames:
        weighted = frame.assign(**{value: frame[value].astype("float64") * frame["n_cells"] for value in values})
        parts = [part for part in (sums, weighted) if len(part)]
        if parts:
            grouped = pd.concat(parts).groupby(keys, as_index=False, sort=True, dropna=False)
            sums = grouped[[*values, "n_cells"]].sum(min_count=1)
    return sums.assign(**{value: sums[value] / sums["n_cells"] for value in values})
