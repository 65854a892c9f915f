"""Cells in which no aneuploidy would be seen are undetermined, and say why."""

from __future__ import annotations

import numpy as np
import pytest
from cnv_patients import ARMS, patient, positions

from cellcohort.cnv.call_copy_number import call_copy_number
from cellcohort.cnv.likelihood import power, typical_karyotypes

NAMES = [f"{number}{arm}" for number in range(1, 21) for arm in "pq"]


def power_at(depth: float, measured: list[str], *, dispersion: float = 0.01, min_llr: float = 3.0) -> float:
    shape = (1, len(measured))
    model = np.full(shape, 1 / len(measured)), np.full(shape, dispersion)
    return power(np.array([depth]), *model, measured=measured, genome=NAMES, min_llr=min_llr)[0]


@pytest.mark.parametrize("n_arms", [4, 10, 39, 40])
def test_a_typical_karyotype_alters_a_quarter_of_the_arms(n_arms) -> None:
    dosage = typical_karyotypes(n_arms)
    assert set(np.unique(dosage)) == {0.5, 1.0, 1.5}
    assert np.abs((dosage != 1).sum(axis=1) - n_arms / 4).max() < 1
    assert ((dosage != 1).sum(axis=0) == 5).all(), "every arm equally often"
    assert abs((dosage > 1).sum() - (dosage < 1).sum()) <= 5
    assert np.array_equal(dosage, typical_karyotypes(n_arms))


def test_power_grows_with_depth_and_falls_with_noise_and_the_bar() -> None:
    powers = [power_at(depth, NAMES) for depth in (0, 30, 100, 300, 1000)]
    assert powers[0] < 0.01
    assert powers == sorted(powers)
    assert powers[-1] > 0.99
    assert power_at(200, NAMES, dispersion=0.5) < power_at(200, NAMES)
    assert power_at(200, NAMES, min_llr=8) < power_at(200, NAMES)


def test_arms_that_are_not_measured_show_nothing() -> None:
    assert power_at(1e5, NAMES[:4]) < 0.8, "a third of the karyotypes alter none of four arms"
    assert power_at(1e5, NAMES[:30]) > 0.95


def test_an_unknown_baseline_has_no_power() -> None:
    model = np.full((1, 2), np.nan), np.ones((1, 2))
    assert power(np.array([1e4]), *model, measured=["1p", "1q"], genome=NAMES, min_llr=3)[0] < 0.01


def call(adata, places):
    return call_copy_number(adata, lineage="lineage", reference="reference", positions=places, arms=ARMS).cells


def test_shallow_cells_are_undetermined() -> None:
    cells = call(patient({"T": 60, "B": 60}, depth=80), positions())
    assert (cells["cnv_call"] == "undetermined").all()
    assert set(cells["reason"]) == {
        "too few counts to show a typical aneuploidy, on 1800 genes of 12 of 12 chromosome arms"
    }


def test_a_genome_that_is_hardly_measured_is_undetermined() -> None:
    places = positions()
    adata = patient({"T": 60, "B": 60})
    few = adata[:, (places["chromosome"].isin(["chr1", "chr2"])).to_numpy()].copy()
    cells = call(few, places)
    assert (cells["cnv_call"] == "undetermined").all()
    assert cells["reason"].str.contains("600 genes of 4 of 12 chromosome arms").all()


def test_genes_on_x_do_not_count() -> None:
    places = positions()
    places.loc[places["chromosome"].isin(["chr4", "chr5", "chr6"]), "chromosome"] = "chrX"
    cells = call(patient({"T": 60, "B": 60}, depth=150), places)
    assert (cells["cnv_call"] == "undetermined").all()
    assert cells["reason"].str.contains("900 genes of 6 of 6 chromosome arms").all()


def test_deep_cells_stay_diploid() -> None:
    cells = call(patient({"T": 60, "B": 60}), positions())
    assert (cells["cnv_call"] == "diploid").mean() > 0.97
