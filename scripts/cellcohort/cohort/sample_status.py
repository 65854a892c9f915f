"""Collect the status of all samples into one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..core.files import read_json
from ..core.provenance import NAME
from ..inputs.sample_columns import DESCRIPTION
from ..outputs.parquet import concat_frames
from ..outputs.schemas import PROVENANCE_OF_SAMPLE, SAMPLES


def collect_status(paths: Sequence[str | Path], samples: Sequence[dict]) -> pd.DataFrame:
    """The status.json files as one table (`schemas.SAMPLES`), notes joined by semicolons.

    Tissue, batch and condition come from `samples`, the sample sheet's rows in the order of `paths`.
    """
    rows = [_status(read_json(path), sample) for path, sample in zip(paths, samples, strict=True)]
    return concat_frames([pd.DataFrame(rows)], SAMPLES)


def _status(content: dict, sample: dict) -> dict:
    facts = content.pop(NAME, {})
    return {
        **content,
        "notes": "; ".join(content["notes"]) or None,
        **{column: sample.get(column) for column in DESCRIPTION},
        **{column: facts.get(column) for column in PROVENANCE_OF_SAMPLE},
    }
