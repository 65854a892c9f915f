from __future__ import annotations

import pytest
from tiny_cohort import REPO
from workflow_config import full_config

from cellcohort.cohort.evaluation import MIN_PATIENTS
from cellcohort.ood.null import MIN_TAIL
from cellcohort.outputs.schemas import QUANTILES
from cellcohort.qc.fixed_limits import ALWAYS_ALLOWED_MITO, FEWEST_CELLS
from cellcohort.report.figures import cnv_figures, gene_figures, maps
from cellcohort.report.text.captions import captions

CONFIG = full_config(ood={"alpha": 0.07}, vocabulary={"min_share": 0.4})
RANGE = f"from the {QUANTILES['low']:.0%} to the {QUANTILES['high']:.0%} quantile"
WORDS = {1 / 10: "a tenth", 5: "five", 12: "twelve"}


def test_the_cohort_report_has_the_captions_of_snakemakes_report():
    files = {path.stem for path in (REPO / "workflow" / "report").glob("*.rst")} - {"workflow"}
    assert captions(CONFIG).keys() == files


def test_captions_tell_what_the_config_sets():
    assert "alpha (7%, dashed line)" in captions(CONFIG)["ood"].text
    assert "(40% found)" in captions(CONFIG)["coverage"].text


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ood", f"fewer than {MIN_TAIL}"),
        ("ood", RANGE),
        ("qc", f"at least {FEWEST_CELLS} cells"),
        ("qc", f"up to {ALWAYS_ALLOWED_MITO:.0%} "),
        ("qc", RANGE),
        ("cnv", RANGE),
        ("cnv", f"{WORDS[cnv_figures._BOTH]} of them or more"),
        ("genes", f"The {WORDS[gene_figures._DRAWN]} genes"),
        ("sections", f"the {WORDS[maps._NAMED_GENES]} most frequent"),
        ("evaluation", f"when there are {WORDS[MIN_PATIENTS]} or more"),
    ],
)
def test_a_number_that_a_caption_tells_is_the_one_that_acts(name, told):
    assert told in captions(CONFIG)[name].text
