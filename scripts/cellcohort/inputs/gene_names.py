"""Symbols and Ensembl ids of a file's genes, from whatever its columns call them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

_ID = r"(ENS[A-Z]{0,6}G\d{11})(?:\.\d+)?(?:_PAR_Y)?"
_ENSEMBL = f"^{_ID}$"
_JOINED = re.compile(rf"(?<![A-Za-z0-9]){_ID}(?![A-Za-z0-9])")
_BETWEEN = " \t_-.,:;|/()[]"
"""What stands between an id and a symbol that are joined to one name."""
_PARTS = re.compile("[SUAI]|(un)?spliced|(intron|exon)(ic)?|nascent|mature|ambiguous", re.IGNORECASE)
"""What follows an id where it is no symbol, but tells a part of the gene's molecules (alevin-fry, velocyto)."""
_HUMAN = r"GRCh3[78]|hg19|hg38|hs37d5|(?:T2T[-_]?)?CHM13(?:v\d)?|human|homo[-_]sapiens"
_MOUSE = r"GRCm3[89]|mm9|mm10|mm39|mouse|mus[-_]musculus"
_OTHER = r"rn[4-8]|Rnor_6|Rnor|mRatBN7|dm6|BDGP6|GRCz1[01]|Mmul_10|rheMac\d+|Sscrofa11|susScr\d+|canFam\d+|galGal\d+"
_GENOME = re.compile(
    rf"(?P<genome>(?i:{_HUMAN}|{_MOUSE})|{_OTHER})(?:[-_.]?(?:p\d+|(?i:premrna)))?[-_.:|]+(?P<name>.+)"
)


def gene_frame(
    names: np.ndarray, *, index: np.ndarray, symbols: Any = None, ids: Any = None, genomes: Any = None
) -> pd.DataFrame:
    """Symbols and Ensembl ids from whatever a file calls its genes.

    A genome in front (GRCh38_CD3D) is taken off, and an id and a symbol that are joined (ENSG00000167286_CD3D) are
    told apart.

    Parameters
    ----------
    names
        The names that count, symbols or Ensembl ids or both mixed; where empty, `index` is used.
    symbols, ids
        What other columns of the file say, used where `names` does not say it.
    genomes
        The genome of each gene, where a column of the file says it.

    Returns
    -------
    Columns `symbol` (an id where there is none), `gene_id` (version and PAR suffix stripped, None when unknown) and
    `genome` (empty when unknown).
    """
    own = pd.Series(names, dtype=object)
    symbol, gene_id, genome = _told_apart(own.where(own != "", pd.Series(index, dtype=object)), genomes)
    if ids is not None:
        _, given_id, given_genome = _told_apart(pd.Series(ids, dtype=object), genomes)
        gene_id, genome = gene_id.where(gene_id.notna(), given_id), genome.where(genome != "", given_genome)
    if symbols is not None:
        given = pd.Series(symbols, dtype=object)
        given = _told_apart(given, genomes)[0].fillna(given)
        symbol = symbol.fillna(given.where(given != ""))
    if genomes is not None:
        genome = genome.where(genome != "", pd.Series(genomes, dtype=object))
    symbol = symbol.fillna(gene_id)
    gene_id = gene_id.astype(object).where(gene_id.notna(), None)
    return pd.DataFrame({"symbol": symbol, "gene_id": gene_id, "genome": genome})


def ensembl_ids(names: np.ndarray) -> np.ndarray:
    """Which names are Ensembl ids of genes."""
    return pd.Series(names, dtype=object).str.fullmatch(_ID).to_numpy(bool)


def species_of_genome(genome: str) -> str:
    """The species of a genome: human, mouse, or the genome itself."""
    for species, names in (("human", _HUMAN), ("mouse", _MOUSE)):
        if re.match(names, genome, re.IGNORECASE):
            return species
    return genome


def _told_apart(names: pd.Series, genomes: Any) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Symbol (NaN where there is none), Ensembl id (NaN) and genome (empty) of each name."""
    genome, names = _without_genome(names, genomes)
    gene_id = names.str.extract(_ENSEMBL, expand=False)
    symbol = names.where(gene_id.isna())
    for gene in np.flatnonzero(symbol.str.contains("ENS", regex=False).eq(True)):
        symbol.iat[gene], gene_id.iat[gene] = _split(symbol.iat[gene])
    piped = symbol.str.contains("|", regex=False).eq(True)
    if piped.sum() > symbol.notna().sum() / 2:  # CD3D|915 with an Entrez id, CD3D|a1b2c3d with a probe
        symbol[piped] = symbol[piped].str.replace(r"^\d+\|", "", regex=True).str.partition("|")[0]
    return symbol, gene_id, genome


def _without_genome(names: pd.Series, genomes: Any) -> tuple[pd.Series, pd.Series]:
    """The genome in front of each name, and the names without, where most have one."""
    genome = pd.Series("", index=names.index, dtype=object)
    for stated in [] if genomes is None else sorted(set(genomes) - {""}):
        prefix = re.compile(re.escape(stated) + "_+(?=.)")
        own = np.asarray(genomes) == stated
        if names[own].str.match(prefix).all():
            genome[own] = stated
            names = names.where(~own, names.str.replace(prefix, "", n=1, regex=True))
    found = names.str.extract(_GENOME)
    has = found["genome"].notna()
    if has.sum() < max(1, len(names) / 2):
        return genome, names
    return genome.where(~has, found["genome"]), names.where(~has, found["name"])


def _split(name: str) -> tuple[Any, Any]:
    """Symbol and Ensembl id of a name in which they are joined; the name alone where they are not."""
    match = _JOINED.search(name)
    if match is None:
        return name, np.nan
    before, after = name[: match.start()].strip(_BETWEEN), name[match.end() :].strip(_BETWEEN)
    if before == "DEPRECATED" or (not before and _PARTS.fullmatch(after)):  # the former: probes of 10x not in use
        return name, np.nan
    symbol = (after if not before or before.isdecimal() else before).split("|")[0]
    return (np.nan if not symbol or _JOINED.fullmatch(symbol) else symbol), match[1]
