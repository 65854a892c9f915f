"""Read the small tables that come with cellcohort (resources/README.md gives each one's source and licence)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

GENOMES = {"human": "hg38", "mouse": "GRCm39"}
"""The genome whose positions stand for a species."""

_LIBRARY = Path(__file__).resolve().parents[1]
_CLONE = Path(__file__).resolve().parents[3]
_FOLDERS = (
    _LIBRARY / "resource_files",
    _LIBRARY / "config_schemas",
    _CLONE / "resources",
    _CLONE / "workflow" / "schemas",
)
"""Of an installed package, then of a clone."""


def resource_path(name: str) -> Path:
    """The file `name` of the resources or of the schemas, in a clone or in an installed package."""
    for folder in _FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise InputError(f"{name}: this file is missing from {_CLONE}. Restore it, or install cellcohort again.")


def gene_positions(genome: str = "hg38", path: str | Path | None = None) -> pd.DataFrame:
    """Genes of hg38 or GRCm39 by place.

    Returns
    -------
    Columns gene_id, symbol (the id where the gene has none), chromosome (chr1...), start (0-based), end, biotype.
    """
    table = _read(path or resource_path(f"gene_positions_{genome}.tsv.gz"))
    table["symbol"] = table["symbol"].where(table["symbol"] != "", table["gene_id"])
    return table.astype({"start": "int64", "end": "int64"})


def gene_aliases(path: str | Path | None = None) -> pd.DataFrame:
    """Previous and alias symbols of human genes: alias (in capitals), symbol, gene_id (may be empty), kind."""
    return _read(path or resource_path("gene_aliases.tsv.gz"))


def mouse_orthologs(path: str | Path | None = None) -> pd.DataFrame:
    """Mouse genes and the one human gene of each: mouse_gene_id, mouse_symbol, gene_id, symbol."""
    return _read(path or resource_path("orthologs_mouse_human.tsv.gz"))


def chromosome_arms(genome: str = "hg38", path: str | Path | None = None) -> pd.DataFrame:
    """Arms of hg38 (p, centromere, q) or GRCm39 (q): chromosome, arm, start (0-based), end."""
    return _read(path or resource_path(f"chromosome_arms_{genome}.tsv")).astype({"start": "int64", "end": "int64"})


def genome_of(genes: pd.DataFrame) -> str:
    """The genome of a file's genes (symbol, gene_id): GRCm39 when most look like those of a mouse, else hg38."""
    mouse_id = genes["gene_id"].str.startswith("ENSMUSG").eq(True)
    mouse_symbol = genes["gene_id"].isna() & (genes["symbol"] != genes["symbol"].str.upper())
    return GENOMES["mouse" if (mouse_id | mouse_symbol).mean() > 0.5 else "human"]


def _read(path: str | Path) -> pd.DataFrame:
    import pandas as pd  # not above: the plan of a workflow asks for paths alone

    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def one_gene_per_symbol(positions: pd.DataFrame) -> pd.DataFrame:
    """`positions` with each symbol once, so that a symbol can be given an id and a place.

    Of several genes with one symbol the protein-coding one is taken, then the one on chrX of a pair on chrX and chrY,
    then the one with the oldest id; a symbol that is left on several chromosomes (Y_RNA) is dropped.
    """
    ordered = positions.assign(other=positions["biotype"] != "protein_coding").sort_values(
        ["symbol", "other", "gene_id"]
    )
    ordered = ordered[ordered["other"] == ordered.groupby("symbol")["other"].transform("first")]
    ordered = ordered[~((ordered["chromosome"] == "chrY") & ordered["symbol"].duplicated(keep=False))]
    places = ordered.groupby("symbol")["chromosome"].transform("nunique")
    return ordered[places == 1].drop_duplicates("symbol").drop(columns="other").reset_index(drop=True)
