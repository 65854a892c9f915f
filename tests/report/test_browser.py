"""The report in a headless Chromium: it opens without errors or network, and does what a reader asks of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile_names import NAMES, make_hostile
from synthetic_results import collect, make_results, report_inputs
from workflow_config import full_config

from cellcohort.report.page import render_report

browser = pytest.importorskip("browser", reason="needs websocket-client (requirements-dev.txt)")
CONFIG = full_config()
VISIBLE = "[...document.querySelectorAll('{selector}')].filter((each) => each.offsetParent)"
ROWS = "[...document.querySelector('#{table}').tBodies[0].rows].filter((row) => !row.hidden)"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    results = make_results(tmp_path_factory.mktemp("results"), n_patients=3, n_cells=150, n_reference=150)
    collect(results)
    path = results.folder / "report.html"
    render_report(report_inputs(results), path, figures={}, patients=results.patients, title="Ovary", config=CONFIG)
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    program = browser.find_chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with browser.open_browser(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(chromium, report):
    """The report, opened anew at desktop width; nothing may have been complained of at the end."""
    chromium.complaints.clear()
    chromium.size(1280, 900)
    chromium.open(report)
    yield chromium
    assert chromium.complaints == []


def visible(page, selector: str) -> int:
    return page.run(VISIBLE.format(selector=selector) + ".length")


def texts(page, selector: str) -> list[str]:
    return page.run(f"[...document.querySelectorAll('{selector}')].map((each) => each.textContent)")


def shown_rows(page, table: str) -> list[str]:
    """First cells of the rows that are not filtered out."""
    return page.run(ROWS.format(table=table) + ".map((row) => row.cells[0].textContent.trim())")


def search(page, table: str, words: str) -> None:
    page.run(
        f"(() => {{ const input = document.querySelector('[data-filter={table}]'); input.value = '{words}';"
        " input.dispatchEvent(new Event('input')); })()"
    )


def draw_all(page) -> None:
    """Scroll every visible chart into view, as a reader would."""
    for number in range(visible(page, ".chart")):
        page.run(VISIBLE.format(selector=".chart") + f"[{number}].scrollIntoView({{behavior: 'instant'}})")
        page.wait(VISIBLE.format(selector=".chart") + f"[{number}].dataset.drawn === 'yes'")


def test_the_cohort_is_drawn_as_it_is_scrolled(page):
    assert visible(page, ".chart") > page.run("document.querySelectorAll('.chart[data-drawn]').length")
    draw_all(page)
    empty = VISIBLE.format(selector=".chart") + ".filter((each) => !each.querySelector('svg, canvas')).length"
    assert page.run(empty) == 0
    assert visible(page, "article.patient") == 0


def test_the_texts_of_figures_can_be_read(page):
    draw_all(page)
    assert {"P13", "P14", "P15", "share of the patient's cells"} <= set(texts(page, "#figure-composition svg text"))
    assert {"8q", "17p", "chromosome arm"} <= set(texts(page, "#figure-cnv svg text"))
    assert all(len(text) > 100 and "Table" in text for text in texts(page, "#cohort figcaption"))


def test_a_click_leads_to_each_patients_page_and_back(page):
    for patient in ("P13", "P14", "P15", "P16"):
        page.run(f"document.querySelector('#table-patients a[href=\"#patient-{patient}\"]').click()")
        page.wait(f"document.querySelector('#patient-{patient}').classList.contains('current')")
        assert visible(page, "article.patient") == 1
        assert visible(page, "#cohort") == 0
        assert page.run("document.querySelector('article.current h2').innerText") == f"Patient {patient}"
        questions = page.run(
            "[...document.querySelectorAll('article.current .answers tbody th')].map((e) => e.innerText)"
        )
        assert questions[0] == ("How many cells?" if patient == "P16" else "Are there malignant cells?")
        assert len(questions) == (1 if patient == "P16" else 7)
        draw_all(page)
        page.run("document.querySelector('article.current a[href=\"#patients\"]').click()")
        page.wait("document.documentElement.dataset.view === 'cohort'")


def test_a_patients_charts_show_that_patient_alone(page):
    page.run("location.hash = '#patient-P14'")
    page.wait("document.querySelector('#patient-P14').classList.contains('current')")
    draw_all(page)
    groups = page.run(
        "[...document.querySelectorAll('article.current figure.wide svg text')].map((e) => e.textContent)"
    )
    assert {name.split(" · ")[-1].split(" (")[0] for name in groups if "clone" in name} == {"clone_1", "clone_2"}
    page.run("document.querySelector('article.current a[rel=prev]').click()")
    page.wait("document.querySelector('#patient-P13').classList.contains('current')")
    assert visible(page, "[data-figure=sections]") == 4
    draw_all(page)


def test_an_address_opens_a_patients_page(page, report):
    page.open(report, "#patient-P15")
    page.wait("scrollY === 0")
    assert page.run("document.querySelector('article.current').id") == "patient-P15"


def test_tables_are_sorted_both_ways(page):
    def cells(column: int) -> list[float]:
        return page.run(
            ROWS.format(table="table-patients") + f".map((row) => Number(row.cells[{column}].dataset.value))"
        )

    button = "document.querySelector('#table-patients thead').rows[0].cells[1].querySelector('button')"
    page.run(button + ".click()")
    assert cells(1) == sorted(cells(1))
    page.run(button + ".click()")
    assert cells(1) == sorted(cells(1), reverse=True)
    assert page.run(button + ".closest('th').getAttribute('aria-sort')") == "descending"


def test_tables_are_filtered_and_the_number_is_told(page):
    search(page, "table-patients", "p14")
    assert shown_rows(page, "table-patients") == ["P14"]
    assert page.run("document.querySelector('[data-filter=table-patients]').nextElementSibling.value") == "1 of 4"
    search(page, "table-patients", "")
    assert len(shown_rows(page, "table-patients")) == 4
    search(page, "table-samples", "rejected")
    assert shown_rows(page, "table-samples") == ["P16_tumour"]


def test_the_map_shows_the_chosen_patient(page):
    pictures = "[...document.querySelectorAll('#figure-umap canvas')].map((each) => each.toDataURL())"
    draw_all(page)
    before = page.run(pictures)
    page.run(
        "(() => { const select = document.querySelector('[data-signal=patient]'); select.value = 'P14';"
        " select.dispatchEvent(new Event('change')); })()"
    )
    page.wait(f"{pictures}.at(-1) !== {before[-1]!r}")
    after = page.run(pictures)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True] + [False] * (len(before) - 1)


def test_it_is_used_by_keyboard(page):
    for _ in range(40):
        page.press("Tab")
        if page.run("document.activeElement.getAttribute('href')") == "#patient-P13":
            break
    page.press("Enter")
    page.wait("document.querySelector('#patient-P13').classList.contains('current')")
    assert page.run("document.activeElement.id") == "name-P13"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_it_fits_a_desktop_and_a_phone_in_light_and_dark(page, tmp_path, width, dark):
    page.size(width, 844, dark=dark)
    for fragment in ("#patients", "#patient-P13"):
        page.run(f"location.hash = '{fragment}'")
        page.wait("document.documentElement.dataset.view")
        assert page.run("document.documentElement.scrollWidth") <= width
        page.screenshot(tmp_path / f"{width}{'_dark' if dark else ''}{fragment.replace('#', '_')}.png")
    assert all(path.stat().st_size > 10_000 for path in tmp_path.glob("*.png"))
    background = page.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 200) == dark


def test_a_patients_page_prints_with_its_charts(page):
    page.run("location.hash = '#patient-P13'")
    page.wait("document.querySelector('#patient-P13').classList.contains('current')")
    content = page.pdf()
    assert content.startswith(b"%PDF")
    assert page.run("document.querySelectorAll('article.current .chart:not([data-drawn=yes])').length") == 0


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory) -> Path:
    """The report of a cohort whose labels, genes, gene sets, tissues and title are code."""
    results = make_results(tmp_path_factory.mktemp("hostile"), n_patients=2, n_cells=150, n_reference=150)
    collect(results)
    make_hostile(results.folder)
    path = results.folder / "report.html"
    config = full_config(reference={"label": NAMES["Fibroblast"], "path": NAMES["B_cell"]})
    given = {"figures": {}, "patients": results.patients, "title": NAMES["Endothelial"], "config": config}
    render_report(report_inputs(results), path, **given)
    return path


def test_names_that_are_code_are_shown_as_written(chromium, hostile_report, report):
    chromium.complaints.clear()
    chromium.size(1280, 900)
    chromium.open(hostile_report)
    draw_all(chromium)
    assert chromium.run("document.title") == NAMES["Endothelial"]
    assert set(label for label in NAMES.values() if label in chromium.run("document.body.innerText")) >= {
        NAMES[name] for name in ("Fibroblast", "Macrophage", "Endothelial", "T_cell", "B_cell", "GENE1", "left ovary")
    }
    drawn = " ".join(texts(chromium, "figure svg text"))
    assert NAMES["T_cell"] in drawn
    chromium.run("location.hash = '#patient-P13'")
    chromium.wait("document.querySelector('#patient-P13').classList.contains('current')")
    draw_all(chromium)
    injected = "img[src=x], iframe, #cohort b b, svg[onload], table b, [onerror], [onload]"
    assert chromium.run(f"document.querySelectorAll({injected!r}).length") == 0
    scripts = chromium.run("document.scripts.length")
    assert chromium.run("window.hacked") is None
    assert chromium.complaints == []
    chromium.open(report)
    assert scripts == chromium.run("document.scripts.length")


def test_a_tooltip_shows_code_as_text(chromium, hostile_report):
    chromium.complaints.clear()
    chromium.size(1280, 900)
    chromium.open(hostile_report)
    draw_all(chromium)
    mark = "document.querySelector('#figure-composition svg .mark-rect path')"
    chromium.run(f"{mark}.scrollIntoView({{behavior: 'instant', block: 'center'}})")
    box = chromium.run(
        f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({mark}.getBoundingClientRect())"
    )
    for shift in (0, 1):  # over the mark, and on it
        chromium.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + shift, y=box[1])
    chromium.wait("!document.querySelector('#tooltip').hidden")
    assert any(name in chromium.run("document.querySelector('#tooltip').innerText") for name in NAMES.values())
    assert chromium.run("document.querySelector('#tooltip').querySelectorAll(':not(div)').length") == 0
    assert chromium.run("window.hacked") is None
    assert chromium.complaints == []
