"""A results folder as the workflow leaves it, made up: for tests and for looking at the report.

Three ovarian patients: two tumours with an epithelium that the reference lacks, and one whose sample was rejected.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
from annotated import annotated

from cellcohort.cnv.cell_groups import GROUP
from cellcohort.cnv.patient_summary import add_origins, arm_shares, origin_shares
from cellcohort.cohort.cnv_tables import cnv_burden, cnv_groups, collect_cnv_arms
from cellcohort.cohort.composition import collect_annotation, collect_origins
from cellcohort.cohort.evaluation import confusion, evaluate, load_cells
from cellcohort.cohort.mean_explanations import mean_gene_scores
from cellcohort.cohort.sample_status import collect_status
from cellcohort.cohort.umap_projection import project_umap
from cellcohort.cohort.verdict_counts import count_verdicts
from cellcohort.core.files import write_json
from cellcohort.outputs import parquet, schemas
from cellcohort.outputs.parquet import read_frame, write_batches, write_table
from cellcohort.outputs.table_names import CNV_TABLES
from cellcohort.verdict.patient_verdict import write_patient_verdict

TYPES = ["Fibroblast", "Macrophage", "Endothelial", "T_cell", "B_cell"]
UNKNOWN_TYPE = "Epithelial_malignant"
LINEAGE = "Fibroblast, out of distribution"
ARMS = [
    f"chr{number}{arm}" for number in range(1, 23) for arm in "pq" if arm == "q" or number not in (13, 14, 15, 21, 22)
]
GAINED = {"chr8q": 1, "chr3q": 1, "chr20q": 1, "chr17p": -1, "chr4q": -1, "chr13q": -1}
WIDTH, N_GENES = 32, 300
FIGURES = ("composition", "ood", "umap", "origins", "cnv", "qc", "coverage", "training", "confusion", "evaluation")
PATIENT_TABLES = {
    "cnv_patients": schemas.CNV_PATIENTS,
    "cnv_origins": schemas.CNV_ORIGINS,
    "cnv_reference": schemas.CNV_REFERENCE,
    "cnv_limits": schemas.CNV_LIMITS,
}
_COHORT_TABLES = (
    "samples", "verdict", "annotation", "composition", "ood", "origins", "evaluation", "confusion", "umap",
    "integration", "sections", "gene_scores", "enrichment", "origin_genes", "origin_gene_sets", "markers",
)  # fmt: skip


@dataclass
class Results:
    """Paths of one results folder and the sample sheet that led to it."""

    folder: Path
    samples: list[dict] = field(default_factory=list)

    def of_samples(self, name: str) -> list[str]:
        """A file of every sample, in the order of the sheet."""
        return [str(self.folder / "samples" / sample["sample_id"] / name) for sample in self.samples]

    def of_patients(self, name: str) -> list[str]:
        """A file of every patient."""
        return [str(self.folder / "patients" / patient / name) for patient in self.patients]

    def cohort(self, name: str) -> str:
        return str(self.folder / "cohort" / f"{name}.parquet")

    def model(self, name: str) -> str:
        return str(self.folder / "model" / name)

    @property
    def patients(self) -> list[str]:
        return list(dict.fromkeys(sample["patient_id"] for sample in self.samples))


def make_results(
    folder: Path, *, n_patients: int = 2, n_cells: int = 400, n_reference: int = 600, n_rejected: int = 1, seed: int = 0
) -> Results:
    """Write the tables of reference, model, samples and cohort."""
    rng = np.random.default_rng(seed)
    results = Results(folder)
    centres = rng.normal(size=(len(TYPES) + 1, WIDTH)) * 2.2
    centres[-1] = 0.55 * centres[0] + 0.25 * centres[2] + rng.normal(size=WIDTH) * 0.9
    _write_model(results, centres, n_reference, rng)
    for number in range(n_patients + n_rejected):
        patient, rejected = f"P{13 + number}", number >= n_patients
        sample = {
            "sample_id": f"{patient}_tumour",
            "patient_id": patient,
            "path": f"{patient}.h5ad",
            "tissue": "left ovary",
            "truth": "cell_type",
        }
        results.samples.append(sample)
        _write_sample(results, sample, 0 if rejected else n_cells, centres, rng)
        _write_patient(results, sample)
    _write_heatmaps(results, rng)
    return results


def collect(results: Results, truth: dict[str, pd.Series] | None = None, *, umap: bool = True) -> None:
    """The cohort's tables, by the library."""
    annotation, samples = results.of_samples("annotation.parquet"), results.samples
    shifts = results.of_samples("shift.json")
    composition, ood = collect_annotation(annotation, samples, results.cohort("annotation"), shifts=shifts)
    collected = {
        "composition": (composition, schemas.COMPOSITION),
        "ood": (ood, schemas.OOD),
        "samples": (collect_status(results.of_samples("status.json"), samples), schemas.SAMPLES),
        "verdict": (count_verdicts(results.of_samples("verdict.parquet"), samples), schemas.COHORT_VERDICT),
        "origins": (collect_origins(annotation, samples), schemas.ORIGINS),
        "cnv_burden": (
            cnv_burden(results.of_samples("cnv_cells.parquet"), samples),
            schemas.CNV_BURDEN,
        ),
    }
    cells = _evaluated_cells(results)
    collected["evaluation"] = (evaluate(cells), schemas.EVALUATION)
    collected["confusion"] = (confusion(cells), schemas.CONFUSION)
    points = project_umap(
        results.model("reference_embedding.parquet"),
        embeddings=results.of_samples("embedding.parquet") if umap else [],
        annotations=annotation if umap else [],
        calls=results.of_samples("cnv_cells.parquet") if umap else [],
    )
    collected["umap"] = (points, schemas.UMAP)
    collected["integration"] = (_integration(), schemas.INTEGRATION)
    collected["sections"] = (_sections(results), schemas.SECTIONS)
    collected["enrichment"] = (_enrichment(), schemas.ENRICHMENT)
    collected["markers"] = (_markers(results.patients), schemas.MARKERS)
    collected["origin_genes"], collected["origin_gene_sets"] = _origin_genes(collected["origins"][0])
    collected["gene_scores"] = (
        mean_gene_scores(results.of_samples("gene_scores.parquet")),
        schemas.GENE_SCORES,
    )
    for name, (frame, schema) in collected.items():
        write_table(results.cohort(name), frame, schema)
    arms = collect_cnv_arms(results.of_samples("cnv_arms.parquet"), samples)
    write_batches(results.cohort("cnv_arms"), arms, schemas.COHORT_CNV_ARMS)
    groups = cnv_groups(results.of_samples("cnv_cells.parquet"), samples)
    write_batches(results.cohort("cnv_groups"), groups, schemas.CNV_GROUPS)
    for name, schema in PATIENT_TABLES.items():
        write_batches(results.cohort(name), map(read_frame, results.of_patients(f"{name}.parquet")), schema)


def _integration() -> pd.DataFrame:
    row = {"aspect": "donors mixed", "metric": "iLISI", "value": 0.61, "n_cells": 900, "meaning": "Donors are mixed"}
    return pd.DataFrame([row])


def _origin_genes(origins: pd.DataFrame) -> tuple[tuple[pd.DataFrame, pa.Schema], ...]:
    """Two genes and a set gained, one gene lost, by every origin of every patient."""
    keys = origins[["patient_id", "origin"]].dropna()
    genes = pd.DataFrame({"rank": [1, 2, -1], "symbol": ["GENE1", "GENE2", "GENE3"], "log2_change": [2.0, 1.5, -1.0]})
    genes = genes.assign(z=4.0 * genes["log2_change"], detected=0.4, expected=0.2, n_cells=60)
    sets = pd.DataFrame([{"direction": "gained", "gene_set": "Cell cycle", "n_genes": 12, "genes": "GENE1, GENE2"}])
    sets = sets.assign(auc=0.8, pvalue=1e-4, qvalue=0.01)
    kinds = (schemas.ORIGIN_GENES, schemas.ORIGIN_GENE_SETS)
    return tuple((keys.merge(table, "cross"), schema) for table, schema in zip((genes, sets), kinds, strict=True))


def _markers(patients: list[str]) -> pd.DataFrame:
    row = {"logfoldchange": 2.0, "pvals_adj": 1e-9, "n_malignant": 80, "n_normal": 40}
    ranks = pd.DataFrame({"rank": [*range(1, 8), -1, -2]})
    ranks = ranks.assign(symbol=[f"GENE{rank % 20}" for rank in ranks["rank"]], score=30.0 - ranks["rank"], **row)
    return pd.DataFrame({"patient_id": patients}).merge(ranks, "cross")


QUALITY = 0.875, 0.75, 0.25  # stability, coverage and specificity of programs


def _enrichment() -> pd.DataFrame:
    row = {
        "level": "gene score",
        "slot": None,
        "n_genes": 5,
        "auc": 0.9,
        "pvalue": 1e-6,
        "qvalue": 1e-5,
        "genes": "GENE1",
    }
    weak = row | {"gene_set": "WEAK_SET", "qvalue": 0.4}
    program = {"level": "program", **dict(zip(("stability", "coverage", "specificity"), QUALITY, strict=True))}
    named, nameless = row | program | {"gene_set": "PROGRAM_SET", "slot": 3}, weak | program | {"slot": 5}
    unused = named | {"coverage": 0.375, "slot": 1}
    parts = (row | {"gene_set": "STRONG_SET"}, weak, named, nameless, unused)
    return pd.DataFrame([part | {"label": label} for label in TYPES for part in parts])


def _sections(results: Results) -> pd.DataFrame:
    """Places for the cells of every twentieth sample, those unlike the reference in the middle."""
    parts = [pd.DataFrame(columns=schemas.SECTIONS.names)]
    for folder in (Path(path).parent for path in results.of_samples("annotation.parquet")[::20]):
        cells = read_frame(folder / "annotation.parquet")
        calls = read_frame(folder / "cnv_cells.parquet", ["cnv_call"])["cnv_call"]
        angle = np.arange(len(cells)) * 2.4
        radius = np.sqrt(np.arange(len(cells))) * np.where(cells["is_ood"], 0.5, 1.0) * 100
        parts.append(
            cells.assign(
                x=4000 + 1.5 * radius * np.cos(angle),
                y=3000 + radius * np.sin(angle),
                cnv_call=calls,
                gene="GENE" + pd.Series(np.arange(len(cells)) % 20).astype(str),
                gene_score=2.5,
            )
        )
    return pd.concat([part for part in parts if len(part)] or parts)[schemas.SECTIONS.names]


def _evaluated_cells(results: Results) -> pd.DataFrame:
    frames = [load_cells([], annotation="", counts=[], labels=TYPES)]
    for annotation, truth in zip(
        results.of_samples("annotation.parquet"), results.of_samples("truth.parquet"), strict=True
    ):
        frames.append(read_frame(annotation).assign(truth=read_frame(truth)["truth"]))
    cells = pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)
    cells["known"] = cells["truth"].isin(TYPES)
    return cells[["sample_id", "patient_id", "truth", "known", "label", "confidence", "ood_score", "is_ood"]]


def _write_model(results: Results, centres: np.ndarray, n_cells: int, rng: np.random.Generator) -> None:
    kind = rng.choice(len(TYPES), n_cells, p=[0.42, 0.27, 0.11, 0.12, 0.08])
    vectors = (centres[kind] + rng.normal(size=(n_cells, WIDTH))).astype("float32")
    embedding = {
        "cell_id": [f"ref{i:05d}" for i in range(n_cells)],
        "label": [TYPES[k] for k in kind],
        "donor": list(rng.choice(["P11", "P12"], n_cells)),
        "split": list(rng.choice(["train", "validation"], n_cells)),
        "vector": parquet.vectors(vectors),
    }
    schema = schemas.reference_embedding_schema(WIDTH)
    write_table(results.model("reference_embedding.parquet"), embedding, schema)
    counts = np.bincount(kind, minlength=len(TYPES))
    labels = pd.DataFrame({"label_id": range(len(TYPES)), "label": TYPES, "n_cells": counts, "coarse": None})
    write_table(results.model("labels.parquet"), labels, schemas.LABELS)
    write_table(results.model("history.parquet"), _history(rng), schemas.HISTORY)
    write_json(results.model("metrics.json"), _model_metrics(rng))
    write_json(results.model("calibration.json"), {"mix": [0.4, 2.1, 0.1], "slot_stability": None})


def _history(rng: np.random.Generator, n_epochs: int = 18) -> pd.DataFrame:
    epoch = np.arange(1, n_epochs + 1)
    fall = np.exp(-epoch / 4)
    return pd.DataFrame({
        "epoch": epoch,
        "train_loss": 0.05 + 1.5 * fall + rng.normal(0, 0.01, n_epochs),
        "validation_loss": 0.12 + 1.4 * fall + 0.004 * epoch + rng.normal(0, 0.015, n_epochs),
        "validation_accuracy": 0.98 - 0.6 * fall + rng.normal(0, 0.004, n_epochs),
        "validation_macro_f1": 0.97 - 0.7 * fall + rng.normal(0, 0.005, n_epochs),
        "learning_rate": 3e-4,
    })  # fmt: skip


def _model_metrics(rng: np.random.Generator) -> dict:
    counts = rng.poisson(1.2, (len(TYPES), len(TYPES))) + np.diag([190, 120, 60, 55, 40])
    return {
        "validation": {"accuracy": 0.978, "macro_f1": 0.971, "ece": 0.021},
        "per_label": {name: {"precision": 0.97, "recall": 0.97, "f1": 0.97} for name in TYPES},
        "donors_by_label": dict.fromkeys(TYPES, 2),
        "confusion": {"labels": TYPES, "counts": counts.tolist()},
        "ood_false_alarms": {"alpha": [0.0, 0.05, 1.0], "rate": [0.0, 0.052, 1.0]},
    }


def _write_sample(results: Results, sample: dict, n_cells: int, centres: np.ndarray, rng: np.random.Generator) -> None:
    cell_ids = [f"{sample['patient_id']}_{i:06d}" for i in range(n_cells)]
    share = rng.dirichlet([6, 5, 2, 3, 1.5, 8])
    kind = rng.choice(len(TYPES) + 1, n_cells, p=share)
    annotation = _annotation(sample, cell_ids, kind, rng)
    folder = results.folder / "samples" / sample["sample_id"]
    write_table(folder / "annotation.parquet", annotation, schemas.ANNOTATION)
    shift = {"shift": 0.4, "labels": {}, "n_anchors": 3, "in_doubt": False, "ood_share_without_shift": 0.5}
    shift["held_out_accuracy"] = None
    write_json(folder / "shift.json", shift)
    vectors = (centres[kind] + rng.normal(size=(n_cells, WIDTH)) * 1.1).astype("float32")
    embedding = {"cell_id": cell_ids, "vector": parquet.vectors(vectors)}
    write_table(folder / "embedding.parquet", embedding, schemas.embedding_schema(WIDTH))
    truth = pd.DataFrame({"truth": [[*TYPES, UNKNOWN_TYPE][k] for k in kind]}, dtype="object")
    truth.to_parquet(folder / "truth.parquet")
    _write_qc(folder, cell_ids, rng)
    _write_genes(folder, rng, missing=0.12 if n_cells else 0.71)
    _write_status(folder, sample, n_cells)
    _write_explanations(folder, annotation, rng)
    _write_ood(folder, annotation)
    _write_cnv(folder, annotation, kind, rng)


def _annotation(sample: dict, cell_ids: list[str], kind: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n, unknown = len(kind), kind == len(TYPES)
    label = np.where(unknown, rng.choice(len(TYPES), n, p=[0.75, 0.03, 0.2, 0.01, 0.01]), kind)
    slip = rng.random(n) < 0.03
    label = np.where(slip, rng.choice(len(TYPES), n), label)
    score = np.where(unknown, rng.normal(2.2, 0.9, n), rng.normal(0, 0.8, n))
    pvalue = np.clip(1 / (1 + np.exp(2.3 * score)), 0.001, 1)
    confidence = np.where(unknown, rng.beta(5, 3, n), rng.beta(18, 1, n))
    cells = pd.DataFrame({
        "cell_id": cell_ids,
        "sample_id": sample["sample_id"],
        "patient_id": sample["patient_id"],
        "label": np.asarray(TYPES, object)[label],
        "confidence": np.clip(confidence, 0.2, 1),
        "second_label": np.asarray(TYPES, object)[(label + 1) % len(TYPES)],
        "ood_score": score,
        "ood_pvalue": pvalue,
        "ood_qvalue": pvalue,
        "is_ood": pvalue < 0.05,
        "origin": rng.choice([*TYPES, None], n, p=[0.5, 0.02, 0.34, 0.03, 0.01, 0.1]).astype(object),
    })  # fmt: skip
    both = cells["label"] + "|" + cells["second_label"]
    return annotated(cells.assign(label_set=cells["label"].where(cells["confidence"] >= 0.9, both)))


def _write_qc(folder: Path, cell_ids: list[str], rng: np.random.Generator) -> None:
    failed = [f"{cell}_low" for cell in cell_ids[: len(cell_ids) // 8]]
    n, n_failed = len(cell_ids), len(failed)
    genes = np.r_[rng.lognormal(7.4, 0.4, n), rng.lognormal(5, 0.4, n_failed)].astype(int)
    reasons = rng.choice(["few genes", "high mitochondrial share", "doublet"], n_failed, p=[0.5, 0.3, 0.2])
    qc = pd.DataFrame({
        "cell_id": [*cell_ids, *failed],
        "n_counts": genes * 2.8,
        "n_genes": genes,
        "mito_share": np.r_[rng.beta(2, 30, n), rng.beta(4, 9, n_failed)],
        "doublet_score": rng.beta(1, 15, n + n_failed),
        "predicted_doublet": False,
        "passed": np.r_[np.ones(n, bool), np.zeros(n_failed, bool)],
        "reason": [*[None] * n, *reasons],
    })  # fmt: skip
    write_table(folder / "qc.parquet", qc, schemas.QC)


def _write_genes(folder: Path, rng: np.random.Generator, *, missing: float) -> None:
    kinds = ["id", "symbol", "alias", "missing"]
    match = rng.choice(kinds, N_GENES, p=[0, 0.96 - missing, 0.04, missing])
    genes = pd.DataFrame({
        "token_id": range(N_GENES),
        "gene_id": None,
        "symbol": [f"GENE{i}" for i in range(N_GENES)],
        "match": match,
        "query_genes": [[] if kind == "missing" else [f"GENE{i}"] for i, kind in enumerate(match)],
    })  # fmt: skip
    write_table(folder / "genes.parquet", genes, schemas.GENES)


def _write_status(folder: Path, sample: dict, n_cells: int) -> None:
    reason = (
        None
        if n_cells
        else "Only 29 % of the reference's genes were found; at least 50 % are needed (vocabulary.min_share)."
    )
    status = {
        "sample_id": sample["sample_id"],
        "patient_id": sample["patient_id"],
        "status": "ok" if n_cells else "rejected",
        "reason": reason,
        "n_cells": n_cells + n_cells // 8 if n_cells else 812,
        "n_cells_kept": n_cells,
        "vocabulary_share": 0.88 if n_cells else 0.29,
        "value_kind": "counts",
        "notes": [] if n_cells else ["No doublet call: fewer than 50 cells."],
    }
    (folder / "status.json").write_text(json.dumps(status))


def _write_explanations(folder: Path, annotation: pd.DataFrame, rng: np.random.Generator) -> None:
    counts = annotation["label"].value_counts()
    labels = list(counts.index)
    scores = pd.DataFrame(
        [
            (label, f"GENE{i}", rng.random(), counts[label], rng.random(), rng.random())
            for label in labels
            for i in range(20)
        ],
        columns=schemas.GENE_SCORES.names,
    )
    programs = pd.DataFrame(
        [(label, slot, f"GENE{i}", rng.random(), *QUALITY) for label in labels for slot in range(2) for i in range(20)],
        columns=schemas.PROGRAMS.names,
    )
    write_table(folder / "gene_scores.parquet", scores, schemas.GENE_SCORES)
    write_table(folder / "programs.parquet", programs, schemas.PROGRAMS)


def _write_ood(folder: Path, annotation: pd.DataFrame) -> None:
    cells = annotation[annotation["is_ood"]].astype({"cell_id": str}).set_index("cell_id")
    cells = cells.assign(coarse_label="", coarse_confidence=np.float32(np.nan))
    ad.AnnData(sp.csr_matrix((len(cells), 3), dtype="float32"), obs=cells.rename_axis(None)).write_h5ad(
        folder / "ood.h5ad"
    )


def _write_cnv(folder: Path, annotation: pd.DataFrame, kind: np.ndarray, rng: np.random.Generator) -> None:
    unknown = kind == len(TYPES)
    reference = ~unknown & (rng.random(len(kind)) < 0.5)
    call = np.where(unknown & (rng.random(len(kind)) < 0.92), "aneuploid", "diploid").astype(object)
    call[~reference & (rng.random(len(kind)) < 0.06)] = "undetermined"
    cells = annotation[["patient_id", "cell_id", "label", "is_ood"]].assign(**{
        "role": np.where(reference, "reference", "query"),
        "cnv_score": np.where(call == "aneuploid", rng.gamma(20, 0.0035, len(kind)), rng.gamma(9, 0.003, len(kind))),
        "llr": np.where(call == "aneuploid", 8, -8) + rng.normal(size=len(kind)),
        "fdr": 0.01,
        "cnv_call": np.where(reference, "diploid", call),
        "clone": np.where(call == "aneuploid", np.resize(["clone_1", "clone_2"], len(kind)), None),
        "lineage": np.where(unknown, LINEAGE, np.array([*TYPES, ""])[kind]),
        "reference_source": np.where(rng.random(len(kind)) < 0.1, "borrowed", "patient"),
        "reason": None,
    })  # fmt: skip
    write_table(folder / "cnv_cells.parquet", cells, schemas.CNV_CELLS)
    clones = ["clone_1", "clone_2", None] if len(cells) else []
    groups = [(LINEAGE, "aneuploid" if clone else "diploid", clone) for clone in clones]
    rows = [(*group, arm, *_arm(arm, group[-1], rng)) for group in groups for arm in ARMS]
    arms = pd.DataFrame(rows, columns=[*GROUP, "arm", "log2_ratio", "z", "call"])
    write_table(folder / "cnv_arms.parquet", arms.assign(patient_id=cells["patient_id"].max()), schemas.CNV_ARMS)


def _arm(arm: str, clone: str | None, rng: np.random.Generator) -> tuple[float, float, int]:
    if clone is None:
        return 0.0, 0.0, 0
    call = GAINED.get(arm, 0) if clone == "clone_1" or rng.random() < 0.7 else 0
    ratio = call * 0.45 + rng.normal(0, 0.06)
    return ratio, ratio * 18, call


def _write_patient(results: Results, sample: dict) -> None:
    """What the aneuploid cells of a patient of one sample have in common."""
    folder = results.folder / "samples" / sample["sample_id"]
    cells = read_frame(folder / "cnv_cells.parquet").assign(**{k: sample[k] for k in ("sample_id", "patient_id")})
    annotation = read_frame(folder / "annotation.parquet")
    patient = results.folder / "patients" / sample["patient_id"]
    write_table(patient / "cnv_cells.parquet", cells, schemas.with_sample(schemas.CNV_CELLS))
    write_patient_verdict(
        folder / "verdict.parquet",
        [sample],
        annotation=[folder / "annotation.parquet"],
        cnv_cells=patient / "cnv_cells.parquet",
    )
    joined = add_origins(cells, {sample["sample_id"]: annotation})
    arms = read_frame(folder / "cnv_arms.parquet")
    origins = origin_shares(joined, arms)
    patient = {"patient_id": sample["patient_id"]}
    normals = [
        patient | {"label": "T_cell", "group": "group 1", "n_cells": 60, "used": True, "why": "nothing against it"}
    ]
    limits = [patient | {"arms": 3, "log2_ratio": -1.0, "share": 0.05, "false_rate": 0.01}]
    content = (arm_shares(joined, arms), origins, pd.DataFrame(normals), pd.DataFrame(limits))
    for (name, schema), frame in zip(PATIENT_TABLES.items(), content, strict=True):
        write_table(results.folder / "patients" / sample["patient_id"] / f"{name}.parquet", frame, schema)


def _write_heatmaps(results: Results, rng: np.random.Generator) -> None:
    from PIL import Image

    for patient in results.patients:
        path = results.folder / "patients" / patient / "cnv_heatmap.png"
        pattern = np.repeat(rng.normal(0, 0.3, 30), 30)[None] * (np.arange(200) > 90)[:, None]
        pattern = pattern + rng.normal(0, 0.12, (200, 900))
        red, blue = np.clip(-pattern, 0, 1), np.clip(pattern, 0, 1)
        pixels = 255 * np.stack([1 - red, 1 - red - blue, 1 - blue], 2).clip(0, 1)
        Image.fromarray(pixels.astype("uint8")).resize((1400, 700)).save(path)


def report_inputs(results: Results, *, cnv: bool = True) -> dict[str, str | list[str]]:
    """The inputs of the report's rule."""
    names = (*_COHORT_TABLES, *CNV_TABLES) if cnv else _COHORT_TABLES
    inputs: dict[str, str | list[str]] = {name: results.cohort(name) for name in names}
    inputs |= {name: results.of_samples(f"{name}.parquet") for name in ("qc", "genes")}
    inputs |= {name: results.model(f"{name}.parquet") for name in ("history", "labels")}
    inputs |= {name: results.model(f"{name}.json") for name in ("metrics", "calibration")}
    if cnv:
        folder = results.folder / "patients"
        inputs["heatmaps"] = [str(folder / patient / "cnv_heatmap.png") for patient in results.patients]
    return inputs
