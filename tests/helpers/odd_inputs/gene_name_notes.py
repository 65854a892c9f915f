"""Gene names of another species, dates for names, names that occur twice, and words for a label that is not known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse
from tiny_cohort import write_cells, write_cohort

from .case import GENES, Case

_MOUSE = [name.capitalize() for name in GENES]
_HUMAN_ALONE = ["HLA-DRA", "HLA-A", "KIR2DL1", "ZNF28", "ZNF83", "C1ORF43", "LILRB1", "CEACAM8", "SIGLEC14", "GNLY"]
_MOUSE_ALONE = ["Gm10036", "Gm10076", "2010107E04Rik", "Ly6c2", "Klrb1c", "H2-Aa", "Siglech", "Ccl6", "Ear2", "Cd209a"]


def _named(names: list[str], ids: list[str] | None = None, **row: str) -> Callable[[Path], dict[str, Any]]:
    """The maker of 60 cells of genes of these names (and Ensembl ids), with `row` in the sheet."""

    def make(folder: Path) -> dict[str, Any]:
        counts = np.random.default_rng(0).poisson(3.0, (60, len(names))).astype(np.float32)
        var = pd.DataFrame({} if ids is None else {"gene_ids": ids}, index=names)
        obs = pd.DataFrame(index=[f"cell{i:03d}" for i in range(60)])
        ad.AnnData(sparse.csr_matrix(counts), obs=obs, var=var).write_h5ad(folder / "sample.h5ad")
        return {"path": "sample.h5ad", **row}

    return make


def _ids(prefix: str) -> list[str]:
    return [f"{prefix}{i:011d}" for i in range(len(GENES))]


def _labels(*labels: str) -> Callable[[Path], None]:
    """The maker of a cohort whose reference has these labels."""

    def make(folder: Path) -> None:
        write_cohort(folder)
        write_cells(folder / "reference.h5ad", labels=labels)

    return make


CASES = [
    Case(
        "mouse_symbols_as_human",
        "Mouse symbols, and no species in the sheet",
        _named([*_MOUSE, *_MOUSE_ALONE]),
        "rejected",
        says="species = mouse",
    ),
    Case("mouse_ids_as_human", "Mouse ids", _named(_MOUSE, _ids("ENSMUSG")), "rejected", "species = mouse"),
    Case("mouse_ids_in_capitals", "Mouse ids, human spelling", _named(GENES, _ids("ENSMUSG")), "rejected", "of mouse"),
    Case(
        "mouse_symbols_in_capitals",
        "Mouse symbols in capitals, no species",
        _named([*GENES[:20], *(name.upper() for name in _MOUSE_ALONE)]),
        "rejected",
        says="species = mouse",
    ),
    Case(
        "mouse_symbols_declared",
        "Mouse symbols, and the sheet says so",
        _named([*_MOUSE, *_MOUSE_ALONE], species="mouse"),
        "read",
        says="mouse ortholog",
    ),
    Case("human_as_mouse", "Human symbols as species mouse", _named(GENES, species="mouse"), "rejected", "of human"),
    Case(
        "human_ids_as_mouse",
        "Human ids as species mouse",
        _named(GENES, _ids("ENSG"), species="mouse"),
        "rejected",
        says="species = human",
    ),
    Case("human_in_small_letters", "Human symbols in small letters", _named([g.lower() for g in GENES]), "read"),
    Case(
        "human_with_a_capital",
        "Human symbols spelled like those of a mouse",
        _named([name.capitalize() for name in [*GENES, *_HUMAN_ALONE]]),
        "read",
    ),
    Case("rat_ids", "Rat ids beside symbols", _named(GENES, _ids("ENSRNOG")), "rejected", "neither of human nor"),
    Case("macaque_ids", "Macaque ids", _named(GENES, _ids("ENSMMUG")), "rejected", "ENSMMUG00000000000"),
    Case(
        "names_twice",
        "Names that occur twice, with counts of their own",
        _named([*GENES, *GENES[:30]]),
        "read",
        says="30 gene names of the vocabulary occur more than once",
    ),
    Case(
        "names_twice_in_other_letters",
        "The genes of two species, told apart by capitals alone",
        _named([*GENES, *(name.lower() for name in GENES[:20])]),
        "read",
        says="20 gene names",
    ),
    Case("dates_for_names", "Dates for names", _named([*GENES, "2-Sep", "1-Mar"]), "read", "2 gene names are dates"),
    Case("dates_month_first", "Dates for names, month first", _named([*GENES, "Sep-09", "Mar-03"]), "read", "as those"),
    Case("dates_with_year", "Dates for names, with a year", _named([*GENES, "2021-09-07"]), "read", "1 gene names"),
    Case("dates_in_german", "Dates of a German spreadsheet", _named([*GENES, "2. Sep", "01. Mrz"]), "read", "01. Mrz"),
    Case("dates_as_numbers", "Numbers of days for names", _named([*GENES, "44256", "44441"]), "read", "44256"),
    Case(
        "names_of_another_kind",
        "Entrez numbers for names",
        _named([str(900 + i) for i in range(40)]),
        "rejected",
        says="called 900, 901, 902, 903, 904; the vocabulary's CD3D, CD3E",
    ),
    Case(
        "names_of_probes",
        "Probes of a microarray for names",
        _named([f"{200000 + i}_s_at" for i in range(40)]),
        "rejected",
        says="200000_s_at",
    ),
    Case("reference_unknown", "One type beside unknown", _labels("T", "unknown", "NaN"), "stopped", "1 cell"),
    Case("reference_some_unknown", "Some unknown cells in a reference", _labels("T", "B", "Unassigned"), "planned"),
]
