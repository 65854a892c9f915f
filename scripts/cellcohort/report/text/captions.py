"""Title, caption and source tables of every figure; the captions are the templates of Snakemake's own report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..report_data import UNLIKE_REFERENCE

_CLONE = Path(__file__).resolve().parents[4] / "workflow" / "report"
_INSTALLED = Path(__file__).resolve().parents[1] / "captions"
_FIGURES = {
    "composition": ("What each patient's cells are", ["composition"]),
    "ood": (f"Cells {UNLIKE_REFERENCE}, and confidence", ["ood"]),
    "umap": ("Reference and cohort in one map", ["umap"]),
    "origins": (f"Where the cells {UNLIKE_REFERENCE} may come from", ["origins"]),
    "cnv": ("Chromosome arms gained and lost", ["cnv_patients", "cnv_burden"]),
    "cnv_groups": ("Arms of each altered group of cells", ["cnv_arms", "cnv_groups"]),
    "cnv_heatmap": ("Copy number along the genome", []),
    "genes": ("The genes that tell each type", ["gene_scores"]),
    "sections": ("Cells in their place", ["sections"]),
    "qc": ("What was filtered out, and why", ["qc", "qc_reasons"]),
    "coverage": ("How many of the model's genes each sample measured", ["coverage"]),
    "training": ("How the model was trained", ["training"]),
    "confusion": ("What the model confuses", ["held_out"]),
    "evaluation": ("Agreement with the samples' own annotation", ["evaluation", "confusion"]),
}


class Caption(NamedTuple):
    title: str
    text: str
    tables: tuple[str, ...]


def captions(config: Mapping[str, Any]) -> dict[str, Caption]:
    """The captions by figure name; `config` is what Snakemake's report gives the templates as `snakemake.config`."""
    templates = Environment(loader=FileSystemLoader([_INSTALLED, _CLONE]), undefined=StrictUndefined)
    found = {}
    for name, (title, tables) in _FIGURES.items():
        text = templates.get_template(f"{name}.rst").render(snakemake={"config": config})
        found[name] = Caption(title, " ".join(text.split()), tuple(f"cohort/{table}.tsv" for table in tables))
    return found
