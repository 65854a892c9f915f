"""What a matrix holds, told from its values: bases of logarithms, 0 and 1, denoised and absurd values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.inputs.value_kind import COUNTS, EXPECTED, LOG_NORMALISED, NORMALISED, ValueKind, check_values, detect


def full_length(seed: int = 0, n_cells: int = 40) -> np.ndarray:
    """TPM / 10 of 1,300 of 1,500 genes: neither equal sums nor multiples tell a base."""
    rng = np.random.default_rng(seed)
    level, length = rng.lognormal(0.0, 1.5, 1500), rng.uniform(500, 6000, 1500)
    tpm = rng.poisson(rng.gamma(0.7, level / 0.7, (n_cells, 1500))) / length
    tpm *= 1e5 / tpm.sum(axis=1, keepdims=True)
    return np.round(tpm[:, np.sort(rng.choice(1500, 1300, replace=False))], 1)


def kind_of(values: np.ndarray) -> ValueKind:
    return detect(sparse.csr_matrix(values.astype(np.float32)))


@pytest.mark.parametrize("base", [np.e, 2.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_base_brings_the_sums_together(base: float, seed: int) -> None:
    linear = full_length(seed)
    values = np.log1p(linear) / np.log(base)
    kind = kind_of(values)
    assert (kind.name, kind.base, kind.proven) == (LOG_NORMALISED, base, False)
    assert f"{'e' if base == np.e else '2'} is taken" in kind.note
    np.testing.assert_allclose(kind.linear(values.astype(np.float32)), linear, rtol=1e-3, atol=1e-3)


def test_a_proven_base_is_said_where_it_is_not_e() -> None:
    counts = np.random.default_rng(0).negative_binomial(0.4, 0.1, (60, 300)) + np.eye(60, 300)
    normalised = counts / counts.sum(axis=1, keepdims=True) * 1e4
    assert kind_of(np.log1p(normalised)).note == "the values are log-normalised"
    assert kind_of(np.log2(normalised + 1)).note == "the values are log-normalised, to base 2"
    assert kind_of(counts).note == ""


@pytest.mark.parametrize("scale", [1.0, 0.693147, 7.0])
def test_values_that_only_say_detected_are_refused(scale: float) -> None:
    detected = np.random.default_rng(0).random((100, 80)) < 0.4
    with pytest.raises(InputError, match="not how often"):
        kind_of(detected * scale)
    some_twos = detected.astype(float)
    some_twos[::9, 3] = 2
    assert kind_of(some_twos).name == COUNTS


def test_ones_by_chance_are_counts() -> None:
    rare = np.random.default_rng(0).random((200, 300)) < 0.01
    assert kind_of(rare).name == COUNTS
    assert kind_of(np.ones((7, 5))).name == COUNTS
    assert kind_of(np.zeros((7, 5))).name == COUNTS


@pytest.mark.parametrize("zeros", [0.0, 0.005])
def test_denoised_values_are_refused(zeros: float) -> None:
    rng = np.random.default_rng(0)
    means = rng.gamma(0.5, 1, (60, 200)) + 1e-4
    means[rng.random(means.shape) < zeros] = 0
    for values in (means, np.log1p(means), np.sqrt(means), means / means.sum(axis=1, keepdims=True)):
        with pytest.raises(InputError, match=r"denoising or imputation \(scVI, MAGIC, DCA\)"):
            kind_of(values)


def test_dense_counts_are_not_denoised() -> None:
    counts = np.random.default_rng(0).poisson(20, (60, 200)) + 1
    assert kind_of(counts).name == COUNTS
    assert kind_of(np.log1p(counts)).name == LOG_NORMALISED
    corrected = counts * 0.8 * (np.random.default_rng(1).random(counts.shape) < 0.9)
    assert kind_of(corrected).name in (EXPECTED, "normalised")


@pytest.mark.parametrize(
    ("value", "refused"), [(2.0**24, False), (2.0**24 + 2, True), (1e38, True), (np.inf, True), (np.nan, True)]
)
def test_no_cell_has_as_many_counts(value: float, refused: bool) -> None:
    data = np.array([1, value], np.float32)
    if not refused:
        check_values(data)
        return
    with pytest.raises(InputError):
        check_values(data)


def test_a_value_too_large_for_a_logarithm_is_refused() -> None:
    with pytest.raises(InputError, match="90 is too large"):
        ValueKind(LOG_NORMALISED).linear(np.array([1, 90], np.float32))
    assert ValueKind(COUNTS).linear(np.array([90.0])) == [90.0]


def by_volume(n_stained: int, n_genes: int = 60, n_cells: int = 200) -> np.ndarray:
    """Counts over the cell's volume, and intensities of stained genes, as a MERFISH table holds them."""
    rng = np.random.default_rng(0)
    values = rng.poisson(rng.gamma(0.5, 2, n_genes), (n_cells, n_genes)).astype(float)
    values[:, :n_stained] = rng.lognormal(-3, 1, (n_cells, n_stained)) * (rng.random((n_cells, n_stained)) < 0.6)
    return values / rng.lognormal(-2, 0.4, n_cells)[:, None]


def test_counts_over_volume_are_normalised() -> None:
    assert kind_of(by_volume(0)).name == NORMALISED


@pytest.mark.parametrize("n_stained", [1, 20])
def test_intensities_beside_counts_over_volume_are_refused(n_stained: int) -> None:
    values = sparse.csr_matrix(by_volume(n_stained).astype(np.float32))
    with pytest.raises(InputError, match=rf"those of {n_stained} others \(GENE0, .*\) are not.*leave those genes out"):
        detect(values, [f"GENE{gene}" for gene in range(60)])


def test_rounded_values_are_no_multiples_of_a_unit() -> None:
    assert kind_of(np.round(by_volume(20), 1)).name == NORMALISED
