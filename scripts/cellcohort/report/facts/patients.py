"""Facts about each patient: cells by type, OOD cells, origins, arms and copy-number calls, from the cohort's tables."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...cnv.cell_groups import GROUP
from ...cnv.normals.reference_cells import doubted_labels, refusal
from ..report_data import CONFIDENCE_BINS, UNLIKE_REFERENCE, ReportData, histogram_quantiles, patient_composition
from ..text.number_format import arm_order, short_arm
from .judged_cells import JudgedCells, judged_cells
from .origins import Origin, patient_origins

_CALLS = ("aneuploid", "diploid", "undetermined", "reference")
UNSURE = 0.5  # probability of a label
MANY_ANEUPLOID = 0.1  # of the cells of a type
MARKERS_SHOWN, MARKERS_P = 15, 0.05  # in either direction; most adjusted p-value


@dataclass(frozen=True)
class Type:
    """Cells of one label, or all OOD cells (`UNLIKE_REFERENCE`, without a confidence).

    `share` is of the patient's annotated cells; `n_aneuploid` of the cells are aneuploid (not said of OOD cells).
    """

    name: str
    n: int
    share: float
    confidence: float | None
    n_aneuploid: int

    @property
    def is_altered(self) -> bool:
        """Whether so many are aneuploid that the type should not be read as normal tissue."""
        return self.n_aneuploid > MANY_ANEUPLOID * self.n


@dataclass(frozen=True)
class Arm:
    """A chromosome arm that was called gained, or lost, in `groups` of the patient's `of` altered groups of cells.

    `share` is of the `n_cells` aneuploid cells whose group could be judged (None without any), `ratio` and `z` are of
    the group with the largest \\|z\\|.
    """

    name: str
    gained: bool
    groups: int
    of: int
    share: float | None
    n_cells: int
    ratio: float
    z: float

    @property
    def common(self) -> bool:
        """Whether most of the aneuploid cells carry it."""
        return (self.share or 0.0) > 0.5


@dataclass(frozen=True)
class Patient:
    """What is known of one patient.

    Attributes
    ----------
    samples
        Rows of the cohort's tables of samples and of OOD cells, joined; with `qc` (metric and its quantiles) and
        `reasons` (why cells were dropped, and how many).
    judged
        Cells by verdict.
    n_cells, n_kept
        Cells in the files and after quality control.
    types
        Cells by label, the most frequent first, OOD cells apart as the last, `UNLIKE_REFERENCE`, when there are any.
    n_ood, n_ood_fdr
        OOD cells at alpha, and at the false discovery rate of `composition.FALSE_DISCOVERIES`.
    doubted
        Labels that do not look normal on the chromosomes, in words with the remedy; None where there is none.
    higher, lower
        Genes that rank highest and lowest in the malignant cells against the patient's normal cells.
    arms
        Called arms in genome order; one that is gained in some groups and lost in others appears twice.
    calls
        Query cells of copy-number inference by call; None when it is switched off.
    n_borrowed
        Query cells whose copy number was judged against borrowed cells of the healthy reference.
    clones
        Cells of each clone, the largest first.
    confidence, unsure
        Median calibrated probability of the label, and the share of cells below `UNSURE`; None without cells.
    scores
        Metrics against the patient's own truth, where the sheet names one.
    """

    id: str
    samples: list[dict]
    judged: JudgedCells
    n_cells: int
    n_kept: int
    types: list[Type]
    n_ood: int
    n_ood_fdr: int
    origins: list[Origin]
    doubted: str | None
    higher: list[str]
    lower: list[str]
    arms: list[Arm]
    calls: dict[str, int] | None
    n_borrowed: int
    clones: dict[str, int]
    confidence: float | None
    unsure: float | None
    scores: dict[str, dict]

    @property
    def ood_share(self) -> float:
        """Share of the annotated cells."""
        return self.n_ood / max(self.n_kept, 1)

    @property
    def reference_types(self) -> list[Type]:
        """The types without `UNLIKE_REFERENCE`."""
        return [kind for kind in self.types if kind.name != UNLIKE_REFERENCE]

    @property
    def n_aneuploid_in_types(self) -> int:
        """Aneuploid cells that are not OOD."""
        return sum(kind.n_aneuploid for kind in self.reference_types)

    @property
    def shift(self) -> float:
        """The largest technical shift of the samples."""
        return max((sample["shift"] or 0.0 for sample in self.samples), default=0.0)

    @property
    def n_tested(self) -> int:
        """Query cells of copy-number inference."""
        return sum(n for call, n in (self.calls or {}).items() if call != "reference")

    @property
    def aneuploid_share(self) -> float | None:
        """Share of the query cells with a definite call; None when there is none."""
        calls = self.calls or {}
        definite = calls.get("aneuploid", 0) + calls.get("diploid", 0)
        return calls.get("aneuploid", 0) / definite if definite else None


def patient_facts(data: ReportData) -> list[Patient]:
    """A `Patient` for each patient of the table of samples, in its order."""
    types = dict(list(_types(data).groupby("patient", sort=False)))
    medians = histogram_quantiles(data.confidence)["median"]
    total = data.confidence.sum(axis=1)
    below = data.confidence[[bin for bin in data.confidence if bin < CONFIDENCE_BINS * UNSURE]].sum(axis=1)
    unsure = below / total.where(total > 0)
    samples = dict(list(_samples(data).groupby("patient_id", sort=False)))
    origins, arms, scores, judged = patient_origins(data), _arms(data), _scores(data), judged_cells(data)
    return [
        Patient(
            id=name,
            samples=_records(samples[name]),
            judged=judged[name],
            n_cells=int(samples[name]["n_cells"].sum()),
            n_kept=int(samples[name]["n_annotated"].sum()),
            types=_as_types(types.get(name)),
            n_ood=int(samples[name]["n_ood"].sum()),
            n_ood_fdr=int(samples[name]["n_ood_fdr"].fillna(0).sum()),
            origins=origins.get(name, []),
            doubted=_doubted(data, name),
            higher=_markers(data, name, 1),
            lower=_markers(data, name, -1),
            arms=arms.get(name, []),
            confidence=medians.get(name),
            unsure=unsure.get(name),
            scores=scores.get(name, {}),
            **_copy_number(data, name),
        )
        for name in data.patients
    ]


def _doubted(data: ReportData, patient: str) -> str | None:
    if data.cnv_reference is None:
        return None
    refused = doubted_labels(data.cnv_reference[data.cnv_reference["patient_id"] == patient])
    return refusal(refused, data.cnv_reference) if refused else None


def _markers(data: ReportData, patient: str, sign: int) -> list[str]:
    """The first marker genes in one direction that are sure."""
    shown = (data.markers["patient_id"] == patient) & (data.markers["pvals_adj"] <= MARKERS_P)
    ranks = sign * data.markers["rank"].where(shown)
    return data.markers.loc[ranks.between(1, MARKERS_SHOWN), "symbol"].tolist()


def _samples(data: ReportData) -> pd.DataFrame:
    ood = data.ood.rename(columns={"n_cells": "n_annotated"}).drop(columns="patient_id")
    table = data.samples.merge(ood, on="sample_id", how="left", validate="one_to_one")
    metrics = {name: part.set_index("metric").to_dict("index") for name, part in data.qc_quantiles.groupby("sample_id")}
    failed = data.qc_outcomes[data.qc_outcomes["verdict"] != "passed"].sort_values("n_cells", ascending=False)
    reasons = {
        name: list(zip(part["verdict"], part["n_cells"], strict=True)) for name, part in failed.groupby("sample_id")
    }
    names = table["sample_id"]
    return table.assign(qc=[metrics.get(name, {}) for name in names], reasons=[reasons.get(name, []) for name in names])


def _types(data: ReportData) -> pd.DataFrame:
    table = patient_composition(data)
    medians = histogram_quantiles(data.type_confidence)["median"]
    keys = pd.MultiIndex.from_frame(table[["patient", "label"]])
    table = table.assign(
        confidence=medians.reindex(keys).to_numpy(float),
        is_ood=table["label"] == UNLIKE_REFERENCE,
        n_aneuploid=_aneuploid_by_type(data).reindex(keys, fill_value=0).to_numpy(),
    )
    return table.sort_values(["is_ood", "n", "label"], ascending=[True, False, True])


def _as_types(table: pd.DataFrame | None) -> list[Type]:
    if table is None:
        return []
    return [Type(*row) for row in _rows(table, ["label", "n", "share", "confidence", "n_aneuploid"])]


def _aneuploid_by_type(data: ReportData) -> pd.Series:
    """Aneuploid cells that are not OOD, by patient and label."""
    if data.cnv_groups is None:
        return pd.Series(dtype=int, index=pd.MultiIndex.from_arrays([[], []]))
    cells = data.cnv_groups[~data.cnv_groups["is_ood"] & (data.cnv_groups["cnv_call"] == "aneuploid")]
    return cells.groupby(["patient_id", "label"])["n_cells"].sum()


def _arms(data: ReportData) -> dict[str, list[Arm]]:
    """Arms called in any group of cells, by patient."""
    if data.cnv_arms is None or data.cnv_patients is None:
        return {}
    keys = ["patient_id", *GROUP]
    called = data.cnv_arms[data.cnv_arms["call"] != 0].drop_duplicates([*keys, "arm"])
    n_groups = called.drop_duplicates(keys).groupby("patient_id").size()
    called = called.assign(name=called["arm"].map(short_arm), size=called["z"].abs())
    shares = data.cnv_patients.assign(name=data.cnv_patients["arm"].map(short_arm))
    shares = (
        shares[shares["n_cells"] > 0].set_index(["patient_id", "name"])[["gained", "lost", "n_cells"]].to_dict("index")
    )
    found: dict[str, list[Arm]] = {}
    for (patient, name, call), part in called.groupby(["patient_id", "name", "call"]):
        first = part.loc[part["size"].idxmax()]
        of_cells = shares.get((patient, name), {})
        arm = Arm(
            name,
            gained=call > 0,
            groups=len(part),
            of=int(n_groups[patient]),
            share=of_cells.get("gained" if call > 0 else "lost"),
            n_cells=int(of_cells.get("n_cells", 0)),
            ratio=float(first["log2_ratio"]),
            z=float(first["z"]),
        )
        found.setdefault(patient, []).append(arm)
    return {patient: sorted(arms, key=lambda arm: (arm_order(arm.name), arm.gained)) for patient, arms in found.items()}


def _copy_number(data: ReportData, patient: str) -> dict:
    if data.cnv_burden is None or data.cnv_groups is None:
        return {"calls": None, "n_borrowed": 0, "clones": {}}
    burden = data.cnv_burden[data.cnv_burden["patient_id"] == patient]
    counts = burden.groupby("group")["n_cells"].sum()
    clones = data.cnv_groups[data.cnv_groups["patient_id"] == patient].groupby("clone")["n_cells"].sum()
    return {
        "calls": {group: int(counts[group]) for group in _CALLS if group in counts},
        "n_borrowed": int(burden.loc[burden["group"] != "reference", "n_borrowed"].sum()),
        "clones": clones.sort_values(ascending=False, kind="stable").to_dict(),
    }


def _scores(data: ReportData) -> dict[str, dict[str, dict]]:
    table = data.evaluation[data.evaluation["level"] == "patient"]
    return {name: part.set_index("metric").to_dict("index") for name, part in table.groupby("name")}


def _records(table: pd.DataFrame) -> list[dict]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _rows(table: pd.DataFrame, columns: list[str]) -> list[tuple]:
    table = table[columns].astype(object)
    return list(table.where(table.notna(), None).itertuples(index=False, name=None))
