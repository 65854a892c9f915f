from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from synthetic_results import FIGURES, UNKNOWN_TYPE, collect, make_results, report_inputs
from workflow_config import full_config

from cellcohort.cnv.arm_effects import ARM_FDR, SECOND_ARM
from cellcohort.cnv.normals.reference_cells import BLOCKS
from cellcohort.cnv.settings import Settings
from cellcohort.inputs.resources import chromosome_arms
from cellcohort.ood.null import MIN_TAIL
from cellcohort.outputs.parquet import read_frame
from cellcohort.qc.fixed_limits import ALWAYS_ALLOWED_MITO
from cellcohort.report.facts.answers import _which_arms, answers
from cellcohort.report.facts.cautions import model_warnings, patient_warnings
from cellcohort.report.facts.judged_cells import JudgedCells, judged_cohort
from cellcohort.report.facts.patients import Type, patient_facts
from cellcohort.report.facts.type_genes import Program, type_genes
from cellcohort.report.figures import cnv_figures
from cellcohort.report.figures.palette import label_colours
from cellcohort.report.figures.panels import pack
from cellcohort.report.page import _json, build_figures, render_report
from cellcohort.report.report_data import histogram_quantiles, load, patient_composition
from cellcohort.report.text.methods import methods_text
from cellcohort.report.text.number_format import arm_order, percent, short_arm

SECTIONS = {
    "patients",
    "overview",
    "composition",
    "ood",
    "map",
    "origins",
    "qc",
    "model",
    "methods",
}
TABLES = ("qc", "qc_reasons", "coverage", "umap", "training", "held_out", "confusion")
CONFIG = full_config()


class Page(HTMLParser):
    """Collects ids, loaded addresses, the payload and what people read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids, self.loaded, self.payload, self.text, self._hidden = set(), [], "", "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.add(attributes.get("id"))
        if tag in ("script", "style", "code"):
            self._hidden = attributes.get("id") or tag
        for name in ("src", "href", "srcset", "data", "action"):
            if tag != "a" and name in attributes:
                self.loaded.append(attributes[name])

    def handle_data(self, data):
        if self._hidden == "payload":
            self.payload += data
        elif not self._hidden:
            self.text += data

    def handle_endtag(self, tag):
        if tag in ("script", "style", "code"):
            self._hidden = ""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    results = make_results(tmp_path_factory.mktemp("results"), n_cells=150, n_reference=150)
    collect(results)
    return results


@pytest.fixture(scope="module")
def report(results):
    path = results.folder / "report.html"
    figures = {name: results.folder / "figures" / f"{name}.svg" for name in FIGURES}
    behind = {name: results.folder / "cohort" / f"{name}.tsv" for name in TABLES}
    options = {"patients": results.patients, "title": "Ovary & <b>", "config": CONFIG}
    render_report(report_inputs(results), path, figures=figures, tables=behind, **options)
    return path


def test_the_page_loads_nothing(report):
    page = Page(report.read_text())
    assert page.loaded, "the heatmaps are images"
    assert all(address.startswith("data:") for address in page.loaded)
    style = report.read_text().partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_section_and_patient_is_there(report, results):
    page = Page(report.read_text())
    assert SECTIONS | {"cnv", "genes", "evaluation"} <= page.ids
    assert {f"patient-{patient}" for patient in results.patients} <= page.ids
    assert {f"figure-{name}" for name in FIGURES} <= page.ids


def test_samples_are_described_by_the_columns_that_are_filled(report):
    table = report.read_text().split('id="table-samples"')[1].split("</table>")[0]
    assert '<th scope="col">Tissue</th>' in table
    assert "<td>left ovary</td>" in table
    assert "Batch" not in table
    assert "Condition" not in table


def test_texts_are_escaped_and_rejections_explained(report):
    text = report.read_text()
    assert "<title>Ovary &amp; &lt;b&gt;</title>" in text
    assert "Only 29 % of the reference&#39;s genes were found" in text


def test_every_panel_has_a_specification(report):
    text = report.read_text()
    figures = json.loads(Page(text).payload)["figures"]
    panels = set(re.findall(r'data-figure="(\w+)" data-panel="(\d+)"', text))
    assert len(panels) == sum(len(figure["specs"]) for figure in figures.values())
    for name, panel in panels:
        spec = figures[name]["specs"][int(panel)]
        assert spec["$schema"].startswith("https://vega.github.io/schema/vega/")
        assert {each["name"] for each in spec["data"]} & set(figures[name]["data"])


def test_every_figure_links_to_its_table(report):
    text = report.read_text()
    for figure in re.findall(r"<figure.*?</figure>", text, re.DOTALL):
        assert re.search(r'<a href="(cohort|patients)/', figure), figure[:200]
    linked = {Path(path) for path in re.findall(r'href="(cohort/[^"]+)"', text)}
    elsewhere = {path.stem for path in (report.parent / "cohort").glob("*.parquet")} | {"programs"}
    assert [path for path in linked if not (report.parent / path).exists() and path.stem not in elsewhere] == []


def test_charts_are_valid_vega_lite(results):
    data = load(report_inputs(results), patients=results.patients)
    for figure in build_figures(data, CONFIG).values():
        for panel in figure.panels:
            panel.chart.to_dict(validate=True)


def test_size_is_small(report):
    assert report.stat().st_size < 3_000_000


def test_figures_are_svg(report):
    for name in FIGURES:
        svg = (report.parent / "figures" / f"{name}.svg").read_text()
        assert svg.startswith("<svg")
        assert len(svg) > 1_000


def test_rendering_again_gives_the_same_bytes(report, results):
    again = results.folder / "again.html"
    render_report(
        report_inputs(results), again, figures={}, patients=results.patients, title="Ovary & <b>", config=CONFIG
    )
    assert again.read_bytes() == report.read_bytes()


def test_without_copy_number(results, tmp_path):
    render_report(report_inputs(results, cnv=False), tmp_path / "report.html", figures={}, config=CONFIG)
    page = Page((tmp_path / "report.html").read_text())
    assert "cnv" not in page.ids
    assert "composition" in page.ids


def test_called_arms_without_an_aneuploid_cell_render(results, tmp_path):
    inputs = report_inputs(results)
    for name, column in (("cnv_burden", "group"), ("cnv_groups", "cnv_call")):
        table = read_frame(inputs[name])
        inputs[name] = str(tmp_path / f"{name}.parquet")
        table[table[column] != "aneuploid"].to_parquet(inputs[name])
    render_report(inputs, tmp_path / "report.html", figures={}, config=CONFIG, patients=results.patients)
    page = Page((tmp_path / "report.html").read_text())
    assert "patient-P13" in page.ids


@pytest.mark.parametrize("n_rejected", [0, 2])
def test_a_cohort_without_cells_renders(tmp_path, n_rejected):
    results = make_results(tmp_path, n_patients=0, n_rejected=n_rejected, n_reference=10)
    collect(results, umap=False)
    figures = {name: tmp_path / f"{name}.svg" for name in FIGURES}
    report, options = tmp_path / "report.html", {"config": CONFIG, "patients": results.patients}
    render_report(report_inputs(results), report, figures=figures, **options)
    assert Page((tmp_path / "report.html").read_text()).ids >= SECTIONS
    assert all(path.read_text().startswith("<svg") for path in figures.values())


def test_the_reference_tells_which_labels_are_open(results):
    """A batch at a time, as in one."""
    inputs = report_inputs(results)
    found = load(inputs, patients=results.patients).reference.set_index("label")["open"]
    cells = pd.read_parquet(inputs["annotation"]).query("~is_ood")
    expected = (cells["label_set"] != cells["label"]).groupby(cells["label"]).mean()
    assert 0 < expected.min() < expected.max() < 1
    pd.testing.assert_series_equal(found.sort_index(), expected, check_names=False)


def test_facts_of_a_patient(results):
    data = load(report_inputs(results), patients=results.patients)
    first, *_, last = patient_facts(data)
    assert first.n_kept == sum(kind.n for kind in first.types) == 150
    assert first.types[-1].n == first.n_ood > 0
    assert first.n_ood_fdr == data.ood["n_ood_fdr"].iloc[0]
    assert first.types[-1].confidence is None
    assert all(0.5 < kind.confidence <= 1 for kind in first.reference_types)
    assert sum(origin.share for origin in first.origins) == pytest.approx(1)
    assert [(arm.name, arm.gained) for arm in first.arms if arm.groups == arm.of]
    assert first.samples[0]["qc"]["n_genes"]["median"] > 0
    assert (last.n_kept, last.confidence, last.aneuploid_share) == (0, None, None)
    assert UNKNOWN_TYPE not in {kind.name for kind in first.types}


def test_the_headline_is_the_range_of_the_malignant_share_of_all_cells():
    counts = {"normal": 30, "malignant": 50, "unexplained": 10, "unsure": 10}
    assert JudgedCells(counts).headline == "malignant at least 50% (50 of 100 cells), at most 60%"
    assert JudgedCells(dict.fromkeys(counts, 0)).headline == "no cells"
    assert judged_cohort({"A": JudgedCells(counts), "B": JudgedCells(counts)}).n_cells == 200


def test_every_patient_has_a_verdict_first(results, tmp_path):
    data = load(report_inputs(results), patients=results.patients)
    first, *_, last = patient_facts(data)
    assert first.judged.n_cells == first.n_kept
    assert first.judged.n_malignant > 0
    assert last.judged.at_least is None
    options = {"config": CONFIG, "patients": results.patients, "figures": {}}
    render_report(report_inputs(results), tmp_path / "report.html", **options)
    text = Page((tmp_path / "report.html").read_text()).text
    assert text.count(first.judged.headline) == 1
    assert text.count(f"M{first.judged.headline[1:]}") == 2  # above the page, and as its first answer


@pytest.mark.parametrize(
    ("n", "n_aneuploid", "altered"), [(100, 0, False), (100, 10, False), (100, 11, True), (0, 0, False)]
)
def test_a_type_of_many_aneuploid_cells_is_marked(n, n_aneuploid, altered):
    assert Type("T", n, 0.5, 0.9, n_aneuploid).is_altered == altered


def test_answers_say_how_sure_they_are(results):
    data = load(report_inputs(results), patients=results.patients)
    first, *_, last = patient_facts(data)
    found = {answer.question: answer for answer in answers(first, data, alpha=0.05)}
    assert len(found) == 7
    assert all(answer.answer and answer.certainty for answer in found.values())
    tumour = found["Are there malignant cells?"]
    assert tumour.answer.startswith(f"M{first.judged.headline[1:]}. Beside the patient's normal cells")
    assert f"({first.judged.n_malignant} of 150 cells), at most" in tumour.answer
    assert "Of 150 cells in all" in tumour.certainty
    assert "150 of 168 cells" in found["How many cells?"].answer
    assert f"{first.n_ood} of 150 cells" in found["Which cells are unlike the reference?"].answer
    assert "about 8 cells (5% of the cells)" in found["Which cells are unlike the reference?"].certainty
    assert "95% interval" in found["Where did they come from?"].certainty
    assert "another type cannot be named" in found["Where did they come from?"].certainty
    assert "+8q" in found["Which chromosome arms changed?"].answer
    assert f"|z| of {Settings().min_z:g}" in found["Which chromosome arms changed?"].certainty
    assert [answer.answer for answer in answers(last, data, alpha=0.05)] == ["None of 812 could be used."]
    without = replace(first, calls=None)
    assert len(answers(without, data, alpha=0.05)) == 5


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ([None, 0.2, 0.05], "a clone of 5% of them with 10 arms changed was found"),
        ([0.2, 0.2, None], "a clone of 20% of them with 1 arm changed was found"),
        ([None, None, None], "What would have been missed is not known"),
    ],
)
def test_what_a_patient_without_aneuploid_cells_could_have_shown_stands_beside_it(results, shares, text):
    data = load(report_inputs(results), patients=results.patients)
    first = patient_facts(data)[0]
    table = pd.DataFrame(
        {"patient_id": first.id, "arms": [1, 3, 10], "log2_ratio": -1.0, "share": shares, "false_rate": 0.0}
    ).astype({"share": float})
    found = answers(first, replace(data, cnv_limits=table), alpha=0.05)
    assert text in next(one.certainty for one in found if one.question == "Are cells aneuploid?")


def test_the_limits_that_are_told_are_those_of_the_calls(results):
    first = patient_facts(load(report_inputs(results), patients=results.patients))[0]
    told = _which_arms(first).certainty
    limits = Settings()
    assert f"|z| of {limits.min_z:g}, or two {SECOND_ARM * limits.min_z:g}" in told
    assert f"|log2 ratio| of {limits.min_effect:g}" in told
    assert f"false discovery rate of {percent(ARM_FDR)}" in told


def test_warnings_say_why(results):
    *_, rejected = patient_facts(load(report_inputs(results), patients=results.patients))
    warnings = patient_warnings(rejected)
    assert warnings[0] == "No cell could be annotated."
    assert "rejected" in warnings[1]


def test_a_borrowed_reference_is_a_reason_for_caution(results):
    data = load(report_inputs(results), patients=results.patients)
    first = patient_facts(data)[0]
    own = data.cnv_burden[(data.cnv_burden["patient_id"] == first.id) & (data.cnv_burden["group"] != "reference")]
    assert first.n_borrowed == own["n_borrowed"].sum() > 0
    assert any("healthy reference" in text for text in patient_warnings(first))
    assert not any("healthy reference" in text for text in patient_warnings(replace(first, n_borrowed=0)))


def test_what_was_found_in_the_reference_is_a_caution_once(results):
    data = load(report_inputs(results), patients=results.patients)
    found = pd.DataFrame([("values", "the values are scaled"), ("donors", "of one donor")], columns=["topic", "text"])
    data = replace(data, metrics={"held_out": "donors", "n_donors": 5}, findings=found)
    told = model_warnings(data, alpha=0.05)  # samples of an ovary, and no label of an epithelium
    assert told[0] == "Reference: the values are scaled."
    assert told[1].startswith("Reference: no label of the reference names epithelium")
    assert len(told) == 2
    known = data.reference.replace({"label": {"Fibroblast": "Epithelial"}})
    assert model_warnings(replace(data, reference=known), alpha=0.05) == told[:1]


OK = {"sample_id": "S", "status": "ok", "vocabulary_share": 1.0, "shift": 0.0, "n_cells": 0, "held_out_accuracy": None}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"samples": [{**OK, "vocabulary_share": 0.6}]}, "60% of the model's genes: labels are weaker, and"),
        ({"samples": [{**OK, "vocabulary_share": 0.6, "held_out_accuracy": 0.83}]}, "83% of held-out reference cells"),
        ({"samples": [{**OK, "shift": 4.2}]}, "4.2"),
        ({"calls": {"aneuploid": 5, "diploid": 5, "reference": 12}}, "only 12 normal cells"),
        ({"calls": {"aneuploid": 5, "diploid": 5, "undetermined": 90, "reference": 99}}, "For 90% of the tested cells"),
        (
            {"types": [Type("T", 50, 0.5, 0.9, 10)], "calls": {"aneuploid": 20, "reference": 99}},
            "10 of 20 aneuploid cells",
        ),
        ({"n_kept": 60}, "Only 60 cells"),
        ({"confidence": 0.6}, "median confidence is 0.60"),
    ],
)
def test_every_reason_for_caution_with_a_patient(results, change, text):
    data = load(report_inputs(results), patients=results.patients)
    first = patient_facts(data)[0]
    assert any(text in warning for warning in patient_warnings(replace(first, **change)))
    assert not any(text in warning for warning in patient_warnings(first))


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        ({"held_out": "cells"}, "names no donors"),
        ({"held_out": "donors", "n_donors": 1}, "single held-out donor"),
        ({"ood_false_alarms": {"alpha": [0.0, 0.1], "rate": [0.0, 0.32]}}, "16%"),
        ({"validation": {"macro_f1": 0.5}}, "0.50"),
    ],
)
def test_every_reason_for_caution_with_the_model(results, metrics, text):
    data = load(report_inputs(results), patients=results.patients)
    assert any(text in warning for warning in model_warnings(replace(data, metrics=metrics), alpha=0.05))
    good = {"held_out": "donors", "n_donors": 5}
    of_no_tissue = data.samples.assign(tissue=None)
    assert model_warnings(replace(data, metrics=good, samples=of_no_tissue), alpha=0.05) == []


def test_origins_stand_side_by_side_with_their_evidence(results, report):
    data = load(report_inputs(results), patients=results.patients)
    origins = {patient.id: patient.origins for patient in patient_facts(data)}
    first = origins[results.patients[0]][0]
    assert first.n == data.origins["n_cells"].iloc[0]
    assert first.low < first.share < first.high
    assert 0 < first.aneuploid_share < 1
    assert (first.gained, first.lost) == (["GENE1", "GENE2"], ["GENE3"])
    assert (first.sets_gained, first.sets_lost) == (["Cell cycle"], [])
    table = report.read_text().split('id="table-origins"')[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + sum(map(len, origins.values()))
    plain = replace(data, cnv_origins=None)
    assert all(origin.arms is None for patient in patient_facts(plain) for origin in patient.origins)


def test_cells_that_no_type_fits_are_told_apart(results):
    patient = patient_facts(load(report_inputs(results), patients=results.patients))[0]
    (apart,) = [origin for origin in patient.origins if not origin.fits]
    assert apart.name == "none fits"
    assert (apart.gained, apart.lost) == ([], [])
    first, others = patient.origins[0], [origin for origin in patient.origins if origin is not apart]
    assert first.fits
    assert not any("No type of the reference fits" in text for text in patient_warnings(patient))
    alone = patient_warnings(replace(patient, origins=[apart, *others]))
    assert any(f"No type of the reference fits {apart.n:,} of the cells" in text for text in alone)


def test_genes_of_the_malignant_cells(results, report):
    data = load(report_inputs(results), patients=results.patients)
    patient = patient_facts(data)[0]
    assert patient.higher == [f"GENE{rank}" for rank in range(1, 8)]
    assert patient.lower == ["GENE19", "GENE18"]
    first = answers(patient, data, alpha=0.05)[0].answer
    assert "they have more of GENE1, GENE2, GENE3, GENE4" in first
    assert "Genes of the malignant cells" in report.read_text()
    none = answers(replace(patient, higher=[], lower=[]), data, alpha=0.05)[0].answer
    assert "Beside" not in none


def test_labels_that_do_not_look_normal_come_with_the_line_to_paste(results):
    data = load(report_inputs(results), patients=results.patients)
    name = results.patients[0]
    assert patient_facts(data)[0].doubted is None
    row = {"patient_id": name, "group": "group 2", "used": False, "n_cells": 40, "why": BLOCKS}
    table = pd.concat([data.cnv_reference, pd.DataFrame([row | {"label": "B_cell"}])])
    patient = patient_facts(replace(data, cnv_reference=table))[0]
    (told,) = [text for text in patient_warnings(patient) if "do not look normal" in text]
    assert '`cnv: {normal_labels: ["T_cell"]}`' in told
    assert told.startswith("Some cells labelled B_cell")


def test_genes_of_each_type(results):
    data = load(report_inputs(results), patients=results.patients)
    found = type_genes(data)
    assert [kind.label for kind in found] == sorted(set(data.gene_scores["label"]))
    first = data.gene_scores[data.gene_scores["label"] == found[0].label].set_index("symbol")
    assert found[0].genes[:3] == first["score"].nlargest(3).index.tolist()
    assert found[0].attended[:3] == first["workspace"].nlargest(3).index.tolist()
    assert found[0].gene_sets == ["STRONG_SET"]
    assert found[0].programs == [Program(3, "PROGRAM_SET", 0.875, 0.75, 0.25), Program(5, None, 0.875, 0.75, 0.25)]
    frame = build_figures(data, CONFIG)["genes"].data["genes"]
    assert frame["strength"].between(0, 1).all()
    assert set(frame["label"]) == {kind.label for kind in found}


def test_sections_keep_their_shape(results):
    data = load(report_inputs(results), patients=results.patients)
    cells = build_figures(data, CONFIG)["sections"].data["cells"]
    assert set(cells["sample"]) == {results.samples[0]["sample_id"]}
    spread = cells[["x", "y"]].max() - cells[["x", "y"]].min()
    assert spread["x"] == pytest.approx(1, abs=1e-3)
    assert 0.5 < spread["y"] < 0.8


def test_tables_behind_figures_are_written(report, results):
    qc = pd.read_csv(report.parent / "cohort" / "qc.tsv", sep="\t")
    assert qc.columns[:2].tolist() == ["sample_id", "metric"]
    assert set(qc["sample_id"]) == {sample["sample_id"] for sample in results.samples[:-1]}
    umap = pd.read_csv(report.parent / "cohort" / "umap.tsv", sep="\t")
    assert set(umap.loc[umap["set"] == "cohort", "cnv_call"]) == {"aneuploid", "diploid", "undetermined"}


def test_arms_by_patient_are_drawn_for_every_patient_with_copy_number(results):
    data = load(report_inputs(results), patients=results.patients)
    table = build_figures(data, CONFIG)["cnv"].data["patients"]
    assert table["patient"].drop_duplicates().tolist() == data.cnv_patients["patient_id"].drop_duplicates().tolist()
    assert set(table.loc[table["strength"] > 0, "called"]) == {"gain", "loss"}
    assert table["strength"].between(0, 1).all()


def test_arms_are_in_the_order_of_the_genome():
    ordered = [f"{number}{arm}" for number in [*range(1, 23), "X", "Y"] for arm in "pq"]
    assert sorted(sorted(ordered), key=arm_order) == ordered
    assert sorted([f"chr{arm}" for arm in sorted(ordered)], key=arm_order) == [f"chr{arm}" for arm in ordered]
    assert sorted(["tip", "10", "Xq", "2", "2q"], key=arm_order) == ["2", "2q", "10", "Xq", "tip"]


def test_altered_groups_are_named_by_lineage_and_clone(results):
    data = load(report_inputs(results), patients=results.patients)
    of_first = {name: table[table["patient_id"] == "P13"] for name, table in
                (("cnv_arms", data.cnv_arms), ("cnv_groups", data.cnv_groups))}  # fmt: skip
    sizes = of_first["cnv_groups"].groupby("clone")["n_cells"].sum()
    names = {
        "T": "T",
        "T, out of distribution": "T, unlike the reference",
        "out of distribution": "unlike the reference",
    }
    for lineage, written in names.items():
        named = {name: table.assign(patient_id="T", lineage=lineage) for name, table in of_first.items()}
        arms = cnv_figures.cnv_groups(replace(data, **named)).data["arms"]
        assert set(arms["row"]) == {f"{written} · {clone} ({sizes[clone]})" for clone in ("clone_1", "clone_2")}
        assert set(arms["patient"]) == {"T"}


def test_histogram_quantiles():
    histogram = pd.DataFrame([[0] * 90 + [10] * 10, [100] + [0] * 99], index=["sure", "unsure"])
    found = histogram_quantiles(histogram)
    assert found.loc["sure", "median"] == pytest.approx(0.945)
    assert found.loc["unsure", "high"] == pytest.approx(0.005)


def test_packed_columns():
    frame = pd.DataFrame({"label": ["a", "b", "a", None], "x": [1.23456789, float("nan"), 0, 2], "flag": True})
    assert pack(frame) == {
        "label": {"values": ["a", "b"], "codes": [0, 1, 0, -1]},
        "x": [1.235, None, 0.0, 2.0],
        "flag": [1, 1, 1, 1],
    }


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "n/a"),
        (0, "0%"),
        (0.0004, "<0.1%"),
        (0.052, "5.2%"),
        (0.05, "5%"),
        (0.5, "50%"),
        (0.999, ">99%"),
        (1, "100%"),
    ],
)
def test_percent_never_rounds_to_none_or_all(share, text):
    assert percent(share) == text


def test_colours_are_distinct_for_many_types():
    assert len(set(label_colours(f"type {i}" for i in range(36)).values())) == 36


def test_cells_unlike_the_reference_have_one_name(report, results):
    text = Page(report.read_text()).text
    other = re.findall(r"(?i)foreign|\b(?<!un)explained|does not explain|out.of.distribution", text)
    # Each once in brackets: in the lead of the report, and in the methods, which people take along.
    assert [word.lower() for word in other] == ["out of distribution", "out-of-distribution"]
    assert re.findall(r"\([^()]*\bOOD\b\)", text) == ["(out of distribution, OOD)", "(out-of-distribution, OOD)"]
    assert len(re.findall(r"\bOOD\b", text)) == 2
    drawn = build_figures(load(report_inputs(results), patients=results.patients), CONFIG).values()
    legends = [text for figure in drawn for text in figure.legend]
    legends += [text for figure in drawn for panel in figure.panels for text in (panel.title, *panel.legend)]
    columns = [frame[name] for figure in drawn for frame in figure.data.values() for name in frame]
    legends += [text for column in columns if column.dtype == object for text in column.dropna().unique()]
    assert not [text for text in legends if re.search(r"(?i)foreign|explain|\bOOD\b", text)]


def test_arms_stand_in_genome_order():
    for genome in ("hg38", "GRCm39"):
        arms = chromosome_arms(genome)
        names = [short_arm(f"{row.chromosome}{row.arm}") for row in arms.itertuples() if row.arm != "centromere"]
        assert sorted(reversed(names), key=arm_order) == names


def test_the_methods_tell_the_limits_where_they_act(results):
    data = load(report_inputs(results), patients=results.patients)
    text = " ".join(methods_text(data, CONFIG, {}))
    for told in (f"fewer than {MIN_TAIL}", f"up to {ALWAYS_ALLOWED_MITO:.0%}", "to 7 scaled", "less than 50%"):
        assert told in text


def test_the_denominator_of_each_share_is_the_one_that_is_stated(results):
    """Shares of OOD cells are of the annotated cells, not of the file's; those of aneuploid cells of the tested cells
    with a definite call, not of the undetermined and the normal ones."""
    first = patient_facts(load(report_inputs(results), patients=results.patients))[0]
    patient = replace(first, n_cells=400, n_kept=200, n_ood=50)
    assert patient.ood_share == 0.25
    calls = {"aneuploid": 30, "diploid": 10, "undetermined": 60, "reference": 100}
    patient = replace(first, calls=calls)
    assert patient.aneuploid_share == 0.75
    assert patient.n_tested == 100
    assert replace(first, calls={"undetermined": 3, "reference": 4}).aneuploid_share is None


def test_shares_by_type_are_of_all_annotated_cells_of_the_patient(results):
    table = patient_composition(load(report_inputs(results), patients=results.patients))
    for _, cells in table.groupby("patient"):
        assert (cells["share"] == cells["n"] / cells["n"].sum()).all()
        assert cells["share"].sum() == pytest.approx(1)
        assert cells["n"].sum() == 150


@pytest.mark.parametrize("name", ["</script>", "<!--<script>", "</SCRIPT ", "a < b & c > d \u2028"])
def test_no_name_ends_the_script_element_that_holds_the_data(name):
    text = _json({"label": [name], name: 1})
    assert "<" not in text
    assert json.loads(text) == {"label": [name], name: 1}
