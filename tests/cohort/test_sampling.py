import pandas as pd
import pytest

from cellcohort.cohort.sampling import choose_of_samples


def sample(name: str, n_labels: int = 10, n_cells: int = 200) -> pd.DataFrame:
    labels = [f"type {i % n_labels}" for i in range(n_cells)]
    return pd.DataFrame({"cell_id": [f"c{i}" for i in range(n_cells)], "sample_id": name, "label": labels})


@pytest.mark.parametrize(("n_samples", "limit"), [(3, 10_000), (3, 300), (40, 400), (60, 100)])
def test_the_cohort_is_drawn_within_the_limit_and_never_not_at_all(n_samples, limit):
    names = [f"S{i}" for i in range(n_samples)]
    drawn = pd.concat(choose_of_samples(sample, names, limit, seed=1))
    total = 200 * n_samples
    assert min(total, limit) * 0.6 <= len(drawn) <= min(total, limit * 1.4)
    assert drawn["label"].nunique() == 10
    assert drawn["sample_id"].nunique() > 0.5 * min(n_samples, limit / 10)


def test_the_choice_does_not_depend_on_the_order_of_samples():
    names = [f"S{i}" for i in range(60)]
    there, back = (pd.concat(choose_of_samples(sample, order, 100, seed=1)) for order in (names, names[::-1]))
    keys = ["sample_id", "cell_id"]
    pd.testing.assert_frame_equal(there.sort_values(keys, ignore_index=True), back.sort_values(keys, ignore_index=True))


def test_a_cohort_without_cells_has_none():
    empty = sample("A", n_cells=0)
    assert [len(part) for part in choose_of_samples(lambda _: empty, ["A", "B"], 10, seed=1)] == [0, 0]
    assert list(choose_of_samples(sample, [], 10, seed=1)) == []
