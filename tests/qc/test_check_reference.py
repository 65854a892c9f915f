"""Quality control of the reference: shallow cells are left out, whole types are not."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.inputs.counts import open_counts
from cellcohort.outputs.parquet import as_table, write_table
from cellcohort.outputs.schemas import QC
from cellcohort.qc.check_reference import check_reference
from cellcohort.reference.cells import labelled_cells
from cellcohort.reference.checked_cells import checked_cells, passed_cells

N_GENES = 400
CONFIG = {"min_genes": 100, "min_counts": 200, "max_mito_share": 0.5, "n_mads": 7, "doublets": True}
CONFIG |= {"of_sheet": ("min_genes", "min_counts")}  # these files have the genes of a panel
DEEP, SHALLOW = 2.0, 0.1  # mean counts of a gene


def write(folder, kinds: dict[str, tuple[int, float]], donors: list[str] | None = None) -> str:
    """A reference of so many cells of such mean counts by label; a name after a blank tells cells of a label apart."""
    rng = np.random.default_rng(0)
    mean = np.concatenate([np.full(number, level) for number, level in kinds.values()])
    counts = rng.poisson(mean[:, None] * np.ones(N_GENES)).astype("float32")
    labels = [name.split()[0] for name, (number, _) in kinds.items() for _ in range(number)]
    obs = pd.DataFrame({"cell_type": labels}, index=[f"c{i}" for i in range(len(labels))])
    if donors:
        obs["donor"] = donors
    var = pd.DataFrame(index=[f"G{i}" for i in range(N_GENES)])
    ad.AnnData(sparse.csr_matrix(counts), obs=obs, var=var).write_h5ad(folder / "reference.h5ad")
    return str(folder / "reference.h5ad")


def check(path: str, donor: str | None = None, config: dict = CONFIG) -> pd.DataFrame:
    counts = open_counts(path)
    table = check_reference(counts, *labelled_cells(counts, label="cell_type", donor=donor), config)
    as_table(table, QC)
    return table


def test_shallow_cells_are_left_out_and_cells_without_a_label_have_not_passed(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    table = check(write(tmp_path, {"T": (80, DEEP), "T shallow": (20, SHALLOW), "B": (60, DEEP), "unknown": (9, DEEP)}))
    assert table["reason"].value_counts().to_dict() == {"low counts": 20, "no label": 9}
    assert (table["passed"] == table["reason"].isna()).all()
    assert "20 of 160 labelled cells do not meet quality control" in caplog.text


def test_a_type_that_the_limits_do_not_suit_is_kept_whole(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    path = write(tmp_path, {"T": (80, DEEP), "Erythroid": (20, SHALLOW), "Erythroid deep": (5, DEEP), "B": (60, DEEP)})
    assert check(path)["passed"].all()
    assert "all cells of Erythroid are kept" in caplog.text


def test_each_donor_is_judged_as_a_sample(tmp_path):
    """One donor has a tenth of the other's counts: no donor's cells are outliers among their own."""
    kinds = {"T": (100, DEEP), "T other": (100, 10 * DEEP), "B": (60, DEEP)}
    donors = ["P1"] * 100 + ["P2"] * 100 + ["P1"] * 60
    config = CONFIG | {"n_mads": 5}
    path = write(tmp_path, kinds, donors)
    assert check(path, "donor", config)["passed"].all()
    assert not check(path, None, config)["passed"].all()


def test_only_cells_that_passed_are_learned_from(tmp_path):
    path = write(tmp_path, {"T": (80, DEEP), "T shallow": (20, SHALLOW), "B": (60, DEEP)})
    write_table(tmp_path / "qc.parquet", check(path), QC)
    counts, rows, labels, donors = checked_cells({"label": "cell_type"}, path, tmp_path / "qc.parquet")
    assert rows.tolist() == [*range(80), *range(100, 160)]
    assert pd.Series(labels).value_counts().to_dict() == {"T": 80, "B": 60}
    assert donors is None
    assert passed_cells(counts, tmp_path / "qc.parquet").sum() == 140


def test_quality_control_that_leaves_too_few_types_is_named(tmp_path):
    path = write(tmp_path, {"T": (40, DEEP), "B": (4, DEEP), "B shallow": (4, SHALLOW)})
    write_table(tmp_path / "qc.parquet", check(path), QC)
    with pytest.raises(InputError, match="4 labelled cells did not meet quality control"):
        checked_cells({"label": "cell_type"}, path, tmp_path / "qc.parquet")


def test_a_table_of_other_cells_is_refused(tmp_path):
    path = write(tmp_path, {"T": (10, DEEP), "B": (10, DEEP)})
    write_table(tmp_path / "qc.parquet", check(path)[1:], QC)
    with pytest.raises(InputError, match=r"qc.parquet is of other cells"):
        passed_cells(open_counts(path), tmp_path / "qc.parquet")
