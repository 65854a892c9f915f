"""Files of several modalities: which features are genes, whatever their types are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from .case import GENES, Case, cells, counts_of

N = 60
ALL = (N, len(GENES), float(counts_of(N).sum()))


def typed(genes: str, others: str, column: str = "feature_types") -> Callable[[Path], dict[str, Any]]:
    """Genes, and, where a type of them is given, five other features of high counts; `column` says which is which."""

    def make(folder: Path) -> dict[str, Any]:
        n_others = 5 if others else 0
        tags = np.random.default_rng(1).poisson(200, (N, n_others)).astype(np.float32)
        kinds = [genes] * len(GENES) + [others] * n_others
        var = pd.DataFrame({column: kinds}, index=[*GENES, *(f"tag{i}" for i in range(n_others))])
        matrix = sparse.hstack([counts_of(N), tags]).tocsr()
        ad.AnnData(matrix, obs=cells(N).obs, var=var).write_h5ad(folder / "a.h5ad")
        return {"path": "a.h5ad"}

    return make


def biotypes(folder: Path) -> dict[str, Any]:
    """Files of CELLxGENE say by feature_type what kind of gene it is."""
    made = cells(N)
    kinds = [
        "protein_coding",
        "lncRNA",
        "IG_V_gene",
        "TR_C_gene",
        "processed_pseudogene",
        "misc_RNA",
        "TEC",
        "synthetic",
    ]
    made.var["feature_type"] = np.resize(kinds, len(GENES))
    made.write_h5ad(folder / "a.h5ad")
    return {"path": "a.h5ad"}


def lengths(folder: Path) -> dict[str, Any]:
    """A column of that name which says something else."""
    made = cells(100)[:, GENES]
    made = ad.AnnData(sparse.hstack([made.X] * 2).tocsr(), obs=made.obs)
    made.var_names = [*GENES, *(f"GENE{i}" for i in range(len(GENES)))]
    made.var["feature_type"] = [str(i) for i in range(made.n_vars)]
    made.write_h5ad(folder / "a.h5ad")
    return {"path": "a.h5ad"}


PAIRS = [
    ("gex_adt", "GEX", "ADT"),
    ("gex_atac", "GEX", "ATAC"),
    ("rna_protein", "rna", "protein"),
    ("mrna_antibody", "mRNA", "Antibody Capture"),
    ("gene_peaks", "gene", "Peaks"),
    ("lower_case", "gene expression", "antibody capture"),
    ("underscores", "Gene_Expression", "Multiplexing_Capture"),
    ("hashtags", "Gene Expression", "HTO"),
    ("guides", "RNA", "CRISPR Guide Capture"),
    ("custom", "Gene Expression", "Custom"),
    ("xenium", "Gene Expression", "Negative Control Codeword"),
    ("blanks_around", " Gene Expression ", "Antibody Capture "),
]
CASES = [
    *[
        Case(f"types_{name}", f"Feature types {genes!r} and {others!r}", typed(genes, others), "read", holds=ALL)
        for name, genes, others in PAIRS
    ],
    Case("types_in_modality", "Types in the column modality", typed("rna", "prot", "modality"), "read", holds=ALL),
    Case("types_empty", "An empty column of feature types", typed("", ""), "read", holds=ALL),
    Case("types_missing_as_nan", "Feature types that are all nan", typed("nan", ""), "read", holds=ALL),
    Case("types_of_genes", "Biotypes of Ensembl as feature types", biotypes, "read", holds=ALL),
    Case("types_all_different", "A column feature_type in which all differ", lengths, "read"),
    Case(
        "types_unknown_beside_genes",
        "Feature types 'Gene Expression' and one that is not known",
        typed("Gene Expression", "Lipids"),
        "rejected",
        says="of the type 'Lipids' it is not known",
    ),
    Case("types_unknown", "Feature types that are not known", typed("foo", "bar"), "rejected", says="'bar', 'foo'"),
    Case("types_antibodies_alone", "Antibodies alone", typed("ADT", ""), "rejected", says="it holds ADT alone"),
    Case("types_peaks_alone", "Peaks and tags alone", typed("Peaks", "HTO"), "rejected", says="HTO, Peaks alone"),
    Case(
        "types_empty_beside_antibodies",
        "Features without a type beside antibodies",
        typed("", "Antibody Capture"),
        "rejected",
        says="of the type '' it is not known",
    ),
]
