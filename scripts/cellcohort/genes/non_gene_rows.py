"""Rows of a matrix that are no genes though no column says so: spike-ins, antibodies, tags, controls, summaries."""

from __future__ import annotations

import numpy as np
import pandas as pd

_PATTERNS = (
    r"ercc[-_.]\d{5}$",  # spike-ins
    r"sirv\d",
    r"(ab|adt|hto|prot)[-_]",  # antibodies, and the tags of samples that were pooled
    r"hashtag",
    r".*antibody",
    r".*[-_.]total(seq)?[-_]?[abcd]$",
    r"__",  # __no_feature, __alignment_not_unique of HTSeq
    r"n_(unmapped|multimapping|nofeature|ambiguous)$",  # STAR
    r"(negcontrol|negprb|negative[-_. ]?control|systemcontrol|blank[-_]|unassigned[-_]?codeword|deprecatedcodeword)",
)
_NO_GENE = "(?i)" + "|".join(_PATTERNS)


def non_genes(symbols: pd.Series) -> np.ndarray:
    """Which of the names (n,) are those of rows that are no genes, as bool (n,)."""
    return symbols.astype(str).str.match(_NO_GENE).to_numpy(bool)


def non_gene_note(symbols: pd.Series) -> str | None:
    """What is to be said of such rows; None without any."""
    names = symbols[non_genes(symbols)]
    if names.empty:
        return None
    return (
        f"{len(names)} rows are no genes but spike-ins, antibodies, tags or controls ({', '.join(names[:3])}): they do "
        "not count towards n_counts and n_genes"
    )
