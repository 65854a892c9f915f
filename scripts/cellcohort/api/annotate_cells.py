"""`annotate` and `explain`: labels, out-of-distribution scores and explanations of cells by a bundle."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..bundle.model_bundle import Bundle
from ..core.errors import InputError
from ..core.files import read_json
from ..core.gpus import choose_device
from ..outputs.parquet import read_frame, stacked
from .adata_tables import UNS, forget, put_annotation, put_positional, spread
from .cell_files import Cells, Patient, in_users_words, open_cells
from .sample_stages import config_of, run_sample

log = logging.getLogger(__name__)
_WITHOUT_QC = {"min_genes": 0, "min_counts": 0, "max_mito_share": 1, "n_mads": 1e9, "doublets": False}
_OF_STATUS = ("status", "reason", "n_cells", "n_cells_kept", "vocabulary_share", "value_kind", "notes")


def annotate(
    data: ad.AnnData | str | Path,
    bundle: str | Path,
    *,
    patient: str | None = None,
    counts: str = "X",
    genes: str = "index",
    species: str = "human",
    qc: bool = True,
    alpha: float = 0.05,
    coverage: float = 0.9,
    device: str = "auto",
    copy: bool = False,
) -> ad.AnnData | None:
    """Say for every cell what it is, and whether the reference explains it: the workflow's numbers, to the last bit.

    Parameters
    ----------
    data
        AnnData in memory or backed, or the path of any format that the workflow reads (.h5ad, .zarr, 10x).
    bundle
        Folder of a trained model: of `train`, or `results/model` of the workflow.
    patient
        The obs column with the patient, for cells of several: each patient's technical shift is its own. None: one.
    counts
        Where the counts are: X, raw or layers/NAME.
    genes
        Where gene symbols or Ensembl ids are: index, or a column of var.
    species
        human or mouse.
    qc
        Whether cells are judged first. False takes all of them.
    alpha
        A cell whose p-value is at most alpha is unlike the reference.
    coverage
        Share of cells whose label set holds their true type: 0.8, 0.85, 0.9, 0.95 or 0.99.
    device
        auto, cpu or cuda.
    copy
        Whether results go into a copy of the AnnData. A view becomes one, as in scanpy.

    Returns
    -------
    None; the copy with `copy`; for a path the AnnData that was read. Written are

    `obs["qc_pass"]`, `obs["qc_reason"]`
        Whether the cell passed quality control, and why not. The rest is missing for those that did not.
    `obs["label"]`, `obs["confidence"]`, `obs["second_label"]`, `obs["resolved_label"]`
        The reference's likeliest type, its probability (calibrated), the next one, and the type or, where it is unsure,
        the coarse type (`obs["coarse_label"]`, `obs["coarse_confidence"]`, where the reference has such).
    `obs["label_set"]`
        The types that the cell may be, the most probable first, with bars between them: as many as `coverage` needs.
    `obs["ood_score"]`, `obs["ood_pvalue"]`, `obs["ood_qvalue"]`, `obs["is_ood"]`
        How unlike the reference the cell is, the probability of that in a healthy cell, the false discovery rate, and
        p at most `alpha` (a category, as it can be missing: `adata[adata.obs["is_ood"] == True]`).
    `obs["origin"]`, `obs["origin_margin"]`
        The type that it resembles most, missing where none fits, and by how much more than the next.
    `obsm["X_cellmemory"]`
        Embedding (n_obs, d_model), float32, NaN where missing.
    `obsm["X_cellmemory_positional"]`
        Evidence along the genome (positional.parquet), which `infer_cnv` and `assign_verdict` read.
    `uns["cellcohort"]`
        `alpha`, `bundle_sha256`, `patient` (the column, "" for none) and `patients`, a table with a row for each:
        status, reason, cells, share of the vocabulary, technical shift, notes.

    Raises
    ------
    InputError
        When the file, matrix, column or bundle cannot be used, or the only patient is rejected. Of several patients a
        rejected one is logged, listed and left without annotation.

    Examples
    --------
    >>> import cellcohort as cc
    >>> cc.annotate(adata, "model")  # doctest: +SKIP
    >>> adata.obs["label"].value_counts()  # doctest: +SKIP
    """
    settings = {"qc": qc, "alpha": alpha, "coverage": coverage, "device": device}
    read_as = {"patient": patient, "counts": counts, "genes": genes, "species": species}
    with _annotated(data, bundle, settings, read_as, copy=copy) as run:
        run.put()
        return run.cells.answer


@dataclass(frozen=True)
class Explanation:
    """Why cells got their labels.

    Attributes
    ----------
    gene_scores
        L1, a row for each patient, label and gene: score (what the gene adds to the logit of the label, averaged over
        the label's cells), n_cells, workspace (the workspace's own part) and detected (share of cells).
    programs
        L2, a row for each patient, label, memory slot and gene: weight (what the gene adds through the slot), and the
        slot's stability, coverage and specificity. Slots that do not return in refits are summed (slot missing).
    """

    gene_scores: pd.DataFrame
    programs: pd.DataFrame


def explain(
    data: ad.AnnData | str | Path,
    bundle: str | Path,
    *,
    patient: str | None = None,
    counts: str = "X",
    genes: str = "index",
    species: str = "human",
    qc: bool = True,
    device: str = "auto",
) -> Explanation:
    """Say by which genes (L1) and which programs of genes (L2) cells got their labels; takes as long as `annotate`.

    Parameters
    ----------
    data, bundle, patient, counts, genes, species, qc, device
        As in `annotate`. The AnnData stays as it is.

    Returns
    -------
    Explanation
    """
    settings = {"qc": qc, "alpha": 0.05, "coverage": 0.9, "device": device}
    read_as = {"patient": patient, "counts": counts, "genes": genes, "species": species}
    with _annotated(data, bundle, settings, read_as, copy=False) as run:
        return Explanation(run.table("gene_scores"), run.table("programs"))


@dataclass(frozen=True)
class _Run:
    """Cells with a folder of results for each patient."""

    cells: Cells
    bundle: Bundle
    alpha: float
    column: str | None
    folders: list[Path]

    def put(self) -> None:
        """Write all results into the AnnData."""
        adata = self.cells.adata
        forget(adata)
        _put_qc(adata, self._parts("qc", passed_alone=False), self._usable())
        put_annotation(adata, self._parts("annotation"))
        put_positional(adata, self._parts("positional"))
        adata.obsm["X_cellmemory"] = self._embedding()
        adata.uns[UNS] = {
            "alpha": self.alpha,
            "bundle_sha256": self.bundle.sha256,
            "patient": self.column or "",
            "patients": pd.DataFrame([_facts(*pair) for pair in zip(self.cells.patients, self.folders, strict=True)]),
        }

    def table(self, name: str) -> pd.DataFrame:
        """A table of all patients, with the patient in front."""
        pairs = zip(self.cells.patients, self.folders, strict=True)
        parts = [read_frame(folder / f"{name}.parquet").assign(patient=one.name) for one, folder in pairs]
        table = pd.concat(parts, ignore_index=True)
        return table[["patient", *table.columns.drop("patient")]]

    def _usable(self) -> np.ndarray:
        """Which cells are of patients that were not rejected."""
        usable = np.zeros(self.cells.adata.n_obs, bool)
        for one, folder in zip(self.cells.patients, self.folders, strict=True):
            usable[one.rows] = read_json(folder / "status.json")["status"] == "ok"
        return usable

    def _parts(self, name: str, *, passed_alone: bool = True) -> list[tuple[np.ndarray, pd.DataFrame]]:
        """Row numbers and table of each patient; none of one whose table is empty."""
        parts = []
        for one, folder in zip(self.cells.patients, self.folders, strict=True):
            table = read_frame(folder / f"{name}.parquet")
            if len(table):
                parts.append((_passed_rows(one, folder) if passed_alone else one.rows, table))
        return parts

    def _embedding(self) -> np.ndarray:
        vectors = np.full((self.cells.adata.n_obs, self.bundle.model.config.d_model), np.nan, np.float32)
        for one, folder in zip(self.cells.patients, self.folders, strict=True):
            table = pq.read_table(folder / "embedding.parquet")
            if len(table):
                vectors[_passed_rows(one, folder)] = stacked(table["vector"])
        return vectors


@contextmanager
def _annotated(
    data: ad.AnnData | str | Path,
    bundle: str | Path,
    settings: dict[str, Any],
    read_as: dict[str, Any],
    *,
    copy: bool,
) -> Iterator[_Run]:
    """Annotate each patient in a temporary folder that lives as long as the block."""
    levels = {"ood": {"alpha": settings["alpha"]}, "labels": {"coverage": settings["coverage"]}}
    config = config_of(qc={} if settings["qc"] else _WITHOUT_QC, train={"device": settings["device"]}, **levels)
    config["qc"]["of_sheet"] = [] if settings["qc"] else list(_WITHOUT_QC)
    opened = Bundle.open(bundle)
    opened.model.to(choose_device(settings["device"]))
    with open_cells(data, copy=copy, **read_as) as cells, TemporaryDirectory(prefix="cellcohort-") as folder:
        config["qc"]["on_invalid"] = "reject" if len(cells.patients) > 1 else "fail"
        folders = [Path(folder) / str(number) for number in range(len(cells.patients))]
        for one, own in zip(cells.patients, folders, strict=True):
            run_sample(one.sample, opened, own, config, keep_all=not settings["qc"])
        _check_any_usable(folders)
        yield _Run(cells, opened, settings["alpha"], read_as["patient"], folders)


def _check_any_usable(folders: list[Path]) -> None:
    states = [read_json(folder / "status.json") for folder in folders]
    if all(state["status"] != "ok" for state in states):
        raise InputError(f"{states[0]['reason']} No other patient could be used, either.")


def _passed_rows(one: Patient, folder: Path) -> np.ndarray:
    return one.rows[read_frame(folder / "qc.parquet", ["passed"])["passed"].to_numpy(bool)]


def _put_qc(adata: ad.AnnData, parts: list[tuple[np.ndarray, pd.DataFrame]], usable: np.ndarray) -> None:
    table = spread(adata, parts, ["passed", "reason"])
    adata.obs["qc_pass"] = table["passed"].eq(True).to_numpy(bool) & usable
    adata.obs["qc_reason"] = table["reason"].astype("category")


def _facts(one: Patient, folder: Path) -> dict[str, Any]:
    """What uns says of a patient."""
    status, shift = read_json(folder / "status.json"), read_json(folder / "shift.json")
    told = {name: status[name] for name in _OF_STATUS} | {"notes": in_users_words("; ".join(status["notes"]))}
    told |= {name: np.nan if shift[name] is None else shift[name] for name in ("shift", "held_out_accuracy")}
    texts = {"reason": in_users_words(told["reason"] or ""), "value_kind": told["value_kind"] or ""}
    return {"patient": one.name} | told | texts
