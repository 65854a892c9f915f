"""The config as the rules know it."""

from __future__ import annotations

from typing import Any

from snakemake.utils import validate
from tiny_cohort import REPO


def full_config(**sections: Any) -> dict[str, Any]:
    """Some sections of a config, filled up with the schema's defaults by Snakemake."""
    config = {"samples": "samples.tsv", "reference": {"path": "reference.h5ad"}, **sections}
    validate(config, str(REPO / "workflow" / "schemas" / "config.schema.yaml"))
    return config
