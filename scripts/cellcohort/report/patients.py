"""The facts about each patient that the report opens with."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from .charts import FOREIGN, patient_composition
from .inputs import ReportData, histogram_quantiles
from .model_charts import arm_order, short_arm

_GENES = 5
_CALLS = ("aneuploid", "diploid", "undetermined", "reference")


@dataclass(frozen=True)
class Arm:
    """A chromosome arm that was called in `groups` of the patient's `of` groups of cells with any called arm."""

    name: str
    gained: bool
    groups: int
    of: int


@dataclass(frozen=True)
class Patient:
    """What is known of one patient.

    Attributes
    ----------
    samples
        Rows of the cohort's table of samples.
    n_cells, n_kept
        Cells in the files and after quality control.
    types
        (label, cells, share) of the cells that the reference explains; the last is `FOREIGN` when there are any.
    origins
        (reference type, cells, share of the OOD cells).
    arms
        Called arms in genome order.
    calls
        Query cells of copy-number inference by call; None when it is switched off.
    n_borrowed
        Query cells whose copy number was judged against borrowed cells of the healthy reference.
    confidence
        Median calibrated probability of the label; None without cells.
    """

    id: str
    samples: list[dict]
    n_cells: int
    n_kept: int
    types: list[tuple[str, int, float]]
    n_ood: int
    origins: list[tuple[str, int, float]]
    arms: list[Arm]
    calls: dict[str, int] | None
    n_borrowed: int
    confidence: float | None

    @property
    def ood_share(self) -> float:
        """Share of the annotated cells."""
        return self.n_ood / max(self.n_kept, 1)

    @property
    def rejected(self) -> list[dict]:
        """Samples that could not be used."""
        return [sample for sample in self.samples if sample["status"] != "ok"]

    @property
    def aneuploid_share(self) -> float | None:
        """Share of the query cells with a definite call; None when there is none."""
        calls = self.calls or {}
        definite = calls.get("aneuploid", 0) + calls.get("diploid", 0)
        return calls.get("aneuploid", 0) / definite if definite else None


def patient_facts(data: ReportData) -> list[Patient]:
    """A `Patient` for each patient of the table of samples, in its order."""
    composition = dict(list(patient_composition(data).groupby("patient")))
    origins = dict(list(data.origins.groupby("patient_id")))
    medians = histogram_quantiles(data.confidence)["median"]
    return [_patient(name, data, composition.get(name), origins.get(name), medians.get(name)) for name in data.patients]


def _patient(
    name: str,
    data: ReportData,
    composition: pd.DataFrame | None,
    origins: pd.DataFrame | None,
    confidence: float | None,
) -> Patient:
    samples = data.samples[data.samples["patient_id"] == name]
    ood = data.ood[data.ood["patient_id"] == name]
    return Patient(
        id=name,
        samples=samples.astype(object).where(samples.notna(), None).to_dict("records"),
        n_cells=int(samples["n_cells"].sum()),
        n_kept=int(ood["n_cells"].sum()),
        types=_types(composition),
        n_ood=int(ood["n_ood"].sum()),
        origins=_origins(origins),
        arms=_arms(data.cnv_arms, name),
        calls=_calls(data.cnv_burden, name),
        n_borrowed=_borrowed(data.cnv_burden, name),
        confidence=confidence,
    )


def _types(composition: pd.DataFrame | None) -> list[tuple[str, int, float]]:
    if composition is None:
        return []
    order = composition.assign(foreign=composition["label"] == FOREIGN)
    order = order.sort_values(["foreign", "n", "label"], ascending=[True, False, True])
    return list(zip(order["label"], order["n"], order["share"], strict=True))


def _origins(origins: pd.DataFrame | None) -> list[tuple[str, int, float]]:
    if origins is None:
        return []
    return list(zip(origins["origin"], origins["n_cells"], origins["share"], strict=True))


def _arms(arms: pd.DataFrame | None, patient: str) -> list[Arm]:
    """Arms called in any group of cells; one that is gained in some and lost in others appears twice."""
    if arms is None:
        return []
    called = arms[(arms["patient_id"] == patient) & (arms["call"] != 0)].drop_duplicates(["group", "arm"])
    n_groups = called["group"].nunique()
    counts = called.groupby(["arm", "call"]).size()
    found = [Arm(short_arm(arm), call > 0, int(groups), n_groups) for (arm, call), groups in counts.items()]
    return sorted(found, key=lambda arm: (arm_order(arm.name), arm.gained))


def _calls(burden: pd.DataFrame | None, patient: str) -> dict[str, int] | None:
    if burden is None:
        return None
    counts = burden[burden["patient_id"] == patient].groupby("group")["n_cells"].sum()
    return {group: int(counts[group]) for group in _CALLS if group in counts}


def _borrowed(burden: pd.DataFrame | None, patient: str) -> int:
    if burden is None:
        return 0
    return int(burden.loc[(burden["patient_id"] == patient) & (burden["group"] != "reference"), "n_borrowed"].sum())


def aneuploid_origins(data: ReportData) -> list[dict]:
    """The rows of the table of origins and calls, patients in the order of the report, each with its first genes."""
    if data.cnv_origins is None:
        return []
    genes = data.cnv_markers[data.cnv_markers["rank"] <= _GENES].groupby(["patient_id", "origin"])["symbol"].agg(list)
    table = data.cnv_origins.astype(object).where(data.cnv_origins.notna(), None)
    rank = {patient: number for number, patient in enumerate(data.patients)}
    rows = sorted(table.to_dict("records"), key=lambda row: rank[row["patient_id"]])
    return [row | {"genes": genes.get((row["patient_id"], row["origin"]), [])} for row in rows]
