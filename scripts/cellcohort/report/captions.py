"""Title, caption and source table of every figure: the caption says in words what the statistic is."""

from __future__ import annotations

from typing import NamedTuple


class Caption(NamedTuple):
    title: str
    text: str
    table: str | None = None


def captions(*, alpha: float, min_share: float) -> dict[str, Caption]:
    """The captions by figure name."""
    return {
        "composition": Caption(
            "What each patient's cells are",
            "One bar a patient. Each cell counts once: with the reference type that the model gave it, or as not "
            "explained when the reference does not account for it (OOD). The label of an OOD cell is only its nearest "
            "type, so it is not counted there.",
            "cohort/composition.tsv",
        ),
        "ood": Caption(
            "Cells that the reference does not explain, and confidence",
            "First: share of cells whose conformal p-value is at or below alpha. The p-value is the share of held-out "
            f"reference cells that look at least as strange; so about {alpha:.0%} of perfectly ordinary cells are "
            "flagged too (dashed line), and only what exceeds that is evidence of foreign cells. Then: calibrated "
            "probability of the label over all cells of a patient; thin line from the 5% to the 95% quantile, bar "
            "over the middle half of the cells, white tick at the median.",
            "cohort/ood.tsv",
        ),
        "umap": Caption(
            "Reference and cohort in one map",
            "Every point is a cell; near points have similar representations in the model. The map (UMAP) was made "
            "from the reference alone. A patient's cell is placed at the weighted mean of its nearest reference cells, "
            "so foreign cells have to land on or between known types. Distances between far groups mean nothing, and "
            "no cell was called OOD by its place on the map. A sample of the cells is shown.",
        ),
        "origins": Caption(
            "Where the OOD cells may come from",
            "Origin is the reference type nearest to an OOD cell in the model's representation: its putative founder. "
            "It is a resemblance, not a lineage tracing. Shares are of the patient's OOD cells, of which some are "
            f"false alarms (about {alpha:.0%} of the ordinary cells).",
            "cohort/origins.tsv",
        ),
        "cnv": Caption(
            "Chromosome arms gained and lost",
            "First: arms called as gained (red) or lost (blue) in each altered group of a patient's cells; the "
            "stronger the colour, the larger the log2 ratio of expression to the patient's normal cells; "
            "uncalled arms are grey. "
            "Then: copy-number score of single cells by their call, beside the normal cells used as reference; thin "
            "line from the 5% to the 95% quantile, bar over the middle half, tick at the median. Expression stands in "
            "for DNA here: confirm what matters.",
            "cohort/cnv_arms.tsv",
        ),
        "qc": Caption(
            "What was filtered out, and why",
            "Share of each sample's cells that passed, and the reasons of the others; then counts, genes and "
            "mitochondrial share of all its cells: thin line from the 5% to the 95% quantile, bar over the middle "
            "half, tick at the median.",
        ),
        "coverage": Caption(
            "How many of the model's genes each sample measured",
            "Genes of the model's vocabulary by how they were found in the sample: by gene id, current symbol, "
            "previous or alias symbol, ortholog, or not at all. Samples to the left of the dashed line "
            f"({min_share:.0%} found) are rejected; well below full coverage labels and OOD calls become weaker.",
        ),
        "training": Caption(
            "How the model was trained",
            "Cross-entropy on training and held-out cells of the reference, and accuracy and macro-F1 (mean over the "
            "types of the harmonic mean of precision and recall) on the held-out ones, after each epoch. Held-out "
            "curves that turn away from the training curve show overfitting.",
        ),
        "confusion": Caption(
            "What the model confuses",
            "Cells of the reference that were held out of training. Each row is a true type and sums to 100%: the "
            "share of its cells that was given each label. Off the diagonal are the confusions.",
        ),
        "evaluation": Caption(
            "Agreement with the samples' own annotation",
            "For samples whose sheet names a truth column. Accuracy and macro-F1 are of cells whose true type the "
            "reference holds; cells of other true types count as OOD: AUROC is the chance that such a cell has a "
            "higher OOD score than a known one, recall the share of them that was flagged, false alarms the share of "
            "known cells that was flagged. Lines are 95% bootstrap intervals over cells (for the cohort over "
            "patients, when there are five or more): they do not speak for patients not seen.",
            "cohort/evaluation.tsv",
        ),
    }
