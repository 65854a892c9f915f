"""Names of the cohort's copy-number tables; the plan of a workflow imports this, so nothing else is imported here."""

from __future__ import annotations

CNV_TABLES = (
    "cnv_arms", "cnv_groups", "cnv_burden", "cnv_patients", "cnv_origins", "cnv_reference", "cnv_limits",
)  # fmt: skip
