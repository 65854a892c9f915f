"""Title, caption and source table of every figure: the caption says in words what the statistic is.

The captions of Snakemake's own report (workflow/report) have the same text; a test holds them in step.
"""

from __future__ import annotations

from typing import NamedTuple


class Caption(NamedTuple):
    title: str
    text: str
    tables: tuple[str, ...]


def captions(*, alpha: float, min_share: float) -> dict[str, Caption]:
    """The captions by figure name."""
    return {
        "composition": Caption(
            "What each patient's cells are",
            "One bar a patient. Each cell that passed quality control counts once: with the reference type that "
            "the model gave it, or as not explained when the reference does not account for it (OOD). The label "
            "of an OOD cell is only its nearest type, so it is not counted there.",
            ("cohort/composition.tsv",),
        ),
        "ood": Caption(
            "Cells that the reference does not explain, and confidence",
            f"First, by sample: share of cells whose conformal p-value is at or below alpha ({100 * alpha:g}%, "
            "dashed line). The p-value is the share of reference cells of the same nearest type (of all types where "
            "it has "
            "fewer than 100) that look at least as strange when their own donor is left out, or their share of the "
            "cells where no donors are known. Before that, a sample's technical shift is taken off the scores: how "
            "much stranger its types look that keep the contrasts they have in the reference. How many reference "
            "cells are flagged themselves stands in the section Model, and where the sheet names a truth column the "
            "section Evaluation says how often ordinary cells of the cohort are (false alarms). Then, by patient: "
            "calibrated probability of the label over all cells; thin line from the 5% to the 95% quantile, bar "
            "over the middle half of the cells, white tick at the median.",
            ("cohort/ood.tsv",),
        ),
        "umap": Caption(
            "Reference and cohort in one map",
            "Every point is a cell; near points have similar representations in the model. The map (UMAP) was made "
            "from the reference alone. A patient's cell is placed at the weighted mean of its nearest reference cells, "
            "so foreign cells have to land on or between known types. Distances between far groups mean nothing, and "
            "no cell was called OOD or aneuploid by its place on the map. A sample of the cells is shown.",
            ("cohort/umap.tsv",),
        ),
        "origins": Caption(
            "Where the OOD cells may come from",
            "Origin is the reference type that an OOD cell suits best by which genes it has switched on and off: its "
            "putative founder. It is a resemblance, not a lineage tracing. Shares are of the "
            "patient's OOD cells, of which some are false alarms: ordinary cells, mostly nearest to their own "
            "type.",
            ("cohort/origins.tsv",),
        ),
        "cnv": Caption(
            "Chromosome arms gained and lost",
            "First, one row a patient: arms gained (red) or lost (blue); the stronger the colour, the larger the share "
            "of the patient's aneuploid cells in groups that carry the change; uncalled arms are grey; ± marks "
            "an arm that a tenth of them or more gained and others lost. The patient's "
            "own page shows each group. "
            "Then: copy-number score of single cells by their call, beside the normal cells used as reference (1 is "
            "what depth alone explains); thin "
            "line from the 5% to the 95% quantile, bar over the middle half, tick at the median. Expression stands in "
            "for DNA here: confirm what matters.",
            ("cohort/cnv_patients.tsv", "cohort/cnv_burden.tsv"),
        ),
        "cnv_groups": Caption(
            "Arms of each altered group of cells",
            "One row a group, with its cells: a clone (cells that share their changes) among cells of one nearest "
            "type. Red arms are "
            "called gained, blue ones lost, grey ones were not called; the stronger the colour, the larger the log2 "
            "ratio of the group's expression to normal cells. Point at an arm for the ratio and its z, the ratio over "
            "its standard error from the spread of the genes on the arm. A change that several groups show is "
            "surer than one that a single group shows, although clones of one tumour are not independent. Clones are "
            "numbered through the patient. Foreign cells stand by the label that the model gave them, which need not "
            "be their origin; foreign alone are those whose label is rare among them.",
            ("cohort/cnv_arms.tsv", "cohort/cnv_groups.tsv"),
        ),
        "genes": Caption(
            "The genes that tell each type",
            "The five genes of the highest score of each type, in all types. A gene's score is what it adds to the "
            "log-odds of a cell's label beyond what it adds to the others', as a mean over the cells that got the "
            "label (0 where it is silent); in a model imported from the published package it is attention. Left, each "
            "gene relative to its own highest score; right, the share of the type's cells that have the gene at all: a "
            "gene that many types have and that tells one of them is read by its amount. Cells that are foreign count "
            "with the label they got, so a type that a tumour lies nearest to shows genes of the tumour, too.",
            ("cohort/gene_scores.tsv",),
        ),
        "sections": Caption(
            "Cells in their place",
            "Cells at their coordinates in the tissue (obsm spatial of the file), the y axis downwards as in an "
            "image. The gene of the highest score is the one that says most for the cell's label (the twelve most "
            "frequent of them are named). Neighbours were not used for any call, so foreign or aneuploid cells that "
            "lie together are evidence of their own. A sample of the cells is shown.",
            ("cohort/sections.tsv",),
        ),
        "qc": Caption(
            "What was filtered out, and why",
            "First: share of each sample's cells that passed, and the first reason that held for the others. A "
            "cell must meet the hard limits of the config. Where at least 50 cells do, it must also lie within "
            "qc.n_mads scaled median absolute deviations of their median (1.48 times the median distance to the "
            "median, which outliers hardly move): on the log scale for counts (both sides) and genes (lower "
            "side), on its own scale for the mitochondrial share (upper side; up to 10% only the hard limit "
            "counts). Predicted doublets are dropped last. Then: counts, genes and mitochondrial share of all "
            "cells; thin line from the 5% to the 95% quantile, bar over the middle half, tick at the median.",
            (
                "cohort/qc.tsv",
                "cohort/qc_reasons.tsv",
            ),
        ),
        "coverage": Caption(
            "How many of the model's genes each sample measured",
            "Genes of the model's vocabulary by how they were found in the sample: by gene id, current symbol, "
            "previous or alias symbol, ortholog, or not at all. Samples to the left of the dashed line "
            f"({100 * min_share:g}% found) are rejected; well below full coverage labels and OOD calls become weaker.",
            ("cohort/coverage.tsv",),
        ),
        "training": Caption(
            "How the model was trained",
            "The workspace of CellMemory after each epoch: cross-entropy on training cells and on held-out cells "
            "of the reference, then accuracy and macro-F1 (mean over the types of the harmonic mean of precision "
            "and recall, so that a rare type counts as much as a frequent one) on the held-out ones. The training "
            "loss weights rare types up and is taken while tokens are dropped, so the two losses differ in level; "
            "a held-out loss that rises while the training loss falls shows overfitting. The epoch of the lowest "
            "held-out loss is kept. The model's other two readings of a cell, linear evidence and which genes are "
            "on, are "
            "fitted, not trained, and have no curve: the figures of the finished model are of all three.",
            ("cohort/training.tsv",),
        ),
        "confusion": Caption(
            "What the model confuses",
            "Cells of the reference that were held out of training. Each row is a true type and sums to 100%: the "
            "share of its cells that was given each label. Off the diagonal are the confusions.",
            ("cohort/held_out.tsv",),
        ),
        "evaluation": Caption(
            "Agreement with the samples' own annotation",
            "For samples whose sheet names a truth column. Accuracy and macro-F1 are of cells whose true type the "
            "reference holds; cells of other true types count as OOD: AUROC is the chance that such a cell has a "
            "higher OOD score than a known one, recall the share of them that was flagged, false alarms the share of "
            "known cells that was flagged. Lines are 95% bootstrap intervals over cells (for the cohort over "
            "patients, when there are five or more): they do not speak for patients not seen.",
            ("cohort/evaluation.tsv", "cohort/confusion.tsv"),
        ),
    }
