"""A made-up cohort of any size: a labelled reference of several donors, and tumours of patients with altered arms.

    python tests/benchmarks/synthetic_cohort.py FOLDER --samples 200 --cells 2000

Writes reference.h5ad, cells/SAMPLE.h5ad, samples.tsv and config.yaml. Cells are drawn gene by gene from profiles of
types; donors differ by a factor for each gene; a tumour's cells are those of one type with a program of their own and
expression that follows the copies of altered arms. A sample depends on its number alone, so that a cohort can grow, and
files that exist are kept.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml
from scipy import sparse

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from cellcohort.genes.genome_tables import read_arms
from cellcohort.inputs.resources import gene_positions, resource_path

N_TYPES, N_MARKERS, N_PROGRAM, N_DONORS, N_REFERENCE = 8, 150, 80, 4, 4000
FOUNDERS = 3  # tumours arise from the first types
ARMS_PER_TUMOUR = 6
MEDIAN_UMI = 3000


@dataclass(frozen=True)
class World:
    """What all samples share.

    Attributes
    ----------
    genes
        symbol, chromosome and arm of each gene.
    profiles
        Expression of each type, shape (N_TYPES, genes).
    """

    genes: pd.DataFrame
    profiles: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--cells", type=int, default=2000, help="of a sample")
    parser.add_argument("--genes", type=int, default=12_000)
    options = parser.parse_args()
    write_cohort(options.folder, n_samples=options.samples, n_cells=options.cells, n_genes=options.genes)


def write_cohort(folder: Path, *, n_samples: int, n_cells: int, n_genes: int = 12_000) -> None:
    """Fill a working directory for Snakemake: files that are there already are kept, the sheet is written anew."""
    (folder / "cells").mkdir(parents=True, exist_ok=True)
    world = make_world(n_genes)
    if not (folder / "reference.h5ad").exists():
        make_reference(world).write_h5ad(folder / "reference.h5ad", compression="lzf")
    names = [f"S{number:06d}" for number in range(n_samples)]
    for number, name in enumerate(names):
        path = folder / "cells" / f"{name}.h5ad"
        if not path.exists():
            make_sample(world, number, n_cells).write_h5ad(path, compression="lzf")
    sheet = pd.DataFrame({"sample_id": names, "patient_id": names, "path": [f"cells/{name}.h5ad" for name in names]})
    sheet.to_csv(folder / "samples.tsv", sep="\t", index=False)
    config = {"samples": "samples.tsv", "reference": {"path": "reference.h5ad"}}
    config |= {"train": {"epochs": 10}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def make_world(n_genes: int) -> World:
    """Genes with their arms, and the profiles of the types."""
    rng = np.random.default_rng(0)
    positions = gene_positions("hg38")
    arms = read_arms(resource_path("chromosome_arms_hg38.tsv"))
    placed = positions[(positions["biotype"] == "protein_coding") & positions["chromosome"].isin(arms["chromosome"])]
    genes = placed.drop_duplicates("symbol").sample(n_genes, random_state=0).reset_index(drop=True)
    genes["arm"] = genes["chromosome"] + np.where(genes["start"] < genes["chromosome"].map(_centre(arms)), "p", "q")
    profiles = np.tile(rng.lognormal(0, 1.5, n_genes), (N_TYPES, 1))
    for profile in profiles:
        profile[rng.choice(n_genes, N_MARKERS, replace=False)] *= rng.uniform(5, 20, N_MARKERS)
    return World(genes, profiles)


def _centre(arms: pd.DataFrame) -> pd.Series:
    return arms[arms["arm"] == "p"].set_index("chromosome")["end"]


def make_reference(world: World) -> ad.AnnData:
    """Cells of all types and of several donors."""
    rng = np.random.default_rng(1)
    parts = []
    for donor in range(N_DONORS):
        types = rng.integers(0, N_TYPES, N_REFERENCE // N_DONORS)
        counts = draw(world.profiles * _donor(world, rng), types, rng)
        parts.append((counts, types, np.full(len(types), f"D{donor}")))
    counts, types, donors = zip(*parts, strict=True)
    obs = {"cell_type": [f"type {kind}" for kind in np.concatenate(types)], "donor": np.concatenate(donors)}
    return _cells(world, sparse.vstack(counts, format="csr"), obs)


def make_sample(world: World, number: int, n_cells: int) -> ad.AnnData:
    """A tumour: up to half of its cells are malignant, the others are of the types in shares of its own."""
    rng = np.random.default_rng([2, number])
    profiles = world.profiles * _donor(world, rng)
    tumour = profiles[rng.integers(FOUNDERS)].copy()
    tumour[rng.choice(tumour.size, N_PROGRAM, replace=False)] *= rng.uniform(5, 20, N_PROGRAM)
    for arm in rng.choice(world.genes["arm"].unique(), ARMS_PER_TUMOUR, replace=False):
        tumour[world.genes["arm"] == arm] *= rng.choice([0.5, 1.5])
    malignant = rng.random(n_cells) < rng.uniform(0, 0.5)
    types = rng.choice(N_TYPES, n_cells, p=rng.dirichlet(np.full(N_TYPES, 2.0)))
    types[malignant] = N_TYPES
    names = np.array([*(f"type {kind}" for kind in range(N_TYPES)), "malignant"])
    return _cells(world, draw(np.vstack([profiles, tumour]), types, rng), {"cell_type": names[types]})


def _donor(world: World, rng: np.random.Generator) -> np.ndarray:
    return rng.lognormal(0, 0.2, len(world.genes))


def draw(profiles: np.ndarray, types: np.ndarray, rng: np.random.Generator) -> sparse.csr_matrix:
    """Counts of one cell for each entry of `types`, its transcripts drawn from the profile of its type."""
    depth = np.maximum(rng.lognormal(np.log(MEDIAN_UMI), 0.4, len(types)).astype(int), 800)
    cell = np.repeat(np.arange(len(types)), depth)
    gene = np.empty(len(cell), np.int32)
    for kind in np.unique(types):
        here = types[cell] == kind
        edges = profiles[kind].cumsum()
        gene[here] = np.searchsorted(edges, rng.random(here.sum()) * edges[-1])
    ones = np.ones(len(cell), np.float32)
    return sparse.coo_matrix((ones, (cell, gene)), shape=(len(types), profiles.shape[1])).tocsr()


def _cells(world: World, counts: sparse.csr_matrix, obs: dict) -> ad.AnnData:
    index = [f"cell{number}" for number in range(counts.shape[0])]
    var = pd.DataFrame(index=world.genes["symbol"].astype(str).to_numpy())
    return ad.AnnData(counts, obs=pd.DataFrame(obs, index=index), var=var)


if __name__ == "__main__":
    main()
