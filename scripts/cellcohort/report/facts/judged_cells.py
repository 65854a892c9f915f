"""Facts about the verdict: a patient's cells by verdict, and the range of the malignant share in words."""

from __future__ import annotations

from dataclasses import dataclass

from ...verdict.decision import MALIGNANT, UNSURE, VERDICTS
from ..report_data import ReportData
from ..text.number_format import cells, count, percent


@dataclass(frozen=True)
class JudgedCells:
    """Cells by verdict (`decision.VERDICTS`), of one patient or of the cohort."""

    counts: dict[str, int]

    @property
    def n_cells(self) -> int:
        """All cells that passed quality control."""
        return sum(self.counts.values())

    @property
    def n_malignant(self) -> int:
        """Cells that are malignant for all that is known."""
        return self.counts[MALIGNANT]

    @property
    def at_least(self) -> float | None:
        """Malignant share of all cells; None without cells."""
        return self.n_malignant / self.n_cells if self.n_cells else None

    @property
    def at_most(self) -> float | None:
        """The same with the cells that are unsure."""
        return (self.n_malignant + self.counts[UNSURE]) / self.n_cells if self.n_cells else None

    @property
    def headline(self) -> str:
        """The range of the malignant share, with its denominator."""
        if not self.n_cells:
            return "no cells"
        least = f"malignant at least {percent(self.at_least)} ({count(self.n_malignant)} of {cells(self.n_cells)})"
        return f"{least}, at most {percent(self.at_most)}"


def judged_cells(data: ReportData) -> dict[str, JudgedCells]:
    """The cells of each patient by verdict."""
    table = data.verdict[data.verdict["sample_id"].isna()].set_index("patient_id")
    return {
        patient: JudgedCells({name: int(row[f"n_{name}"]) for name in VERDICTS}) for patient, row in table.iterrows()
    }


def judged_cohort(patients: dict[str, JudgedCells]) -> JudgedCells:
    """The cells of all patients by verdict."""
    return JudgedCells({name: sum(one.counts[name] for one in patients.values()) for name in VERDICTS})
