"""The methods in words for a manuscript, from the config, the model's record and the constants where they act."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from ... import __version__
from ...ood.fitting_origins import LEAST_KEPT
from ...ood.null import MIN_TAIL
from ...qc.fixed_limits import ALWAYS_ALLOWED_MITO, FEWEST_CELLS
from ...verdict.decision import SURE
from ..report_data import UNLIKE_REFERENCE, ReportData
from .number_format import count, percent

PACKAGES = (
    "scanpy", "anndata", "torch", "infercnvpy", "scikit-learn", "umap-learn", "scib-metrics", "pyarrow", "altair",
)  # fmt: skip


def package_versions() -> dict[str, str]:
    """Versions of cellcohort and of the packages that compute, as far as they are installed here."""
    found = {"cellcohort": __version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def methods_text(data: ReportData, config: Mapping, versions: Mapping[str, str]) -> list[str]:
    """The paragraphs; `config` is that of the workflow, with its defaults."""
    paragraphs = [_input(data, config), _model(data, config), _unlike_reference(data, config["ood"]["alpha"])]
    if len(data.umap):
        paragraphs.append(_map(data))
    if len(data.origin_genes):
        paragraphs.append(
            "For each origin, the genes that malignant and unexplained cells have more or less often than cells of "
            "that type with as many genes, by the reference's detection rates, were ranked by their log2 ratio over "
            "its standard error, beyond what the patient's normal cells showed against their own types; gene sets were "
            "tested among these ranks (rank-sum tests, Benjamini-Hochberg within the patient)."
        )
    if data.cnv_arms is not None:
        paragraphs.append(
            "Copy number was inferred from expression for each patient, with confident normal cells as the reference: "
            "the profile that infercnvpy defines was computed by cellcohort, and drawn as a heatmap and grouped by the "
            "Leiden algorithm by infercnvpy; cells and chromosome arms were called by cellcohort's own model of the "
            "counts on each arm, or left undetermined where the evidence was weak."
        )
    paragraphs.append(_verdict(data))
    if len(data.markers):
        paragraphs.append(
            "Each patient's malignant cells were compared with its normal cells by scanpy's rank_genes_groups (t-test)."
        )
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return [*paragraphs, f"Software: {listed}."]


def _verdict(data: ReportData) -> str:
    arms = "" if data.cnv_arms is None else "the likelihood of the patient's arm patterns, membership of a clone, "
    return (
        "Each cell got one verdict from a sum of log Bayes factors: blocks along the genome in its neighbourhood and "
        f"group of cells (their p-values, by Vovk and Wang), {arms}the light chains of its label against the mix "
        f"of healthy people, and, weakly, whether it is {UNLIKE_REFERENCE}; the prior is the share of tumour cells of "
        "its patient, its group and its neighbours by empirical Bayes. A cell is malignant or normal where that is at "
        f"least {percent(SURE)} probable."
    )


def _input(data: ReportData, config: Mapping) -> str:
    qc, bundle = config["qc"], config["model"]["bundle"]
    source = "a trained model bundle" if bundle else "a labelled reference of healthy cells"
    doublets = ", then by predicted doublets (scrublet in scanpy)" if qc["doublets"] else ""
    return (
        f"Single-cell profiles of {len(data.patients)} patients ({len(data.samples)} samples) were mapped onto "
        f"{source} with the workflow cellmemory-cohort. Cells were filtered by counts, genes and mitochondrial share"
        f"{doublets}: by hard limits, tightened in each sample of at least {FEWEST_CELLS} cells that met them to "
        f"{qc['n_mads']:g} scaled median absolute deviations from the median, of the logarithm for counts and genes (a "
        f"mitochondrial share of up to {percent(ALWAYS_ALLOWED_MITO)} of a cell's counts met the sample's own limit "
        "always). Genes were matched to the model's vocabulary by identifier, symbol, and previous or alias symbols, "
        "those of mice by their human orthologs, and samples with less than "
        f"{100 * config['vocabulary']['min_share']:g}% of it were rejected.{_reference_qc(data)}"
    )


def _model(data: ReportData, config: Mapping) -> str:
    model, coverage = config["model"], 100 * config["labels"]["coverage"]
    preset = "" if model["bundle"] else f"preset {model['preset']}; "
    network = _ADDITIVE if data.calibration.get("network") == "additive" else _TRANSFORMER
    return (
        f"A CellMemory workspace ({preset}Genome Biology 26:178, 2025), {network} "
        "The workspace was trained with labels weighted inversely to their cells, within a "
        "bound, and with a random share of each cell's tokens left out; the loss of held-out reference cells decided "
        f"when to stop. {_WORKSPACE_ALONE if len(data.calibration.get('mix', [])) == 1 else _ENSEMBLE} A cell's label "
        f"set has each type whose probability reaches a limit that {coverage:g}% of the type's held-out cells reach "
        "(conformal prediction, Sadinle et al. 2019); where none does, the types until their probabilities sum to that."
    )


_TRANSFORMER = (
    "a transformer whose memory slots read the expressed genes and their expression bins, read each cell. The gene "
    "embeddings started from the co-expression of genes in the reference."
)
_ADDITIVE = (
    "here one whose memory slots compete for the expressed genes, so that its logits are a sum over genes and slots, "
    "read each cell by its genes' expression bins and log-normalised levels. It started as a linear model of both, "
    "with genes divided among slots by their co-expression in the reference."
)
_WORKSPACE_ALONE = "The softmax of its logits, scaled to suit held-out cells, is the confidence."
_ENSEMBLE = (
    "Its logits, those of a linear model with balanced classes on the same bins, and the likelihood of which genes are "
    "on in a type were added, with weights fitted on held-out cells, as measured and as a simulated other platform "
    "would measure them; the softmax is the confidence."
)


def _map(data: ReportData) -> str:
    measured = (
        " Types kept apart and donors mixed were measured in the embedding by metrics of scIB (Luecken et al. 2022, as "
        "implemented in scib-metrics)."
    )
    return (
        "The map is a UMAP of the reference's embedding; a patient's cell was placed at the mean of its nearest "
        f"reference cells, weighted as in UMAP's neighbour graph.{measured if len(data.integration) else ''}"
    )


def _reference_qc(data: ReportData) -> str:
    counted = data.metrics.get("reference_qc")
    if not counted:
        return ""
    return (
        f" Of the {count(counted['n_labelled'])} labelled cells of the reference {count(counted['n_left_out'])} did "
        "not meet the limits (each donor as a sample; doublets were not called), and nothing was learned from them."
    )


def _unlike_reference(data: ReportData, alpha: float) -> str:
    left_out = "donor" if data.metrics.get("held_out") == "donors" else "share of the cells"
    return (
        f"A cell was called {UNLIKE_REFERENCE} (out-of-distribution, OOD) when its p-value was at most "
        f"{alpha:g}. Its score adds four measures, in units of reference cells: the free energy of the linear model, "
        "the atypicality of which genes are on given their number, the mean surprise of these genes, and the "
        "dissimilarity to the type's mean profile; it is averaged over up to ten nearest cells of the sample. The "
        "p-value is the share of reference cells of the same nearest type that score as high (of the other types where "
        f"these were fewer than {MIN_TAIL}), each judged without its own {left_out}, "
        "after the type's technical shift was taken off: how much stranger its lowest mode is than in the reference, "
        "for types whose cells keep their contrast to the others, and the median of these for the rest. No shift was "
        "granted to cells with positional evidence of an altered genome. The origin of such a cell "
        "is the type that its switched-on genes suit best, if they suit it clearly better than the next type and "
        f"such cells of the sample keep at least {LEAST_KEPT:.0%} of what sets the type apart from the others."
    )
