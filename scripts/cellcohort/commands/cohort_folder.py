"""A folder for a cohort: config, sample sheet, and a Snakefile that imports the workflow as a module."""

from __future__ import annotations

import json
from pathlib import Path

from ..core.errors import InputError

_CLONE = Path(__file__).resolve().parents[3]
_CONFIG = """\
# Everything else has a default: {clone}/config/README.md describes every key.
samples: samples.tsv

reference: # labelled healthy cells; try `cellcohort check reference.h5ad --reference`
  path: reference.h5ad
  label: cell_type # obs column
  donor: donor # obs column, or null when donors are unknown

# Or a trained model in place of the reference: nothing is trained then.
# model:
#   bundle: /path/to/results/model
"""
_COLUMNS = ("sample_id", "patient_id", "path", "species", "tissue", "condition", "truth")
_SNAKEFILE = """\
# This cohort, by the workflow cellmemory-cohort: `snakemake -n`, then `snakemake --cores 8`.
# On a cluster: snakemake --workflow-profile {clone}/profiles/slurm


configfile: "config.yaml"


module cellmemory:
    snakefile:
        {snakefile}
    config:
        config


use rule * from cellmemory


rule cohort:
    default_target: True
    input:
        rules.all.input,
"""


def find_workflow(clone: Path | None) -> Path | None:
    """The clone that holds the workflow: the one that is named, or that in which this library lies."""
    clone = (clone or _CLONE).resolve()
    return clone if (clone / "workflow" / "Snakefile").is_file() else None


def make_folder(folder: Path, clone: Path) -> list[Path]:
    """Write the three files of a cohort into `folder`; returns their paths.

    Raises
    ------
    InputError
        When one of them is there already; nothing is written then.
    """
    snakefile = json.dumps(str(clone / "workflow" / "Snakefile"), ensure_ascii=False)
    content = {
        "config.yaml": _CONFIG.format(clone=clone),
        "samples.tsv": "\t".join(_COLUMNS) + "\n",
        "Snakefile": _SNAKEFILE.format(clone=clone, snakefile=snakefile),
    }
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: it is a file. Name a folder.")
    for name in content:
        if (folder / name).exists():
            raise InputError(f"{folder / name}: it is there already, and nothing was written. Name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in content]
