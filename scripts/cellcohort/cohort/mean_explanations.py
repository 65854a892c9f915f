"""Average gene scores and programs over the cohort, weighted by cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from ..outputs.parquet import concat_frames, read_frame
from ..outputs.schemas import GENE_SCORES, PROGRAMS


def mean_gene_scores(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Mean gene scores of the cohort by label and gene, each sample weighted by its cells (`schemas.GENE_SCORES`)."""
    values = ["score", "workspace", "detected"]
    total = _weighted_mean((read_frame(path) for path in paths), ["label", "symbol"], values)
    return concat_frames([total.sort_values(["label", "score", "symbol"], ascending=[True, False, True])], GENE_SCORES)


def mean_programs(paths: Iterable[str | Path], *, gene_scores: Iterable[str | Path]) -> pd.DataFrame:
    """Mean program weights of the cohort by label, slot and gene (`schemas.PROGRAMS`).

    A sample's weight is its number of cells of that label, which its gene score table states.
    """

    def frames() -> Iterator[pd.DataFrame]:
        for path, scores in zip(paths, gene_scores, strict=True):
            cells = read_frame(scores, ["label", "n_cells"]).groupby("label")["n_cells"].max()
            program = read_frame(path)
            yield program.assign(n_cells=program["label"].map(cells).astype("int64"))

    total = _weighted_mean(frames(), ["label", "slot", "symbol"], ["weight"])
    order = total.sort_values(["label", "slot", "weight", "symbol"], ascending=[True, True, False, True])
    return concat_frames([order], PROGRAMS)


def _weighted_mean(frames: Iterable[pd.DataFrame], keys: list[str], values: list[str]) -> pd.DataFrame:
    """Mean of `values` by `keys`, weighted by n_cells, and the sum of n_cells; holds the sums and one frame."""
    sums = pd.DataFrame(columns=[*keys, *values, "n_cells"])
    for frame in frames:
        weighted = frame.assign(**{value: frame[value].astype("float64") * frame["n_cells"] for value in values})
        parts = [part for part in (sums, weighted) if len(part)]
        if parts:
            sums = pd.concat(parts).groupby(keys, as_index=False, sort=True)[[*values, "n_cells"]].sum()
    return sums.assign(**{value: sums[value] / sums["n_cells"] for value in values})
