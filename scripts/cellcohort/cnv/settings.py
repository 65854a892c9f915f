"""Settings of copy-number calling: thresholds for arms and cells, windows of the profile, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Settings of copy-number calling; the defaults come from semi-synthetic data (tests/benchmarks/cnv_study.py).

    Attributes
    ----------
    window, step
        Genes in a window of the profile, and the distance of two windows, as in infercnvpy.
    clip
        Log fold changes of the profile are clipped at +- this value.
    noise_sd
        Profile values below this many standard deviations of the reference cells are set to 0; None keeps all.
    exclude_chromosomes
        Chromosomes left out everywhere. Contigs and the mitochondrion are never used.
    min_effect, min_z
        An arm is called where |log2 ratio| and |z| exceed both.
    min_llr
        Smallest log-likelihood ratio (nats) of an aneuploid cell.
    min_cells
        Smallest group of cells that is looked at as one.
    """

    window: int = 100
    step: int = 10
    clip: float = 3.0
    noise_sd: float | None = 1.5
    exclude_chromosomes: tuple[str, ...] = ("chrX", "chrY")
    min_effect: float = 0.25
    min_z: float = 5.0
    min_llr: float = 3.0
    min_cells: int = 10
