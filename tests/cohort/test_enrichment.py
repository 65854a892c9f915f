import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu
from small_reference import N_GENES

from cellcohort.annotation.program_quality import QUALITY
from cellcohort.cohort.enrichment import enrich, rank_gene_sets
from cellcohort.core.errors import InputError
from cellcohort.inputs.gene_sets import read_gene_sets
from cellcohort.inputs.resources import gene_positions, resource_path
from cellcohort.outputs.parquet import as_table, empty
from cellcohort.outputs.schemas import ENRICHMENT, GENE_SCORES, PROGRAMS

SYMBOLS = np.array([f"GENE{i}" for i in range(N_GENES)], object)
SETS = {"first": SYMBOLS[:5].tolist(), "last": ["gene37", "GENE38", "GENE39", "ABSENT"], "small": ["GENE1", "GENE2"]}


def test_rank_sums_are_those_of_scipy():
    values = np.random.default_rng(0).poisson(1.0, (3, N_GENES)).astype(float)  # many ties
    found = rank_gene_sets(values, SYMBOLS, SETS)
    assert found["gene_set"].unique().tolist() == ["first", "last"]
    for row in found.itertuples():
        chosen = np.isin(SYMBOLS, [s.upper() for s in SETS[row.gene_set]])
        own, others = values[row.row, chosen], values[row.row, ~chosen]
        expected = mannwhitneyu(own, others, alternative="greater", method="asymptotic", use_continuity=False)
        assert row.pvalue == pytest.approx(expected.pvalue)
        assert row.auc == pytest.approx(expected.statistic / len(own) / len(others))
        assert row.n_genes == chosen.sum()


def tables_of(n_labels=2, n_slots=3):
    """Label 0 has high scores in the first genes; its slot 1 reads them three times as much as the other slots."""
    rng = np.random.default_rng(1)
    labels = [f"type {i}" for i in range(n_labels)]
    scores = pd.MultiIndex.from_product([labels, SYMBOLS], names=["label", "symbol"]).to_frame(index=False)
    scores = scores.assign(score=rng.normal(size=len(scores)), n_cells=10)
    names = ["label", "slot", "symbol"]
    programs = pd.MultiIndex.from_product([labels, range(n_slots), SYMBOLS], names=names).to_frame(index=False)
    programs = programs.assign(weight=rng.uniform(1, 1.2, len(programs)), **dict.fromkeys(QUALITY, np.nan))
    first = scores["symbol"].isin(SETS["first"]) & (scores["label"] == "type 0")
    scores.loc[first, "score"] += 5
    read = programs["symbol"].isin(SETS["first"]) & (programs["label"] == "type 0") & (programs["slot"] == 1)
    programs.loc[read, "weight"] *= 3
    return scores, programs


def test_what_was_put_in_is_found_and_nothing_else():
    table = as_table(enrich(*tables_of(), SETS), ENRICHMENT).to_pandas()
    assert len(table) == 2 * 2 + 2 * 3 * 2
    found = table[table["qvalue"] < 0.01]
    assert set(zip(found["level"], found["label"], found["slot"].fillna(-1), found["gene_set"], strict=True)) == {
        ("gene score", "type 0", -1, "first"),
        ("program", "type 0", 1, "first"),
    }
    assert set(found["genes"].iloc[0].split(", ")) == set(SETS["first"])
    assert (found["auc"] > 0.95).all()


def test_a_program_is_tested_beside_the_others_with_its_stability_and_the_rest_is_not():
    scores, programs = tables_of()
    programs["slot"] = programs["slot"].astype("Int32").replace(2, pd.NA)
    measured = programs["slot"].notna()
    programs.loc[measured, list(QUALITY)] = [0.9, 0.7, 0.3]
    table = as_table(enrich(scores, programs, SETS), ENRICHMENT).to_pandas()
    of_slots = table[table["level"] == "program"]
    assert sorted(of_slots["slot"].unique()) == [0, 1]
    assert of_slots[list(QUALITY)].drop_duplicates().to_numpy() == pytest.approx(np.array([[0.9, 0.7, 0.3]]))
    assert table.loc[table["level"] == "gene score", list(QUALITY)].isna().all(axis=None)
    whole = as_table(enrich(*tables_of(), SETS), ENRICHMENT).to_pandas().query("level == 'program' and slot < 2")
    np.testing.assert_array_equal(of_slots["auc"], whole["auc"])


def test_chance_gives_uniform_p_values():
    values = np.random.default_rng(2).normal(size=(400, 300))
    sets = {"one": [f"GENE{i}" for i in range(12)]}
    pvalues = rank_gene_sets(values, np.array([f"GENE{i}" for i in range(300)]), sets)["pvalue"]
    assert (pvalues < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert pvalues.mean() == pytest.approx(0.5, abs=0.05)


def test_empty_tables_and_unknown_sets_give_an_empty_table():
    nothing = [empty(schema).to_pandas() for schema in (GENE_SCORES, PROGRAMS)]
    for tables, sets in ((nothing, SETS), (tables_of(), {"none": ["X", "Y", "Z"]})):
        assert as_table(enrich(*tables, sets), ENRICHMENT).num_rows == 0


def test_a_set_of_all_genes_is_not_tested():
    found = rank_gene_sets(np.eye(len(SYMBOLS))[:2], SYMBOLS, SETS | {"all": list(SYMBOLS)})
    assert "all" not in set(found["gene_set"])


def test_a_gmt_is_read_and_its_mistakes_are_named(tmp_path):
    path = tmp_path / "sets.gmt"
    path.write_text("a\tsource\tCD3E\tCD3D\tCD3E\t\n\nb\t\tMS4A1\n")
    assert read_gene_sets(path) == {"a": ["CD3E", "CD3D"], "b": ["MS4A1"]}
    for text, message in (("a\tsource", "line 1: no gene"), ("a\tx\tB\na\tx\tC", "line 2: the set a occurs twice")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_gene_sets(path)
    path.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(InputError, match="not a text file"):
        read_gene_sets(path)


def test_the_sets_that_come_along_are_current_symbols_with_a_source():
    sets = read_gene_sets(resource_path("gene_sets_human.gmt"))
    assert len(sets) > 30
    assert not {symbol for genes in sets.values() for symbol in genes} - set(gene_positions()["symbol"])
    lines = resource_path("gene_sets_human.gmt").read_text().splitlines()
    assert all(line.split("\t")[1].strip()[-4:].isdigit() for line in lines)  # author and year
