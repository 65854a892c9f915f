"""A slice of the demo: real cells, few enough for a test."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import yaml
from tiny_cohort import some_cells


def write_slice(
    folder: Path, demo_data: Path, sheet: pd.DataFrame, config: dict, *, n_reference: int, n_cells: int
) -> None:
    """Fill a working directory with the reference, P13 and P14 of the demo, a sheet and config.yaml."""
    some_cells(demo_data / "reference.h5ad", n_reference).write_h5ad(folder / "reference.h5ad")
    for name in ("P13", "P14"):
        some_cells(demo_data / f"{name}.h5ad", n_cells).write_h5ad(folder / f"{name}.h5ad")
    sheet.to_csv(folder / "samples.tsv", sep="\t", index=False)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
