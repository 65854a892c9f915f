"""Limits of quality control that no setting moves."""

from __future__ import annotations

FEWEST_CELLS = 50
"""Below this number of cells there are no limits from the sample itself and no doublet call."""

ALWAYS_ALLOWED_MITO = 0.1
"""No mitochondrial share up to this is too high for a sample, however low its median."""
