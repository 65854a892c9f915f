"""Columns of the sample sheet by what they are for."""

from __future__ import annotations

READING = ("counts", "genes", "species")
"""How a sample's file is read."""

COMPUTING = ("sample_id", "patient_id", *READING)
"""What a sample's own jobs know of its row. The rest is for the cohort's tables: to correct a tissue,
or to add a truth, repeats no computation."""


DESCRIPTION = ("tissue", "batch", "condition")
"""What describes a sample and influences nothing."""
