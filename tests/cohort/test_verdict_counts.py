from __future__ import annotations

import pandas as pd
import pytest

from cellcohort.cohort.verdict_counts import count_verdicts
from cellcohort.outputs.parquet import as_table, empty, write_table
from cellcohort.outputs.schemas import COHORT_VERDICT, VERDICT

SHEET = [{"sample_id": name, "patient_id": name[0]} for name in ("A1", "A2", "B1")]


def test_cells_are_counted_by_sample_and_patient(tmp_path):
    verdicts = {"A1": ["malignant"] * 6 + ["normal"] * 2 + ["unsure"] * 2, "A2": ["unexplained"] * 10, "B1": []}
    for name, words in verdicts.items():
        ids = {"sample_id": name, "patient_id": name[0], "p_malignant": 0.5, "reason": "arms"}
        cells = pd.DataFrame({"cell_id": [str(i) for i in range(len(words))], "verdict": words}).assign(**ids)
        write_table(tmp_path / name, cells.astype({"verdict": object}) if words else empty(VERDICT), VERDICT)
    paths = [tmp_path / row["sample_id"] for row in SHEET]
    table = as_table(count_verdicts(paths, SHEET), COHORT_VERDICT).to_pandas()
    assert table["sample_id"].tolist() == [None, "A1", "A2", None, "B1"]
    total = table.iloc[0]
    counts = ["n_cells", "n_malignant", "n_normal", "n_unexplained", "n_unsure"]
    assert total[counts].tolist() == [20, 6, 2, 10, 2]
    assert total["malignant_share_at_least"] == pytest.approx(0.3)
    assert total["malignant_share_at_most"] == pytest.approx(0.4)
    assert table.loc[3:, "malignant_share_at_most"].isna().all()


def test_a_cohort_without_samples_has_an_empty_table():
    assert count_verdicts([], []).columns.tolist() == COHORT_VERDICT.names
