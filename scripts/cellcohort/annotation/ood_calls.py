"""Which cells of a sample are OOD, and their origins, at a level alpha: annotation.parquet from scores.parquet.

All that a level decides is decided here, from the scores of the cells, so that another level repeats no annotation.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..core.files import read_json
from ..core.provenance import NAME, write_record
from ..ood.fitting_origins import fitting_origins
from ..outputs.parquet import write_table
from ..outputs.schemas import ANNOTATION


def call_sample(
    scores: str | Path, anchors: str | Path, *, annotation: str | Path, shift: str | Path, alpha: float
) -> None:
    """Call the OOD cells of a sample: annotation.parquet and shift.json from scores.parquet and anchors.json."""
    table, content = pq.read_table(scores), read_json(anchors)
    content.pop(NAME)  # this job has its own
    write_table(annotation, call_cells(table, alpha=alpha), ANNOTATION)
    write_record(shift, call_shift(table, content, alpha=alpha))


def call_cells(scores: pa.Table, *, alpha: float) -> pa.Table:
    """The annotation (schemas.ANNOTATION) of n cells with `scores` (schemas.SCORES).

    A cell whose p-value is at most `alpha` is OOD. Its nearest type is its origin where it fits (`fitting_origins`).
    """
    is_ood = _numbers(scores, "ood_pvalue") <= alpha
    return _annotation(scores, is_ood, _origins(scores, is_ood))


def call_shift(scores: pa.Table, anchors: Mapping[str, Any], *, alpha: float) -> dict[str, Any]:
    """The content of shift.json: that of anchors.json (`judgement.Shift`), and the shares of cells that are OOD without
    the shift, and whatever the shift (those with positional evidence), of all cells; null where there are none."""
    unshifted = _numbers(scores, "unshifted_pvalue") <= alpha
    barred = scores["positional"].to_numpy()
    shares = {"ood_share_without_shift": unshifted, "ood_share_whatever_the_shift": unshifted & barred}
    return {**anchors, **{name: float(cells.mean()) if len(cells) else None for name, cells in shares.items()}}


def _numbers(scores: pa.Table, name: str) -> np.ndarray:
    return scores[name].to_numpy()


def _origins(scores: pa.Table, is_ood: np.ndarray) -> pa.ChunkedArray:
    """Each cell's nearest type, null in the OOD cells that it does not fit."""
    unlike, types = np.flatnonzero(is_ood), scores["nearest_type"]
    codes = pc.index_in(types, pc.unique(types)).to_numpy()[unlike]
    numbers = (_numbers(scores, name)[unlike] for name in ("origin_margin", "own_genes", "own_genes_expected"))
    named = np.ones(len(is_ood), bool)
    named[unlike] = fitting_origins(codes, *numbers)
    return pc.if_else(pa.array(named), types, pa.scalar(None, pa.string()))


def _annotation(scores: pa.Table, is_ood: np.ndarray, origins: pa.ChunkedArray) -> pa.Table:
    called = {"is_ood": pa.array(is_ood), "origin": origins}
    columns = {name: called[name] if name in called else scores[name] for name in ANNOTATION.names}
    return pa.table(columns).cast(ANNOTATION)
