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
    model, vocabulary = config.get("model", {}), config.get("vocabulary", {})
    temperature = data.calibration.get("temperature")
    scaled = f" (temperature {temperature:.2f})" if isinstance(temperature, int | float) else ""
    source = "a trained model bundle" if model.get("bundle") else "a labelled reference of healthy cells"
    paragraphs = [
        f"Single-cell profiles of {len(data.patients)} patients ({len(data.samples)} samples) were mapped onto "
        f"{source} with the workflow cellmemory-cohort. Cells were filtered by counts, genes, mitochondrial share and "
        "predicted doublets, by median absolute deviations within each sample and hard floors (scanpy). Genes were "
        "matched to the model's vocabulary by identifier, symbol, and previous or alias symbols, and samples with "
        f"less than {vocabulary.get('min_share', 0.5):.0%} of it were rejected.",
        f"A CellMemory model (preset {model.get('preset', 'paper')}; Genome Biology 26:178, 2025) gave each cell a "
        f"label; probabilities were calibrated on held-out reference cells{scaled}. A cell was called "
        "out-of-distribution (OOD) when its conformal p-value against held-out reference cells was at most "
        f"{config.get('ood', {}).get('alpha', 0.05)}; its origin is the nearest reference type in the model's "
        "representation.",
    ]
    if data.cnv_arms is not None:
        paragraphs.append(
            "Copy number was inferred from expression (infercnvpy) for each patient, with confident normal cells as "
            "the reference; cells and chromosome arms were called, or left undetermined where the evidence was weak."
        )
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return [*paragraphs, f"Software: {listed}."]
