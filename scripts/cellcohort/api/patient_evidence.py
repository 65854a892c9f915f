"""`infer_cnv` and `assign_verdict`: copy number, and what each cell is taken for, by patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from ..bundle.model_bundle import Bundle
from ..cnv.infer_patient import infer_patient
from ..cnv.patient_samples import Sample
from ..core.errors import InputError
from ..inputs.counts import open_sample
from ..outputs.parquet import empty, read_frame, write_table
from ..outputs.schemas import ANNOTATION, CNV_ARMS, CNV_CELLS, POSITIONAL, with_sample
from ..verdict.known_arms import read_known_arms
from ..verdict.patient_verdict import gather_cells, judge_patient
from .adata_tables import (
    CNV_KEY,
    UNS,
    VERDICT_COLUMNS,
    annotated_rows,
    annotation_table,
    as_in_scanpy,
    check_annotated,
    cnv_table,
    positional_table,
    put_cnv,
    spread,
    typed,
)
from .annotate_cells import annotate
from .cell_files import Cells, Patient, open_cells, rows_by_patient
from .sample_stages import arms_of, config_of, positions_of

_TABLES = {"arms": "cnv_arms", "normals": "cnv_reference", "limits": "cnv_limits"}
"""Tables of a patient's copy number, and their keys in uns."""


def infer_cnv(
    data: ad.AnnData,
    *,
    genome: str = "hg38",
    counts: str = "X",
    genes: str = "index",
    species: str = "human",
    normal_labels: Sequence[str] = (),
    copy: bool = False,
) -> ad.AnnData | None:
    """Infer the copy number of annotated cells, patient by patient, against the patient's own normal cells.

    Parameters
    ----------
    data
        AnnData that `annotate` wrote into.
    genome
        hg38 or GRCm39.
    counts, genes, species
        As in `annotate`.
    normal_labels
        Labels that may serve as normal; none: every label.
    copy
        As in `annotate`.

    Returns
    -------
    None, or the copy. Written are

    `obs["cnv_call"]`, `obs["cnv_score"]`, `obs["clone"]`
        aneuploid, diploid or undetermined; the size of the changes (mean square of the profile); cells of the same
        altered arms.
    `obsm["X_cnv"]`, `uns["cnv"]`
        The smoothed profile (n_obs, n_windows), CSR float32 with rows of 0 where missing, and the first window of each
        chromosome: what infercnvpy's plots read.
    `obsm["X_cnv_evidence"]`
        The rest of cnv_cells.parquet: role, log likelihood ratio, false discovery rate, lineage, reason.
    `uns["cellcohort"]["cnv_arms"]`, `["cnv_reference"]`, `["cnv_limits"]`
        Calls by chromosome arm; which cells served as normal and which were refused; what would have been found.

    Raises
    ------
    InputError
        When the cells are not annotated.
    """
    config = config_of(cnv={"genome": genome, "normal_labels": list(normal_labels)})
    check_annotated(data)
    patient = data.uns[UNS]["patient"] or None
    with (
        open_cells(data, patient=patient, counts=counts, genes=genes, species=species, copy=copy) as cells,
        TemporaryDirectory(prefix="cellcohort-") as folder,
    ):
        runs = [_PatientRun(cells.adata, one, Path(folder) / str(i)) for i, one in enumerate(cells.patients)]
        for run in runs:
            run.infer(config)
        _put(cells, runs)
        return cells.answer


def assign_verdict(
    data: ad.AnnData,
    bundle: str | Path,
    *,
    known_arms: Sequence[str] = (),
    copy: bool = False,
) -> ad.AnnData | None:
    """Weigh all evidence on each cell: normal, malignant, unexplained or unsure.

    Parameters
    ----------
    data
        AnnData; it is annotated first, with the defaults of `annotate`, if it is not yet. Copy number counts where
        `infer_cnv` was called.
    bundle
        Folder of a trained model.
    known_arms
        Chromosome arms that the tumour is known to have gained or lost, such as "1p-,19q-".
    copy
        As in `annotate`.

    Returns
    -------
    None, or the copy. Written are `obs["verdict"]`, `obs["p_malignant"]` (calibrated: of cells at .9 nine in ten are)
    and `obs["reason"]` (what decided), missing for cells that failed quality control.
    """
    if copy:
        data = data.to_memory() if data.isbacked else data.copy()
    if UNS not in data.uns:
        annotate(data, bundle)
    check_annotated(data)
    if data.uns[UNS]["bundle_sha256"] != Bundle.open(bundle).sha256:
        raise InputError(f"{bundle}: it is another bundle than the one that annotated the cells. Name that one.")
    parts = []
    for name, rows in rows_by_patient(data, data.uns[UNS]["patient"] or None).items():
        one = Patient(name, rows, {})
        parts.append((annotated_rows(data, one), _judge(data, one, known_arms)))
    data.obs[VERDICT_COLUMNS] = spread(data, parts, VERDICT_COLUMNS).astype({"p_malignant": np.float32})
    return data if copy else None


class _PatientRun:
    """Copy number of one patient in a folder."""

    def __init__(self, adata: ad.AnnData, one: Patient, folder: Path) -> None:
        self.adata, self.one = adata, one
        self.files = {name: folder / f"{name}.parquet" for name in ("cells", "arms", "patient", "origins", *_TABLES)}
        self.files["cnv"] = folder / "cnv.h5ad"
        self.rows = annotated_rows(adata, one)

    def infer(self, config: dict) -> None:
        counts = open_sample(self.one.sample, self.one.path)
        tables = annotation_table(self.adata, self.one), positional_table(self.adata, self.one)
        samples = [Sample(self.one.name, counts, *tables)] if len(self.rows) else []
        infer_patient(
            samples,
            self.one.name,
            config["cnv"],
            self.files,
            positions=positions_of(config),
            arms=arms_of(config),
        )


def _put(cells: Cells, runs: list[_PatientRun]) -> None:
    adata = cells.adata
    put_cnv(adata, [(run.rows, read_frame(run.files["cells"])) for run in runs])
    profiles = [(run.rows, ad.read_h5ad(run.files["cnv"])) for run in runs if len(run.rows)]
    rows = np.concatenate([rows for rows, _ in profiles])
    stacked = sparse.vstack([profile.obsm["X_cnv"] for _, profile in profiles], format="csr")
    into = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))), (adata.n_obs, len(rows)))
    adata.obsm["X_cnv"] = sparse.csr_matrix(into @ stacked)
    adata.uns["cnv"] = profiles[0][1].uns["cnv"]
    for name, key in _TABLES.items():
        adata.uns[UNS][key] = as_in_scanpy(pd.concat([read_frame(run.files[name]) for run in runs], ignore_index=True))


def _judge(adata: ad.AnnData, one: Patient, known_arms: Sequence[str]) -> pd.DataFrame:
    """Verdicts of a patient's annotated cells, in their order."""
    arms = empty(CNV_ARMS).to_pandas()
    with TemporaryDirectory(prefix="cellcohort-") as folder:
        files = {name: Path(folder) / f"{name}.parquet" for name in ("annotation", "positional", "cnv")}
        write_table(files["annotation"], annotation_table(adata, one), ANNOTATION)
        write_table(files["positional"], positional_table(adata, one), POSITIONAL)
        called = None
        if CNV_KEY in adata.obsm:
            called, all_arms = files["cnv"], typed(adata.uns[UNS]["cnv_arms"], CNV_ARMS)
            ids = {"sample_id": one.name, "patient_id": one.name}
            write_table(called, cnv_table(adata, one).assign(**ids), with_sample(CNV_CELLS))
            arms = all_arms[all_arms["patient_id"] == one.name]
        gathered = gather_cells(
            [{"sample_id": one.name}],
            annotation=[files["annotation"]],
            positional=[files["positional"]],
            cnv_cells=called,
        )
    return judge_patient(gathered, arms, read_known_arms(list(known_arms)))
