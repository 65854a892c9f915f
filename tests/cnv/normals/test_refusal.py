"""A label that malignant cells pass for is refused where they are, and the malignant cells are found."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from cnv_patients import call, patient, positions, sample, two_samples

from cellcohort.cnv.patient_samples import HealthyReference, Sample
from cellcohort.inputs.counts import open_counts

EVENTS = {"E/1": {"1p": 0.5, "2q": 1.5, "4p": 0.5, "6q": 1.5}}


def contaminated(folder, share: float, *, label: str = "M", seed: int = 7) -> tuple[Sample, np.ndarray]:
    """A patient whose malignant cells have the label of a normal type, a share unflagged; and which they are."""
    adata = patient({"T": 80, "B": 80, "F": 60, "M": 60, "E/1": 100}, EVENTS, seed=seed)
    one = sample(folder, adata, "s1")
    annotation = one.annotation.reset_index(drop=True)
    malignant = annotation["is_ood"].to_numpy(dtype=bool, copy=True)
    annotation.loc[malignant, "label"] = label
    rows = np.flatnonzero(malignant)
    annotation.loc[rows[: round(share * len(rows))], "is_ood"] = False
    kinds = adata.obs["group"].loc[annotation["cell_id"]]
    group = np.unique(kinds, return_inverse=True)[1]
    table = pd.DataFrame({"cell_id": annotation["cell_id"], "group": group, "pvalue": np.nan, "group_pvalue": np.nan})
    return Sample("s1", one.counts, annotation, table), malignant


@pytest.mark.parametrize("label", ["F", "M", "T"])
@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_a_contaminated_label_is_refused(tmp_path, caplog, label, share) -> None:
    one, malignant = contaminated(tmp_path, share, label=label)
    result = call([one])
    cells = result.cells
    assert not (cells["role"] == "reference")[malignant].any()
    assert (cells["cnv_call"] == "aneuploid")[malignant].mean() > 0.95
    assert (cells["cnv_call"] == "aneuploid")[~malignant].mean() < 0.02
    refused = result.reference[result.reference["why"].str.contains("arms differ")]
    assert set(refused["label"]) == {label}
    assert not refused["used"].any()
    left = sorted({"B", "F", "M", "T"} - {label})
    line = re.search("`(cnv: .*)`", caplog.text).group(1)
    assert yaml.safe_load(line) == {"cnv": {"normal_labels": left}}


def test_a_carcinoma_is_not_tested_against_the_type_it_passes_for(tmp_path) -> None:
    one, malignant = contaminated(tmp_path, 1.0)
    assert set(call([one]).cells["lineage"][malignant]) == {"M, label in doubt"}


def test_the_healthy_reference_settles_what_two_labels_cannot(tmp_path) -> None:
    adata = patient({"F": 100, "M/1": 100}, {"M/1": EVENTS["E/1"]}, seed=7)
    annotation = pd.DataFrame({
        "cell_id": adata.obs_names, "label": adata.obs["lineage"].astype(str).to_numpy(), "confidence": 0.95,
        "is_ood": False,
    })  # fmt: skip
    adata.write_h5ad(tmp_path / "s1.h5ad")
    one = Sample("s1", open_counts(tmp_path / "s1.h5ad"), annotation)
    assert (call([one]).cells["cnv_call"] == "undetermined").all(), "nothing tells which of the two is altered"
    normal = patient({"F": 60, "M": 60}, seed=7)
    normal.write_h5ad(tmp_path / "healthy.h5ad")
    healthy = HealthyReference(open_counts(tmp_path / "healthy.h5ad"), normal.obs["lineage"].astype(object))
    result = call([one], healthy=healthy)
    used = result.reference[result.reference["used"]]
    assert set(zip(used["label"], used["group"], strict=True)) == {("F", "s1"), ("M", "healthy reference")}
    malignant = (annotation["label"] == "M").to_numpy()
    assert (result.cells["cnv_call"] == "aneuploid")[malignant].mean() > 0.95
    assert (result.cells["cnv_call"] == "aneuploid")[~malignant].mean() < 0.02


def test_the_order_of_cells_and_samples_does_not_matter(tmp_path) -> None:
    one, _ = contaminated(tmp_path, 0.6)
    order = np.random.default_rng(0).permutation(len(one.annotation))
    other = replace(one, annotation=one.annotation.iloc[order])
    a, b = call([one]), call([other])
    pd.testing.assert_frame_equal(a.reference, b.reference)
    key = ["sample_id", "cell_id"]
    tables = [result.cells.sort_values(key, ignore_index=True) for result in (a, b)]
    pd.testing.assert_frame_equal(*tables)
    samples = two_samples(tmp_path)
    tables = [call(list(chosen)).reference for chosen in (samples, samples[::-1])]
    pd.testing.assert_frame_equal(*tables)


def test_normal_types_are_not_refused(tmp_path) -> None:
    assert len(positions()) == 1800
    for seed in range(3):
        one = sample(tmp_path, patient({"T": 80, "B": 80, "F": 60, "M": 60}, seed=seed), f"s{seed}")
        assert not call([one]).reference["why"].str.contains("arms differ").any()
