from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from cellcohort.verdict.pooling import BASE_SHARE, patient_share, pooled_prior


def test_without_evidence_the_share_is_what_was_expected():
    assert patient_share(np.zeros(500), 10) == pytest.approx(BASE_SHARE, abs=1e-6)
    assert patient_share(np.empty(0), 0) == BASE_SHARE


def test_the_share_follows_what_is_seen():
    few = patient_share(np.repeat([12.0, -12.0], 50), 2)
    many = patient_share(np.repeat([12.0, -12.0], 50), 100)
    assert BASE_SHARE < few < many < 0.5
    assert many == pytest.approx(0.46, abs=0.02)


def test_fifty_cells_of_one_group_leave_no_doubt():
    evidence, alone = np.ones(50), np.arange(50)
    together = expit(evidence + pooled_prior(evidence, np.zeros(50, int), alone, BASE_SHARE))
    apart = expit(evidence + pooled_prior(evidence, alone, alone, BASE_SHARE))
    assert (together > 0.9).all()
    assert (apart < 0.3).all()


def test_a_single_cell_is_not_counted_twice():
    prior = pooled_prior(np.array([5.0]), np.zeros(1, int), np.zeros(1, int), BASE_SHARE)
    assert expit(prior) == pytest.approx([BASE_SHARE])


def test_a_mixed_group_decides_for_each_cell():
    evidence = np.repeat([8.0, -8.0], 30)
    prior = pooled_prior(evidence, np.zeros(60, int), np.arange(60), BASE_SHARE)
    assert (expit(evidence + prior)[:30] > 0.99).all()
    assert (expit(evidence + prior)[30:] < 0.01).all()


def test_neighbours_speak_for_a_cell():
    evidence = np.array([0.0, 4, 4, 4, 4, 0.0, -4, -4, -4, -4])
    prior = pooled_prior(evidence, np.zeros(10, int), np.repeat([0, 1], 5), 0.3)
    assert prior[0] > prior[5] + 0.5
