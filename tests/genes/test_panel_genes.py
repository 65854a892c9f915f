"""The genes of a reference that a panel measures."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from cellcohort.core.errors import InputError
from cellcohort.genes.panel_genes import panel_genes


def named(*symbols: str) -> pd.DataFrame:
    return pd.DataFrame({"symbol": symbols, "gene_id": None}, dtype=object)


def panel(path: Path, genes: list[str]) -> str:
    cells = ad.AnnData(sparse.csr_matrix(np.ones((3, len(genes)), np.float32)), var=pd.DataFrame(index=genes))
    cells.write_h5ad(path)
    return str(path)


def test_the_references_own_names_of_a_panels_genes(tmp_path: Path) -> None:
    path = panel(tmp_path / "a.h5ad", ["CD3E", "cd19", "MLL", "BLANK-1", "NOTHERE"])
    reference = named("KMT2A", "CD19", "ACTB", "CD3E", "BLANK-1")
    assert panel_genes({}, path, reference) == ["KMT2A", "CD19", "CD3E"]


def test_a_mouse_panel_on_a_human_reference(tmp_path: Path) -> None:
    path = panel(tmp_path / "a.h5ad", ["Cd3e", "Ptprc", "Gm1234"])
    assert panel_genes({"species": "mouse"}, path, named("PTPRC", "CD3E", "CD4")) == ["PTPRC", "CD3E"]


def test_a_whole_transcriptome_is_no_panel(tmp_path: Path) -> None:
    path = panel(tmp_path / "a.h5ad", [f"G{number}" for number in range(8000)])
    with pytest.raises(InputError, match=r"8,000 genes and is no panel\. Take the sample out of vocabulary\.panels"):
        panel_genes({}, path, named("G1"))
