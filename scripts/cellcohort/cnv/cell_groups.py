"""Groups of a patient's cells: the columns that name a group in the tables of cells, groups and arms."""

from __future__ import annotations

GROUP = ["lineage", "cnv_call", "clone"]
"""The columns that cells of one group share; `clone` is missing where `cnv_call` is not aneuploid."""

POOL = "out of distribution"
"""Lineage of OOD cells whose label is rare among them; of others the end of their lineage."""

DOUBTED = "label in doubt"
"""As `POOL`, of cells that are not OOD, but carry blocks along the genome or the arms of no normal cell."""
