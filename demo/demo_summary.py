"""Print where the demo's report is, and the few figures that matter.

Usage: python demo/demo_summary.py RESULTS
"""

from __future__ import annotations

import sys
from pathlib import Path

import anndata as ad
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
from cellcohort.outputs.parquet import read_frame

PATIENTS = ("P13", "P14")
MALIGNANT = "Epithelial"
TITLES = {
    "accuracy": "accuracy of the normal types",
    "macro_f1": "macro-F1 of the normal types",
    "ood_auroc": "AUROC of the malignant cells by ood_score",
}


def cohort_lines(results: Path) -> list[str]:
    """The cohort's own evaluation, one line a figure."""
    table = read_frame(results / "cohort" / "evaluation.parquet")
    values = table[table["level"] == "cohort"].set_index("metric")
    rows = [(title, values.loc[metric]) for metric, title in TITLES.items() if metric in values.index]
    return [f"{title:44} {row['value']:.3f}   ({row['low']:.3f} to {row['high']:.3f})" for title, row in rows]


def truth_of(patient: str) -> pd.Series:
    """The authors' cell type of each cell."""
    return ad.read_h5ad(Path("demo") / f"{patient}.h5ad", backed="r").obs["cell_type"].astype(str)


def verdict_lines(results: Path, patient: str) -> list[str]:
    """The range of the malignant share, and what the malignant and the other cells are taken for."""
    counts = read_frame(results / "cohort" / "verdict.parquet").set_index("patient_id").loc[[patient]]
    total = counts[counts["sample_id"].isna()].iloc[0]
    least, most = total["malignant_share_at_least"], total["malignant_share_at_most"]
    headline = f"at least {least:.1%} ({total['n_malignant']} of {total['n_cells']} cells), at most {most:.1%}"
    cells = read_frame(results / "samples" / patient / "verdict.parquet")
    malignant = cells["cell_id"].map(truth_of(patient)) == MALIGNANT
    lines = [f"{f'malignant in {patient}':44} {headline}; {malignant.mean():.1%} by the authors"]
    for name, those in (("malignant", malignant), ("other", ~malignant)):
        found = cells.loc[those, "verdict"].value_counts()
        words = ", ".join(f"{n} {verdict}" for verdict, n in found.items())
        lines.append(f"{f'  verdict of its {those.sum()} {name} cells':44} {words}")
    return lines


def copy_number_line(results: Path, patient: str) -> str:
    """Mean cnv_score of the malignant cells against that of the other cells held out from the copy-number reference."""
    cells = read_frame(results / "samples" / patient / "cnv_cells.parquet")
    cells = cells[cells["role"] == "query"]
    malignant = cells["cell_id"].map(truth_of(patient)) == MALIGNANT
    high, low = cells.loc[malignant, "cnv_score"].mean(), cells.loc[~malignant, "cnv_score"].mean()
    title = f"cnv_score in {patient}, malignant over other"
    sizes = f"{malignant.sum()} and {(~malignant).sum()} cells"
    return f"{title:44} {high / low:.2f}    ({high:.4f} over {low:.4f}, {sizes})"


def main() -> None:
    """Print the summary of the results folder named on the command line."""
    results = Path(sys.argv[1])
    lines = [line for patient in PATIENTS for line in verdict_lines(results, patient)]
    lines += cohort_lines(results) + [copy_number_line(results, patient) for patient in PATIENTS]
    print("\nTwo tumours on the normal cells of two other patients; 95 % intervals in brackets.\n")
    print("\n".join(lines))
    print(f"\nReport: {results / 'report.html'}   Tables: {results / 'cohort'}")


if __name__ == "__main__":
    main()
