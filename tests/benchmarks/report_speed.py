"""Size of the report of many patients, and how soon a headless Chromium can use it.

Usage: python tests/benchmarks/report_speed.py --patients 200 --out report_speed.json [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))
from browser import Browser, find_chromium, open_browser
from synthetic_results import collect, make_results, report_inputs
from workflow_config import full_config

from cellcohort.report.page import render_report

QUIET_SECONDS = 5
WATCH = """
window.longTasks = [];
const note = (task) => window.longTasks.push(task.startTime + task.duration);
new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type: "longtask", buffered: true });
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
READY = "performance.getEntriesByName('ready')[0].startTime"
TIMED = (
    "(() => {{ const start = performance.now(); {action}; document.body.offsetHeight;"
    " return performance.now() - start; }})()"
)
SEARCH = (
    "const input = document.querySelector('[data-filter]'); input.value = 'P14';"
    " input.dispatchEvent(new Event('input'))"
)
SORT = "document.querySelectorAll('#table-patients thead button')[3].click()"


def make_report(folder: Path, n_patients: int, n_cells: int) -> dict[str, float]:
    """Make up the results of a cohort and render its report; seconds and bytes."""
    results = make_results(folder, n_patients=n_patients, n_cells=n_cells, n_reference=3000, n_rejected=4)
    collect(results)
    start = time.perf_counter()
    inputs, config = report_inputs(results), full_config()
    render_report(
        inputs, folder / "report.html", figures={}, patients=results.patients, title="Synthetic", config=config
    )
    size = (folder / "report.html").stat().st_size
    return {"patients": n_patients, "render_s": round(time.perf_counter() - start, 1), "bytes": size}


def measure(page: Browser, report: Path) -> dict[str, float]:
    """Milliseconds from opening to first paint and to interactive, and those that a search and a sort take.

    Interactive is the end of the last task of more than 50 ms before a quiet window of five seconds, and not before the
    page's script has run (https://web.dev/articles/tti).
    """
    page.size(1280, 900)
    page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    page.open(report)
    time.sleep(QUIET_SECONDS + 1)
    interactive = page.run(f"Math.max({PAINTED}, {READY}, ...window.longTasks)")
    assert page.run("performance.now()") - interactive > 1000 * QUIET_SECONDS, "never quiet"
    taken = {name: page.run(TIMED.format(action=action)) for name, action in (("search", SEARCH), ("sort", SORT))}
    found = {"first_paint": page.run(PAINTED), "interactive": interactive, **taken}
    assert not page.complaints, page.complaints
    return {f"{name}_ms": round(value) for name, value in found.items()}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--cells", type=int, default=200, help="of each patient")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="folder for the made-up results and the report")
    options = parser.parse_args()
    program = find_chromium()
    if program is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch) / "results"
        content = make_report(folder, options.patients, options.cells) | {"runs": []}
        for run in range(options.repeats):
            with open_browser(program, Path(scratch) / f"profile{run}") as page:
                content["runs"].append(measure(page, folder / "report.html"))
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    print(json.dumps(content))


if __name__ == "__main__":
    main()
