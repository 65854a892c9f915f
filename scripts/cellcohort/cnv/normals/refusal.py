"""Refuse supposedly normal cells whose expression group disagrees with safer cells on the chromosome arms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...genes.chromosome_arms import lay_out_arms
from ...genes.positions import place_genes
from ...genes.shared_genes import SharedGenes
from ...inputs.resources import chromosome_arms
from ..arm_effects import group_sums
from ..patient_samples import HealthyReference, Sample, annotated_rows, read_genes
from ..settings import Settings
from .arm_agreement import Candidates, disagreements
from .reference_cells import SMALL_GROUP, healthy_rows

_REST = ""


def refuse_by_arms(
    obs: pd.DataFrame,
    samples: Sequence[Sample],
    genes: SharedGenes,
    *,
    positions: pd.DataFrame,
    arms: pd.DataFrame | None,
    healthy: HealthyReference | None,
    settings: Settings,
    seed: int,
) -> pd.DataFrame:
    """The cells with `why` and `in_doubt` set for those whose group disagrees on the arms.

    The groups of a label that have fewer than 20 cells are taken together; where another group of the label is refused
    and they are fewer still, nothing can tell whether they are normal, and they do not serve.

    Parameters
    ----------
    obs
        From :func:`cellcohort.cnv.normals.reference_cells.annotated_cells`.
    genes
        The genes of the samples, and of the healthy reference if there is one.
    """
    obs = obs.copy()
    unit, units = _units(obs)
    placed = place_genes(pd.Index(genes.shared), positions, exclude_chromosomes=settings.exclude_chromosomes)
    if not len(units) or not len(placed):
        return obs
    layout = lay_out_arms(placed, chromosome_arms("hg38") if arms is None else arms)
    columns = placed["column"].to_numpy()
    labels = units["label"].tolist()
    sums = _sums(samples, genes, unit, len(units))[:, columns]
    normal = {} if healthy is None else _healthy_sums(healthy, genes, sorted(set(labels)), columns, seed)
    refused = disagreements(Candidates(labels, sums, normal), layout, settings)
    for number, why in refused.items():
        obs.loc[unit == number, "why"] = why
        obs.loc[unit == number, "in_doubt"] = True
    splits = {labels[number] for number in refused}
    for number in units.index[(units["n_cells"] < SMALL_GROUP) & units["label"].isin(splits)]:
        if number not in refused:
            obs.loc[unit == number, "why"] = "too few cells to judge, of a label whose groups disagree on the arms"
    return obs


def _units(obs: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """Number of each cell's unit (-1: cannot be normal), and the units, sorted: label, n_cells."""
    able = obs["why"].isna()
    label, group = obs["label"].astype(str)[able], obs["group"].astype(str)[able]
    size = obs[able].groupby([label, group])["cell_id"].transform("size")
    table = pd.DataFrame({"label": label, "group": group.where(size >= SMALL_GROUP, _REST)})
    unit = np.full(len(obs), -1)
    units = table.groupby(["label", "group"], sort=True)
    unit[able.to_numpy()] = units.ngroup().to_numpy()
    return unit, units.size().rename("n_cells").reset_index()


def _sums(samples: Sequence[Sample], genes: SharedGenes, unit: np.ndarray, number: int) -> np.ndarray:
    """Summed counts of each unit (number, n_genes), read sample by sample."""
    total, start = np.zeros((number, len(genes.shared))), 0
    for one, names in zip(samples, genes.names, strict=False):
        own = unit[start : start + len(one.annotation)]
        start += len(own)
        if (own >= 0).any():
            counts = read_genes(one.counts, annotated_rows(one)[own >= 0], names, genes.shared)
            total += group_sums(counts, own[own >= 0], number)
    return total


def _healthy_sums(
    healthy: HealthyReference, genes: SharedGenes, labels: list[str], columns: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Summed counts of up to 200 healthy cells of each label that has at least 20."""
    chosen = healthy_rows(healthy, labels, seed)
    size = chosen.groupby("lineage")["row"].transform("size")
    chosen = chosen[size >= SMALL_GROUP]
    if not len(chosen):
        return {}
    counts = read_genes(healthy.counts, chosen["row"].to_numpy(), genes.names[-1], genes.shared)
    names, codes = np.unique(chosen["lineage"].astype(str), return_inverse=True)
    return dict(zip(names, group_sums(counts, codes, len(names))[:, columns], strict=True))
