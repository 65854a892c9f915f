"""Odd names of genes: joined, with a genome in front, of two species."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from .case import GENES, Case, cells, counts_of
from .tenx_files import ALL, IDS, N_CELLS, N_GENES, h5_of, put

MOUSE_IDS = [gene_id.replace("ENSG", "ENSMUSG") for gene_id in IDS]
MOUSE = [name.capitalize() for name in GENES]


def named(make: Callable[[str, str], str], folder: Path) -> dict[str, str]:
    """An .h5ad whose names are made of an id and a symbol."""
    sample = cells()
    sample.var_names = [make(gene_id, name) for gene_id, name in zip(IDS, GENES, strict=True)]
    sample.write_h5ad(folder / "S.h5ad")
    return {"path": "S.h5ad"}


def joined(name: str, example: str, make: Callable[[str, str], str]) -> Case:
    return Case(f"names_{name}", f"Gene names such as {example}", partial(named, make), "read", holds=ALL)


def two_species(names: list[str], folder: Path, ids: list[str] | None = None, species: str = "") -> dict[str, str]:
    """An .h5ad of human genes and as many mouse genes, with a tenth of the counts."""
    matrix = sparse.hstack([counts_of(), sparse.csr_matrix(np.ones((N_CELLS, N_GENES), np.float32))]).tocsr()
    if species == "mouse":
        matrix = matrix[:, np.roll(np.arange(2 * N_GENES), N_GENES)]
    sample = ad.AnnData(matrix, obs=cells().obs, var=pd.DataFrame(index=names))
    if ids is not None:
        sample.var["gene_ids"] = ids
    sample.write_h5ad(folder / "S.h5ad")
    return {"path": "S.h5ad", "species": species} if species else {"path": "S.h5ad"}


def _two_matrices(folder: Path) -> dict[str, str]:
    """A 10x .h5 of version 2, which has a matrix for each genome."""
    h5_of(put(genes=np.array(IDS, "S"), gene_names=np.array(GENES, "S"), features=None), folder, name="hg19")
    with h5py.File(folder / "S.h5", "a") as file:
        file.copy("hg19", "mm10")
    return {"path": "S.h5"}


def _prefixed_h5(folder: Path) -> dict[str, str]:
    names = {"features__name": np.array([f"Own_v1_{name}" for name in GENES], "S")}
    return h5_of(put(**names, features__genome=np.array(["Own_v1"] * N_GENES, "S")), folder)


def mixed(
    name: str, condition: str, names: list[str], says: str = "40 genes of mouse were left out", **more: str
) -> Case:
    return Case(name, condition, partial(two_species, names, **more), "read", says=says, holds=ALL)


BOTH = [f"GRCh38_{name}" for name in GENES] + [f"mm10___{name}" for name in MOUSE]
CASES = [
    joined("id_symbol", "ENSG00000167286_CD3D", lambda gene_id, name: f"{gene_id}_{name}"),
    joined("id_version_symbol", "ENSG00000167286.10_CD3D", lambda gene_id, name: f"{gene_id}.10_{name}"),
    joined("id_bar_symbol", "ENSG00000167286|CD3D", lambda gene_id, name: f"{gene_id}|{name}"),
    joined("symbol_bar_id", "CD3D|ENSG00000167286", lambda gene_id, name: f"{name}|{gene_id}"),
    joined("symbol_id", "CD3D_ENSG00000167286", lambda gene_id, name: f"{name}_{gene_id}"),
    joined("symbol_id_version", "CD3D-ENSG00000167286.10", lambda gene_id, name: f"{name}-{gene_id}.10"),
    joined("id_colon_symbol", "ENSG00000167286:CD3D", lambda gene_id, name: f"{gene_id}:{name}"),
    joined("symbol_brackets", "CD3D (ENSG00000167286)", lambda gene_id, name: f"{name} ({gene_id})"),
    joined("id_dot_symbol", "ENSG00000167286.CD3D", lambda gene_id, name: f"{gene_id}.{name}"),
    joined(
        "three_parts", "ENSG00000167286|CD3D|protein_coding", lambda gene_id, name: f"{gene_id}|{name}|protein_coding"
    ),
    joined("symbol_entrez", "CD3D|915", lambda gene_id, name: f"{name}|{int(gene_id[4:])}"),
    joined("genome_symbol", "GRCh38_CD3D", lambda _, name: f"GRCh38_{name}"),
    joined("genome_wide", "GRCh38____CD3D", lambda _, name: f"GRCh38____{name}"),
    joined("genome_dash", "hg19-CD3D, as Seurat changes hg19_CD3D", lambda _, name: f"hg19-{name}"),
    joined("genome_id_symbol", "GRCh38_ENSG00000167286_CD3D", lambda gene_id, name: f"GRCh38_{gene_id}_{name}"),
    joined("premrna", "GRCh38_premrna_CD3D", lambda _, name: f"GRCh38_premrna_{name}"),
    mixed("two_genomes", "Genes of a xenograft: GRCh38_CD3D beside mm10___Cd3d", BOTH),
    mixed(
        "two_genomes_seurat",
        "The same after Seurat: GRCh38-CD3D, mm10---Cd3d",
        [name.replace("_", "-") for name in BOTH],
    ),
    mixed(
        "two_genomes_drop_seq",
        "HUMAN_CD3D beside MOUSE_Cd3d",
        [f"HUMAN_{name}" for name in GENES] + [f"MOUSE_{name}" for name in MOUSE],
    ),
    mixed(
        "two_genomes_by_id", "Human and mouse ids without a genome in front", [*GENES, *MOUSE], ids=[*IDS, *MOUSE_IDS]
    ),
    mixed(
        "two_genomes_mouse",
        "A xenograft whose sample is mouse",
        BOTH,
        says="40 genes of human were left out",
        species="mouse",
    ),
    Case(
        "two_genomes_neither",
        "Genes of mouse and rat for a human sample",
        partial(two_species, [f"mm10_{name}" for name in MOUSE] + [f"rn6__{name}" for name in MOUSE]),
        "rejected",
        says="its genes are of mouse and rn6",
    ),
    Case(
        "h5_two_matrices",
        "A 10x .h5 of version 2 with a matrix for each of two genomes",
        _two_matrices,
        "read",
        says="the matrix of mm10 was left out",
        holds=ALL,
    ),
    Case("h5_own_genome", "A 10x .h5 whose names begin with the user's own genome", _prefixed_h5, "read", holds=ALL),
]
