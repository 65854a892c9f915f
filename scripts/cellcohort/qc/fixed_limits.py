"""Limits of quality control that no setting moves."""

from __future__ import annotations

FEWEST_CELLS = 50
"""Below this number of cells there are no limits from the sample itself and no doublet call."""

HARD_LIMITS = ("min_genes", "min_counts", "max_mito_share", "n_mads")
"""Keys of the config's `qc` section that a reference has to meet, too."""

LEAST = {"min_genes": 5, "min_counts": 10}
"""Floors of the smallest panel, unless the config asks less."""

ALWAYS_ALLOWED_MITO = 0.1
"""No mitochondrial share up to this is too high for a sample, however low its median."""
