"""The evidence that slots collect equals the products of padded tensors that a GPU computes, gradients included."""

import numpy as np
import pytest
import torch

from cellcohort.model import slot_evidence
from cellcohort.model.slot_evidence import collect, divide

N_CELLS, N_TOKENS, N_SLOTS, N_GENES, N_LABELS = 6, 9, 3, 20, 5


def batch(seed: int = 0, dtype: torch.dtype = torch.float64, **sizes: int) -> tuple[torch.Tensor, ...]:
    """Assignment, genes, x, y and both tables; cells of one to `N_TOKENS` tokens, one without any."""
    rng = np.random.default_rng(seed)
    n_labels = sizes.get("n_labels", N_LABELS)
    lengths = np.array([0, 1, 9, 4, 7, 2])
    mask = np.arange(N_TOKENS) < lengths[:, None]
    genes = torch.from_numpy(np.argsort(rng.random((N_CELLS, N_GENES)), 1)[:, :N_TOKENS])
    x, y = (torch.from_numpy(rng.random(mask.shape) * mask).to(dtype) for _ in range(2))
    assignment = torch.from_numpy(rng.random((N_CELLS, N_TOKENS, N_SLOTS))).to(dtype)
    tables = (torch.from_numpy(rng.normal(size=(N_GENES, n_labels))).to(dtype) for _ in range(2))
    return assignment, genes, x, y, *tables


def padded(assignment, genes, x, y, bin_table, level_table):
    return assignment.transpose(1, 2) @ slot_evidence._evidence(genes, x, y, bin_table, level_table)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_labels", [1, 5, 33])
def test_slots_collect_their_shares(dtype, n_labels):
    tensors = batch(dtype=dtype, n_labels=n_labels)
    torch.testing.assert_close(collect(*tensors), padded(*tensors))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_gradients_are_those_of_the_padded_products(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found, expected = (gradients(function) for function in (collect, padded))
    finally:
        torch.set_num_threads(before)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


def gradients(function) -> tuple[torch.Tensor, ...]:
    assignment, genes, x, y, *tables = batch()
    wanted = [tensor.requires_grad_(True) for tensor in (assignment, *tables)]
    out = function(assignment, genes, x, y, *tables)
    weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    return torch.autograd.grad((weights * out).sum(), wanted)


def test_what_slots_weigh_is_divided_among_tokens():
    assignment, *said = batch()
    by_slot = torch.randn(N_CELLS, N_SLOTS, N_LABELS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    divided = divide(by_slot, *said)
    torch.testing.assert_close(divided, slot_evidence._evidence(*said) @ by_slot.transpose(1, 2))
    torch.testing.assert_close((assignment * divided).sum((1, 2)), (by_slot * collect(assignment, *said)).sum((1, 2)))


def test_the_number_of_threads_changes_no_bit():
    tensors, before = batch(dtype=torch.float32, n_labels=33), torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            results.append((collect(*tensors), *gradients(collect)))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


def test_a_weight_that_is_no_number_stays_visible():
    assignment, genes, x, y, bin_table, level_table = batch()
    bin_table[genes[2, 0]] = torch.nan
    assert collect(assignment, genes, x, y, bin_table, level_table)[2].isnan().all()


def test_no_cells_are_no_rows():
    assignment, genes, x, y, *tables = batch()
    assert collect(assignment[:0], genes[:0], x[:0], y[:0], *tables).shape == (0, N_SLOTS, N_LABELS)
