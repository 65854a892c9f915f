"""Genes at the edges of an arm, and arms that are too small or not in the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cellcohort.genes.chromosome_arms import lay_out_arms

ARMS = pd.DataFrame({"chromosome": "chr1", "arm": ["p", "q"], "start": [0, 1000], "end": [1000, 2000]})


def genes_at(middles, chromosome: str = "chr1") -> pd.DataFrame:
    """Genes of 4 bases around their middle."""
    middles = np.asarray(middles)
    return pd.DataFrame({"symbol": "g", "chromosome": chromosome, "start": middles - 2, "end": middles + 2})


@pytest.mark.parametrize(
    ("middle", "arm"), [(0, "1p"), (1, "1p"), (999, "1p"), (1000, "1q"), (1999, "1q"), (2000, None), (-1, None)]
)
def test_an_arm_holds_its_first_base_and_not_its_end(middle, arm) -> None:
    inside = [*range(100, 120), *range(1100, 1120)]
    layout = lay_out_arms(genes_at([*inside, middle]), ARMS)
    found = layout.names[layout.arm[-1]] if layout.arm[-1] >= 0 else None
    assert found == arm


@pytest.mark.parametrize(("number", "names"), [(19, []), (20, ["1p"])])
def test_an_arm_needs_twenty_genes(number, names) -> None:
    layout = lay_out_arms(genes_at(range(100, 100 + number)), ARMS)
    assert layout.names == names
    assert (layout.arm >= 0).sum() == 20 * len(names)


def test_genes_on_a_chromosome_without_arms_lie_on_none() -> None:
    genes = pd.concat([genes_at(range(100, 130)), genes_at(range(100, 130), "chr2")], ignore_index=True)
    layout = lay_out_arms(genes, ARMS)
    assert layout.names == ["1p"]
    assert (layout.arm == np.repeat([0, -1], 30)).all()


def test_covariates_rank_length_and_density() -> None:
    genes = pd.DataFrame({
        "symbol": "g", "chromosome": "chr1", "start": [0, 10, 20, 5_000_000], "end": [1, 30, 60, 5_000_100],
    })  # fmt: skip
    length, density = lay_out_arms(genes, ARMS).covariates.T
    assert length.tolist() == [-0.5, 0, 0.5, 1]
    assert density[3] < density[0] == density[1] == density[2], "the fourth gene has no other within 1 Mb"
