"""The tables behind figures that no other step of the workflow writes."""

from __future__ import annotations

import pandas as pd

from ..report_data import ReportData


def figure_tables(data: ReportData) -> dict[str, pd.DataFrame]:
    """Tables by name: what the caption of a figure links to as cohort/NAME.tsv."""
    held_out = data.metrics.get("confusion", {"labels": [], "counts": []})
    counts = pd.DataFrame(held_out["counts"], index=held_out["labels"], columns=held_out["labels"])
    return {
        "qc": data.qc_quantiles[["sample_id", *data.qc_quantiles.columns.drop("sample_id")]],
        "qc_reasons": data.qc_outcomes[["sample_id", "verdict", "n_cells"]],
        "coverage": data.coverage[["sample_id", "match", "n_genes"]],
        "umap": data.umap,
        "training": data.history,
        "held_out": counts.rename_axis("truth").reset_index().melt("truth", var_name="label", value_name="n_cells"),
        "confusion": data.confusion,
    }
