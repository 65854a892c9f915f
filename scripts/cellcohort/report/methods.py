"""The methods in words, with versions, to be pasted into a manuscript."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from .. import __version__
from .inputs import ReportData

PACKAGES = ("scanpy", "anndata", "torch", "infercnvpy", "scikit-learn", "umap-learn", "pyarrow", "altair")


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
    """The paragraphs."""
    paragraphs = [_input(data, config), _model(data, config.get("model", {})), _foreign(data, config.get("ood", {}))]
    if data.cnv_arms is not None:
        paragraphs.append(
            "Copy number was inferred from expression (infercnvpy) for each patient, with confident normal cells as "
            "the reference; cells and chromosome arms were called, or left undetermined where the evidence was weak. "
            "Aneuploid cells were compared with normal cells of the type they lie nearest to by scanpy's "
            "rank_genes_groups (t-test)."
        )
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return [*paragraphs, f"Software: {listed}."]


def _input(data: ReportData, config: Mapping) -> str:
    qc, min_share = config.get("qc", {}), config.get("vocabulary", {}).get("min_share", 0.5)
    bundle = config.get("model", {}).get("bundle")
    return (
        f"Single-cell profiles of {len(data.patients)} patients ({len(data.samples)} samples) were mapped onto "
        f"{'a trained model bundle' if bundle else 'a labelled reference of healthy cells'} with the workflow "
        "cellmemory-cohort. Cells were filtered by counts, genes and mitochondrial share"
        f"{', then by predicted doublets (scrublet in scanpy)' if qc.get('doublets', True) else ''}: by hard limits, "
        f"tightened in each sample to {qc.get('n_mads', 7):g} scaled median absolute deviations from the median, of "
        "the logarithm for counts and genes (a mitochondrial share of up to 10% met the sample's own limit always). "
        "Genes were matched to the model's vocabulary by identifier, symbol, and previous or alias symbols, those of "
        f"mice by their human orthologs, and samples with less than {100 * min_share:g}% of it were rejected."
    )


def _model(data: ReportData, model: Mapping) -> str:
    preset = "" if model.get("bundle") else f"preset {model.get('preset', 'paper')}; "
    temperature = data.calibration.get("temperature")
    scaled = f" (temperature {temperature:.2f})" if isinstance(temperature, int | float) else ""
    return (
        f"A CellMemory workspace ({preset}Genome Biology 26:178, 2025), a transformer whose memory slots read the "
        "expressed genes and their expression bins, labelled each cell together with a linear path on the same bins. "
        "The gene embeddings started from the co-expression of genes in the reference. The workspace was trained with "
        "labels weighted inversely to their cells (at most 20-fold) and with a random share of each cell's tokens left "
        "out; the loss of held-out reference cells decided when to stop. The linear path was fitted with balanced "
        "classes. The logits of both were added with two weights, and turned into probabilities with a temperature, "
        f"both fitted on held-out cells{scaled}."
    )


def _foreign(data: ReportData, ood: Mapping) -> str:
    donors = " of donors that were not trained on" if data.metrics.get("held_out") == "donors" else ""
    return (
        "A cell was called out-of-distribution (OOD) when its conformal p-value was at most "
        f"{ood.get('alpha', 0.05):g}. Its score adds the distance to the nearest training cells in the model's "
        "representation and the free energy of the logits; the p-value compares it with held-out reference cells"
        f"{donors} of the same predicted label, or of all labels where these were fewer than 100. The origin of an OOD "
        "cell is the type of most of its nearest training cells."
    )
