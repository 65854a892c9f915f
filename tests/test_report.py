from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from synthetic_results import FIGURES, FOREIGN, collect, make_results, report_inputs

from cellcohort.report import render_report
from cellcohort.report.figure import pack
from cellcohort.report.inputs import histogram_quantiles, load
from cellcohort.report.page import _percent, build_figures
from cellcohort.report.palette import label_colours
from cellcohort.report.patients import aneuploid_origins, patient_facts
from cellcohort.report.trust import patient_warnings

SECTIONS = {
    "patients",
    "overview",
    "composition",
    "ood",
    "map",
    "origins",
    "coverage",
    "qc",
    "model",
    "details",
    "methods",
}
CONFIG = {"ood": {"alpha": 0.05}, "vocabulary": {"min_share": 0.5}, "model": {"preset": "small"}}


class Page(HTMLParser):
    """Collects ids, loaded addresses and the texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids, self.loaded, self.payload, self._in_payload = set(), [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.add(attributes.get("id"))
        self._in_payload = attributes.get("id") == "payload"
        for name in ("src", "href", "srcset", "data", "action"):
            if tag != "a" and name in attributes:
                self.loaded.append(attributes[name])

    def handle_data(self, data):
        if self._in_payload:
            self.payload += data

    def handle_endtag(self, tag):
        self._in_payload = False


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    results = make_results(tmp_path_factory.mktemp("results"), n_cells=150, n_reference=150)
    collect(results)
    return results


@pytest.fixture(scope="module")
def report(results):
    path = results.folder / "report.html"
    figures = {name: results.folder / "figures" / f"{name}.svg" for name in FIGURES}
    render_report(
        report_inputs(results), path, figures=figures, patients=results.patients, title="Ovary & <b>", config=CONFIG
    )
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
    assert SECTIONS | {"cnv", "evaluation"} <= page.ids
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
    panels = re.findall(r'data-figure="(\w+)" data-panel="(\d+)"', text)
    assert len(panels) == sum(len(figure["specs"]) for figure in figures.values())
    for name, panel in panels:
        assert figures[name]["specs"][int(panel)]["width"] == "container"


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
    render_report(report_inputs(results, cnv=False), tmp_path / "report.html", figures={})
    page = Page((tmp_path / "report.html").read_text())
    assert "cnv" not in page.ids
    assert "composition" in page.ids


@pytest.mark.parametrize("n_rejected", [0, 2])
def test_a_cohort_without_cells_renders(tmp_path, n_rejected):
    results = make_results(tmp_path, n_patients=0, n_rejected=n_rejected, n_reference=10)
    collect(results, umap=False)
    figures = {name: tmp_path / f"{name}.svg" for name in FIGURES}
    render_report(report_inputs(results), tmp_path / "report.html", figures=figures, patients=results.patients)
    assert Page((tmp_path / "report.html").read_text()).ids >= SECTIONS
    assert all(path.read_text().startswith("<svg") for path in figures.values())


def test_facts_of_a_patient(results):
    data = load(report_inputs(results), patients=results.patients)
    first, *_, last = patient_facts(data)
    assert first.n_kept == sum(n for _, n, _ in first.types) == 150
    assert first.types[-1][1] == first.n_ood > 0
    assert sum(share for _, _, share in first.origins) == pytest.approx(1)
    assert [(arm.name, arm.gained) for arm in first.arms if arm.groups == arm.of]
    assert (last.n_kept, last.confidence, last.aneuploid_share) == (0, None, None)
    assert FOREIGN not in {name for name, _, _ in first.types}


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


def test_aneuploid_cells_are_shown_by_origin_with_their_genes(results, report):
    data = load(report_inputs(results), patients=results.patients)
    rows = aneuploid_origins(data)
    assert [row["patient_id"] for row in rows] == data.cnv_origins["patient_id"].tolist()
    assert rows[0]["genes"] == [f"GENE{rank}" for rank in range(1, 6)]
    assert 0 < rows[0]["aneuploid_share"] < 1
    assert "table-aneuploid" in Page(report.read_text()).ids
    without = replace(data, cnv_markers=data.cnv_markers[:0])
    assert all(row["genes"] == [] for row in aneuploid_origins(without))


def test_arms_by_patient_are_drawn_for_every_patient_with_copy_number(results):
    data = load(report_inputs(results), patients=results.patients)
    table = build_figures(data, CONFIG)["cnv"].data["patients"]
    assert table["patient"].drop_duplicates().tolist() == data.cnv_patients["patient_id"].drop_duplicates().tolist()
    assert set(table.loc[table["strength"] > 0, "called"]) == {"gain", "loss"}
    assert table["strength"].between(0, 1).all()


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
    assert _percent(share) == text


def test_colours_are_distinct_for_many_types():
    assert len(set(label_colours(f"type {i}" for i in range(36)).values())) == 36
