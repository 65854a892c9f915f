"""A case of the catalogue: how the odd input is made, and what the library, in this process, makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import yaml
from scipy import sparse
from snakemake.common.configfile import load_configfile
from snakemake.utils import validate
from tiny_cohort import REPO

from cellcohort.core.errors import InputError
from cellcohort.genes.align_sample import align_sample
from cellcohort.inputs.bundle_files import check_bundle
from cellcohort.inputs.check_inputs import check_data
from cellcohort.inputs.config import check_config
from cellcohort.inputs.counts import open_sample
from cellcohort.inputs.sample_sheet import read_sheet
from cellcohort.qc.check_sample import check_sample

GENES = [
    *[
        "CD3D",
        "CD3E",
        "CD2",
        "IL7R",
        "LTB",
        "CD19",
        "CD79A",
        "CD79B",
        "MS4A1",
        "BANK1",
        "COL1A1",
        "COL1A2",
        "COL3A1",
        "DCN",
        "LUM",
        "CD14",
        "CD68",
        "CD163",
        "LYZ",
        "AIF1",
    ],
    *[
        "TYROBP",
        "C1QA",
        "C1QB",
        "C1QC",
        "ACTB",
        "GAPDH",
        "B2M",
        "TMSB4X",
        "EEF1A1",
        "RPLP0",
        "RPL3",
        "RPL5",
        "RPS3",
        "RPS6",
        "TPT1",
        "FTL",
        "FTH1",
        "UBC",
        "HSPA8",
        "ENO1",
    ],
]
"""Forty symbols, which are the vocabulary, too."""
QC = {"min_genes": 5, "min_counts": 20, "max_mito_share": 0.5, "n_mads": 7, "doublets": False}


@dataclass(frozen=True)
class Case:
    """An odd input.

    Attributes
    ----------
    name, condition
        A unique name in snake_case, and what is odd, in one line for a reader.
    make
        Writes the input into an empty folder. Of a sample it returns the columns of its row in the sheet (`path`
        relative to the folder); of a plan nothing: the folder then holds config.yaml and what that names. The folder of
        a bundle holds a good one, which it makes odd.
    outcome
        Of a sample "read" or "rejected"; of a plan "planned" or "stopped"; of a bundle "loaded" or "refused".
    says
        A part of the reason, or of one of the notes; empty where nothing is to be said.
    holds
        Cells, genes and the sum of counts that a sample is read with; None where that is not the point.
    """

    name: str
    condition: str
    make: Callable[[Path], dict[str, Any] | None]
    outcome: str
    says: str = ""
    holds: tuple[int, int, float] | None = None


def counts_of(n_cells: int = 60, seed: int = 0) -> sparse.csr_matrix:
    """Random counts of `GENES`, (n_cells, 40) float32 CSR, that pass quality control."""
    return sparse.csr_matrix(np.random.default_rng(seed).poisson(3.0, (n_cells, len(GENES))).astype(np.float32))


def cells(n_cells: int = 60, seed: int = 0) -> ad.AnnData:
    """Ordinary cells, as AnnData with the obs columns cell_type and donor: what a case makes odd."""
    obs = pd.DataFrame(
        {"cell_type": np.resize(["T", "B", "NK"], n_cells), "donor": np.resize(["D1", "D2"], n_cells)},
        index=[f"cell{i:03d}" for i in range(n_cells)],
    )
    return ad.AnnData(counts_of(n_cells, seed), obs=obs, var=pd.DataFrame(index=GENES))


def vocabulary() -> pd.DataFrame:
    """`GENES` as a vocabulary (schemas.VOCABULARY)."""
    n = len(GENES)
    places = {"chromosome": "chr1", "start": np.arange(n) * 1000, "end": np.arange(n) * 1000 + 500}
    return pd.DataFrame({"token_id": np.arange(n, dtype=np.int32), "gene_id": None, "symbol": GENES, **places})


def run_sample(row: dict[str, Any], folder: Path) -> tuple[str, list[str]]:
    """Quality control and alignment of one sample: its outcome, and its reason or notes."""
    sample = {"sample_id": "S", "patient_id": "P", **row}
    path = str(folder / row["path"])
    _, record = check_sample(sample, path, QC)
    _, status = align_sample(sample, path, vocabulary(), record, min_share=0.5)
    if status["status"] == "rejected":
        return "rejected", [status["reason"]]
    return "read", status["notes"]


def size_of(row: dict[str, Any], folder: Path) -> tuple[int, int, float]:
    """Cells, genes and the sum of counts of a sample."""
    counts = open_sample(row, folder / row["path"])
    return counts.n_cells, counts.n_genes, float(counts.read().sum())


def run_plan() -> tuple[str, list[str]]:
    """What Snakemake does before any job, in the working directory: the outcome and the reason."""
    schemas = {
        name: yaml.safe_load((REPO / f"workflow/schemas/{name}.schema.yaml").read_text())
        for name in ("config", "samples")
    }
    try:
        config = load_configfile("config.yaml")
        check_config(config, schemas["config"], files=["config.yaml"])
        validate(config, str(REPO / "workflow/schemas/config.schema.yaml"))
        check_data(read_sheet(config["samples"], schemas["samples"]), config, files=["config.yaml"])
    except InputError as error:
        return "stopped", [str(error)]
    return "planned", []


def run_bundle(folder: Path) -> tuple[str, list[str]]:
    """Planning with a model bundle, and loading it: the outcome and the reason."""
    from cellcohort.bundle.model_bundle import Bundle  # torch, which the other cases do not need

    try:
        check_bundle(folder)
        bundle = Bundle.open(folder)
        _ = bundle.model, bundle.contributions, bundle.detector, bundle.coarse, bundle.sha256
    except InputError as error:
        return "refused", [str(error)]
    return "loaded", []
