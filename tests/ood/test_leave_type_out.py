import numpy as np
import pytest
from small_reference import LABELS, N_GENES, make_store

from cellcohort.model.tokens import scale_bins
from cellcohort.ood.leave_type_out import MIN_CELLS, leave_types_out
from cellcohort.outputs.parquet import as_table
from cellcohort.outputs.schemas import LEAVE_TYPE_OUT


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("store") / "tokens.arrow", n_cells=600)


def run(store, chosen=None):
    rows = np.arange(len(store)) if chosen is None else np.flatnonzero(chosen)
    cells = store.cells.iloc[rows].reset_index(drop=True)
    return leave_types_out(scale_bins(store.read(rows), N_GENES, 50), cells, store.labels, alpha=0.05, seed=1)


def test_types_unlike_all_others_are_found(store):
    table = run(store)
    assert set(table["label"]) == set(LABELS)
    assert (table["auroc"] > 0.95).all()
    assert (table["recall"] > 0.7).all()
    assert (table["false_alarms"] < 0.2).all()
    assert (table["taken_for"] != table["label"]).all()
    as_table(table, LEAVE_TYPE_OUT)


def test_a_reference_of_two_donors_will_do(store):
    one_of_training = store.cells["donor"][store.cells["split"] == "train"].iloc[0]
    chosen = (store.cells["split"] == "validation") | (store.cells["donor"] == one_of_training)
    table = run(store, chosen.to_numpy())
    assert (table["auroc"] > 0.95).all()


def test_nothing_is_said_of_a_type_with_too_few_held_out_cells(store):
    held_out = (store.cells["split"] == "validation") & (store.cells["label"] == "beta")
    chosen = ~held_out | (held_out.cumsum() < MIN_CELLS)
    table = run(store, chosen.to_numpy()).set_index("label")
    assert table["auroc"].isna().to_dict() == {"alpha": False, "beta": True, "delta": False}
    as_table(table.reset_index(), LEAVE_TYPE_OUT)
