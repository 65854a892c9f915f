import time

import numpy as np
import pandas as pd
import pytest

from cellcohort.reference.splits import assign_splits, by_donor, held_out_donors, in_random_order, spread_sample


def ids(n):
    return np.array([f"c{i:05d}" for i in range(n)], object)


def test_whole_donors_are_held_out():
    donors = np.random.default_rng(0).choice([f"D{i}" for i in range(10)], 1000).astype(object)
    labels = np.random.default_rng(1).choice(["a", "b"], 1000).astype(object)
    split = assign_splits(ids(1000), labels, donors, seed=3)
    held_out = set(donors[split == "validation"])
    assert held_out.isdisjoint(donors[split == "train"])
    assert 0.1 < (split == "validation").mean() < 0.3


def test_of_two_donors_the_smaller_is_held_out():
    donors = np.repeat(np.array(["D1", "D2"], object), [60, 40])
    split = assign_splits(ids(100), np.resize(np.array(["a", "b"], object), 100), donors, seed=1)
    assert set(donors[split == "validation"]) == {"D2"}


def test_a_label_that_only_the_held_out_donor_has_stays_in_training():
    donors = np.repeat(np.array(["D1", "D2"], object), [60, 40])
    labels = np.where(np.arange(100) >= 95, "rare", np.resize(["a", "b"], 100)).astype(object)
    split = assign_splits(ids(100), labels, donors, seed=1)
    assert set(split[labels == "rare"]) == {"train"}
    assert (split == "validation").sum() == 35


@pytest.mark.parametrize("donors", [None, np.full(103, "D1", object)])
def test_without_donors_each_label_is_split(donors):
    labels = np.repeat(np.array(["a", "b", "single"], object), [80, 22, 1])
    split = assign_splits(ids(103), labels, donors, seed=1)
    table = pd.crosstab(labels, split)
    assert table.loc["a", "validation"] == 16
    assert table.loc["b", "validation"] == 5
    assert table.loc["single", "train"] == 1


def test_the_split_does_not_depend_on_the_order_of_cells():
    labels = np.random.default_rng(1).choice(["a", "b"], 300).astype(object)
    order = np.random.default_rng(2).permutation(300)
    split = assign_splits(ids(300), labels, None, seed=1)
    np.testing.assert_array_equal(split[order], assign_splits(ids(300)[order], labels[order], None, seed=1))


def test_the_time_of_a_split_grows_with_the_cells_and_not_with_their_square():
    rng, n = np.random.default_rng(0), 50_000
    labels, donors = (np.array([f"{i}" for i in rng.integers(k, size=n)], object) for k in (300, 8))
    start = time.process_time()
    assign_splits(np.arange(n).astype(str).astype(object), labels, donors, seed=1)
    assert time.process_time() - start < 5  # a fraction of a second; cell against cell takes far longer


def test_a_spread_sample_spares_rare_labels_and_ignores_order():
    cells = pd.DataFrame({"cell_id": ids(1000), "label": np.repeat(["a", "b", "c"], [900, 90, 10])})
    chosen = spread_sample(cells, limit=120, seed=1)
    assert cells["label"].iloc[chosen].value_counts().to_dict() == {"a": 55, "b": 55, "c": 10}
    shuffled = cells.sample(frac=1, random_state=5)
    again = spread_sample(shuffled, limit=120, seed=1)
    assert set(cells["cell_id"].iloc[chosen]) == set(shuffled["cell_id"].iloc[again])


def test_donors_that_share_no_types_leave_cells_of_each_type_held_out():
    labels = np.repeat(np.array(["a", "b", "c"], object), 40)
    split = assign_splits(ids(120), labels, np.char.add("donor of ", labels.astype(str)).astype(object), seed=1)
    assert pd.crosstab(labels, split)["validation"].tolist() == [8, 8, 8]


def test_a_label_of_one_donor_does_not_hide_a_split_by_donor():
    donors = np.repeat(["D1", "D2", "D3"], 40).astype(object)
    labels = np.resize(np.array(["a", "b", "c", "d"], object), 120)
    labels[[0, 1, 40, 41, 80, 81]] = np.repeat(["only1", "only2", "only3"], 2)
    ids = np.array([f"c{i:03d}" for i in range(120)], object)
    split = assign_splits(ids, labels, donors, seed=0)
    cells = pd.DataFrame({"cell_id": ids, "label": labels, "donor": donors, "split": split})
    assert by_donor(cells)
    assert not by_donor(cells.assign(split=assign_splits(ids, labels, None, seed=0)))


def test_the_seed_chooses_the_held_out_donors():
    donors = np.repeat([f"D{i}" for i in range(10)], 20).astype(object)
    chosen = {tuple(sorted(held_out_donors(donors, seed=seed))) for seed in range(6)}
    assert len(chosen) > 3
    assert {len(names) for names in chosen} == {2}  # a fifth of the cells
    assert held_out_donors(donors, seed=4) == held_out_donors(donors, seed=4)


def test_the_seed_chooses_the_held_out_cells_and_the_random_order():
    labels = np.resize(np.array(["a", "b"], object), 200)
    assert (assign_splits(ids(200), labels, None, seed=1) != assign_splits(ids(200), labels, None, seed=2)).any()
    assert (in_random_order(ids(50), seed=1) != in_random_order(ids(50), seed=2)).any()
    cells = pd.DataFrame({"cell_id": ids(200), "label": labels})
    first, second = (spread_sample(cells, limit=40, seed=seed) for seed in (1, 2))
    assert first.tolist() != second.tolist()
