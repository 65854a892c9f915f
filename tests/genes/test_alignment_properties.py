"""Genes are matched by name and never by place, whatever genes a file and a vocabulary hold (design law 2)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from cellcohort.genes.alignment import Alignment, align_genes

QUIET = settings(max_examples=40, deadline=None, derandomize=True)
ALIASES = pd.DataFrame(
    [
        ("OLD", "NEW", "", "previous"),
        ("NICK", "NEW", "", "alias"),
        ("TWO", "A", "", "alias"),
        ("TWO", "B", "", "alias"),
    ],
    columns=["alias", "symbol", "gene_id", "kind"],
)
SYMBOLS = st.sampled_from(["A", "a", "B", "NEW", "OLD", "NICK", "TWO", "HLA-A", "HLA.A", "X1"])
IDS = st.none() | st.sampled_from([f"ENSG{i:011d}" for i in range(5)])
NAMES = st.tuples(SYMBOLS, IDS)
QUERY = st.lists(NAMES, max_size=9, unique_by=lambda gene: gene[1] or gene)  # an id names one gene of a file
VOCABULARY = st.lists(NAMES, max_size=7, unique_by=lambda gene: gene[0])


def frame(genes):
    return pd.DataFrame(list(genes), columns=["symbol", "gene_id"], dtype=object)


def vocabulary(genes):
    table = frame(genes)
    table["gene_id"] = table["gene_id"].where(~table["gene_id"].duplicated(), None)
    return table.assign(token_id=np.arange(len(table), dtype=np.int32))


def counts(n_genes, seed=0):
    return sparse.csr_matrix(np.random.default_rng(seed).poisson(2, (3, n_genes)).astype(np.float32))


@given(query=QUERY, wanted=VOCABULARY)
@QUIET
def test_no_count_is_lost_or_made_up(query, wanted):
    alignment = align_genes(frame(query), vocabulary(wanted), ALIASES)
    matched, rows = alignment.target >= 0, counts(len(query))
    projected = alignment.project(rows)
    assert projected.shape == (3, len(wanted))
    assert projected.sum(1).A1.tolist() == rows[:, matched].sum(1).A1.tolist()
    found = (alignment.table["match"] != "missing").to_numpy()
    assert set(np.flatnonzero(found)) == set(alignment.target[matched])
    assert 0 <= alignment.share <= 1


@given(query=QUERY, wanted=VOCABULARY, order=st.randoms(use_true_random=False))
@QUIET
def test_the_order_of_a_files_genes_changes_nothing(query, wanted, order):
    places = list(range(len(query)))
    order.shuffle(places)
    rows, first = counts(len(query)), align_genes(frame(query), vocabulary(wanted), ALIASES)
    second = align_genes(frame([query[place] for place in places]), vocabulary(wanted), ALIASES)
    assert second.table["match"].tolist() == first.table["match"].tolist()
    assert second.target.tolist() == first.target[places].tolist()
    assert (first.project(rows) != second.project(rows[:, places])).nnz == 0


@given(query=QUERY, wanted=VOCABULARY)
@QUIET
def test_a_gene_is_found_by_what_its_match_says(query, wanted):
    genes, words = frame(query), vocabulary(wanted)
    alignment = align_genes(genes, words, ALIASES)
    for token, match in enumerate(alignment.table["match"]):
        own = genes[alignment.target == token]
        if match == "id":
            assert (own["gene_id"] == words["gene_id"][token]).any()
        elif match == "symbol":
            assert (own["symbol"].str.upper() == words["symbol"][token].upper()).any()
        assert (match == "missing") == own.empty


@given(genes=VOCABULARY)
@QUIET
def test_a_file_of_the_vocabularys_own_genes_has_them_all(genes):
    words = vocabulary(genes).drop_duplicates(ignore_index=True)
    words = words[~words["symbol"].str.upper().duplicated()].reset_index(drop=True)
    words["token_id"] = np.arange(len(words), dtype=np.int32)
    alignment = align_genes(words[["symbol", "gene_id"]], words, ALIASES)
    rows = counts(len(words))
    assert alignment.target.tolist() == list(range(len(words)))
    assert (alignment.project(rows) != rows).nnz == 0


@given(query=QUERY, wanted=VOCABULARY)
@QUIET
def test_the_table_that_was_written_gives_the_same_matrix(query, wanted):
    genes = frame(query)
    alignment = align_genes(genes, vocabulary(wanted), ALIASES)
    again = Alignment.from_table(alignment.table, genes)
    rows = counts(len(genes))
    assert (alignment.project(rows) != again.project(rows)).nnz == 0
