"""Alignment of a sample's genes to the vocabulary by id, symbol, alias or ortholog, never by place (design law 2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from ..inputs.resources import GENOMES, genome_of
from .date_names import symbol_of_date

"""How a vocabulary gene was found, from the strongest evidence to none."""


@dataclass(frozen=True)
class Alignment:
    """A sample's genes laid on the vocabulary.

    Attributes
    ----------
    table
        One row a vocabulary gene, in schemas.GENES.
    target
        (query genes,) token_id of each query gene, -1 where it has none.
    """

    table: pd.DataFrame
    target: np.ndarray

    @property
    def measured(self) -> np.ndarray:
        """Ascending token ids of the vocabulary's genes that the file holds."""
        return np.flatnonzero(self.table["match"] != "missing")

    @property
    def share(self) -> float:
        """Vocabulary genes that were found, as a share of all."""
        return len(self.measured) / len(self.table) if len(self.table) else 0.0

    @cached_property
    def _map(self) -> sparse.csr_matrix:
        rows = np.flatnonzero(self.target >= 0)
        shape = (self.target.size, len(self.table))
        return sparse.csr_matrix((np.ones(rows.size, np.float32), (rows, self.target[rows])), shape=shape)

    def project(self, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        """(cells, query genes) as (cells, vocabulary) float32; several query genes of one token are summed."""
        projected = (rows.astype(np.float32, copy=False) @ self._map).tocsr()
        projected.sort_indices()
        return projected

    @classmethod
    def from_table(cls, table: pd.DataFrame, genes: pd.DataFrame) -> Alignment:
        """The alignment that wrote `table`, for the `genes` of the same file."""
        tokens = {name: token for token, names in enumerate(table["query_genes"]) for name in names}
        target = np.array([tokens.get(name, -1) for name in _names(genes)], dtype=np.int32)
        return cls(table.reset_index(drop=True), target)


def align_genes(
    genes: pd.DataFrame,
    vocabulary: pd.DataFrame,
    aliases: pd.DataFrame,
    *,
    species: str = "human",
    orthologs: pd.DataFrame | None = None,
) -> Alignment:
    """Match the genes of a sample to the vocabulary.

    Evidence is tried from the strongest to the weakest, and a gene matched by one kind is not asked again: equal
    Ensembl id, equal symbol, equal symbol after previous and alias symbols of both sides were replaced by the current
    one (and dates by the symbol of which a spreadsheet made them), ortholog. Query genes with one target are summed,
    with two exceptions that keep other genes out: a gene with an id of its own is not added to a token that another id
    found, and a mere alias (not a previous symbol) is not added to a token that was found by id or symbol.

    Parameters
    ----------
    genes
        `Counts.genes`: symbol and gene_id.
    vocabulary
        In schemas.VOCABULARY.
    aliases
        `resources.gene_aliases()`; rows whose alias is ambiguous or is a current symbol are not used.
    species
        human or mouse, of the sample. A mouse sample needs `orthologs` (`resources.mouse_orthologs()`) to be laid on a
        human vocabulary; mouse genes that this table does not know are tried by their symbol in capitals. With
        `orthologs` a human sample is laid on a mouse vocabulary.
    """
    of_mouse = genome_of(vocabulary) == GENOMES["mouse"]
    matching = _Matching(genes, vocabulary)
    matching.by("id", genes["gene_id"], vocabulary["gene_id"])
    if species == "mouse":
        matching.by("symbol", genes["symbol"], vocabulary["symbol"])
        if of_mouse:  # some files have no capitals
            matching.by("symbol", _capitals(genes["symbol"]), _capitals(vocabulary["symbol"]))
        _match_orthologs(matching, genes, vocabulary, orthologs)
        return matching.alignment()
    own, wanted = _capitals(genes["symbol"]), _capitals(vocabulary["symbol"])
    matching.by("symbol", own, wanted)
    own, wanted = _undated(own), _undated(wanted)
    known = _unambiguous(aliases)
    previous = known[known["kind"] == "previous"]
    matching.by("alias", _current(own, previous), _current(wanted, previous))
    matching.by("alias", _current(own, known), _current(wanted, known), only_missing=True)
    if of_mouse and orthologs is not None:
        human = _human_names(vocabulary, orthologs)
        matching.by("ortholog", genes["gene_id"], human["gene_id"], only_missing=True)
        matching.by("ortholog", _current(own, known), _current(_capitals(human["symbol"]), known), only_missing=True)
    return matching.alignment()


def current_symbols(names: pd.Series, aliases: pd.DataFrame) -> pd.Series:
    """Names in capitals, with previous and unambiguous alias symbols of `aliases` replaced by the current ones."""
    return _current(_capitals(names), _unambiguous(aliases))


class _Matching:
    """The state of align_genes: the token of each query gene and the evidence of each token."""

    def __init__(self, genes: pd.DataFrame, vocabulary: pd.DataFrame) -> None:
        self._genes, self._vocabulary = genes, vocabulary
        self._has_id = genes["gene_id"].notna().to_numpy()
        self._target = np.full(len(genes), -1, dtype=np.int32)
        self._match = np.full(len(vocabulary), "missing", dtype=object)

    def by(self, match: str, own: pd.Series, wanted: pd.Series, *, only_missing: bool = False) -> None:
        """Give each query gene without a token the first one whose name in `wanted` is its name in `own`."""
        found = self._match.copy()
        tokens: dict[str, int] = {}
        for number, name in enumerate(wanted):
            if isinstance(name, str) and name and not (only_missing and found[number] != "missing"):
                tokens.setdefault(name, number)
        for gene in np.flatnonzero(self._target < 0):
            token = tokens.get(own.iat[gene])
            if token is None or (found[token] == "id" and self._has_id[gene]):
                continue
            self._target[gene] = token
            if found[token] == "missing":
                self._match[token] = match

    def alignment(self) -> Alignment:
        """The result, with the query genes of each token in the order of the file."""
        names = _names(self._genes)
        query_genes: list[list[str]] = [[] for _ in range(len(self._vocabulary))]
        for gene in np.flatnonzero(self._target >= 0):
            if names[gene] not in query_genes[self._target[gene]]:
                query_genes[self._target[gene]].append(names[gene])
        table = self._vocabulary[["token_id", "gene_id", "symbol"]].reset_index(drop=True)
        return Alignment(table.assign(match=self._match, query_genes=query_genes), self._target)


def _match_orthologs(
    matching: _Matching, genes: pd.DataFrame, vocabulary: pd.DataFrame, orthologs: pd.DataFrame | None
) -> None:
    """Match mouse genes through their human ortholog's id, then its symbol, then by their own name in capitals."""
    if orthologs is None:
        raise ValueError("a mouse sample needs the table of orthologs")
    human = _human_names(genes, orthologs)
    wanted = _capitals(vocabulary["symbol"])
    matching.by("ortholog", human["gene_id"], vocabulary["gene_id"])
    matching.by("ortholog", human["symbol"], wanted)
    matching.by("ortholog", _capitals(genes["symbol"]).where(human["gene_id"].isna()), wanted)


def _human_names(genes: pd.DataFrame, orthologs: pd.DataFrame) -> pd.DataFrame:
    """gene_id and symbol of the human ortholog of mouse genes, by their id, symbol, or symbol however it is spelled."""
    by_id = orthologs.drop_duplicates("mouse_gene_id", keep=False).set_index("mouse_gene_id")
    by_symbol = orthologs.drop_duplicates("mouse_symbol", keep=False).set_index("mouse_symbol")
    spelled = orthologs.assign(mouse_symbol=_capitals(orthologs["mouse_symbol"]))
    spelled = spelled.drop_duplicates("mouse_symbol", keep=False).set_index("mouse_symbol")
    found = {
        column: genes["gene_id"]
        .map(by_id[column])
        .fillna(genes["symbol"].map(by_symbol[column]))
        .fillna(_capitals(genes["symbol"]).map(spelled[column]))
        for column in ("gene_id", "symbol")
    }
    return pd.DataFrame(found, dtype=object)


def _unambiguous(aliases: pd.DataFrame) -> pd.DataFrame:
    """Aliases of one gene that are no gene's current symbol; a previous symbol outweighs other genes' alias."""
    table = aliases.assign(alias=_capitals(aliases["alias"]), symbol=_capitals(aliases["symbol"]))
    table = table[~table["alias"].isin(table["symbol"])].drop_duplicates(["alias", "symbol", "kind"])
    previous = table[table["kind"] == "previous"]
    previous = previous[~previous["alias"].duplicated(keep=False)]
    other = table[~table["alias"].isin(table.loc[table["kind"] == "previous", "alias"])]
    return pd.concat([previous, other[~other["alias"].duplicated(keep=False)]])


def _current(names: pd.Series, aliases: pd.DataFrame) -> pd.Series:
    """Names in capitals with previous and alias symbols replaced; R writes the hyphen of a symbol as a point."""
    current = dict(zip(aliases["alias"], aliases["symbol"], strict=True))
    hyphened = [name.replace(".", "-") for name in names]
    replaced = [current.get(name) or current.get(other, other) for name, other in zip(names, hyphened, strict=True)]
    return pd.Series(replaced, dtype=object)


def _capitals(names: pd.Series) -> pd.Series:
    return names.astype(object).str.upper()


def _undated(names: pd.Series) -> pd.Series:
    return names.map(lambda name: symbol_of_date(name) or name)


def _names(genes: pd.DataFrame) -> list[str]:
    """What query_genes calls each gene: its symbol, or its id where several genes of the file share the symbol."""
    shared = genes["symbol"].duplicated(keep=False) & genes["gene_id"].notna()
    return genes["symbol"].where(~shared, genes["gene_id"]).tolist()
