"""Files of few genes: a panel of chosen genes, or a matrix that was cut to some."""

from __future__ import annotations

PANEL = 8_000
"""A file of fewer genes is a panel: its cells cannot have the counts of a whole transcriptome."""

TRANSCRIPTOME = 20_000
"""Genes of a whole transcriptome, to which what is asked of a panel is in proportion."""
