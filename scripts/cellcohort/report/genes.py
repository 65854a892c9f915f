"""The genes that the model reads most in cells of each type."""

from __future__ import annotations

import pandas as pd

_GENES = 12


def first_genes(scores: pd.DataFrame) -> list[tuple[str, int, list[str]]]:
    """Type, its cells and its genes of the highest score, types by name."""
    ranked = scores.sort_values(["label", "score", "symbol"], ascending=[True, False, True])
    ranked = ranked.drop_duplicates(["label", "symbol"])
    groups = ranked.groupby("label", sort=True)
    return [(label, int(part["n_cells"].max()), part["symbol"].head(_GENES).tolist()) for label, part in groups]
