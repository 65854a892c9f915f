"""Which cells of a sample are OOD, and their origins, at a level alpha, and their label sets at a coverage.

All that a level decides is decided here, annotation.parquet from scores.parquet, so that another level repeats no
annotation.
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
    scores: str | Path, anchors: str | Path, *, annotation: str | Path, shift: str | Path, alpha: float, coverage: float
) -> None:
    """Call the OOD cells of a sample: annotation.parquet and shift.json from scores.parquet and anchors.json."""
    table, content = pq.read_table(scores), read_json(anchors)
    content.pop(NAME)  # this job has its own
    write_table(annotation, call_cells(table, alpha=alpha, coverage=coverage), ANNOTATION)
    write_record(shift, call_shift(table, content, alpha=alpha))


def call_cells(scores: pa.Table, *, alpha: float, coverage: float) -> pa.Table:
    """The annotation (schemas.ANNOTATION) of n cells with `scores` (schemas.SCORES).

    A cell whose p-value is at most `alpha` is OOD. Its nearest type is its origin where it fits (`fitting_origins`).
    Its label set has the types that a coverage (of `label_sets.COVERAGES`) needs.
    """
    is_ood = _numbers(scores, "ood_pvalue") <= alpha
    called = {
        "is_ood": pa.array(is_ood),
        "origin": _origins(scores, is_ood),
        "label_set": _label_sets(scores, coverage),
    }
    columns = {name: called[name] if name in called else scores[name] for name in ANNOTATION.names}
    return pa.table(columns).cast(ANNOTATION)


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


def _label_sets(scores: pa.Table, coverage: float) -> pa.Array:
    """The labels that the coverage needs, the most probable first, with bars between them."""
    labels, needed = (scores[name].combine_chunks() for name in ("possible_labels", "needed_coverage"))
    kept = pc.less_equal(needed.flatten(), pa.scalar(coverage, pa.float32())).to_numpy(zero_copy_only=False)
    n_kept = np.concatenate([[0], kept.cumsum()])
    ends = n_kept[labels.offsets.to_numpy() - labels.offsets[0].as_py()] if len(labels) else np.zeros(1, int)
    sets = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), labels.flatten().filter(pa.array(kept)))
    return pc.binary_join(sets, "|")
