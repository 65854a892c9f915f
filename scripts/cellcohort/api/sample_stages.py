"""The stages of one sample, from its file to its annotation, in a folder: what the workflow's rules do in turn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..annotation.annotate_sample import annotate_sample
from ..annotation.ood_calls import call_sample
from ..bundle.model_bundle import Bundle
from ..core.provenance import write_record
from ..genes.align_sample import align_sample
from ..genes.genome_tables import read_positions
from ..inputs.config import check_config, config_schema, with_defaults
from ..inputs.resources import resource_path
from ..outputs.parquet import read_frame, write_table
from ..outputs.schemas import GENES, POSITIONAL, QC
from ..positional.healthy_types import HealthyTypes
from ..positional.measure_sample import measure_sample
from ..qc.check_sample import check_sample

_SCORED = {
    "scores": "scores.parquet",
    "anchors": "anchors.json",
    "gene_scores": "gene_scores.parquet",
    "programs": "programs.parquet",
}
_CALLED = {"annotation": "annotation.parquet", "shift": "shift.json"}


def run_sample(
    sample: Mapping[str, Any], bundle: Bundle, folder: Path, config: Mapping[str, Any], *, keep_all: bool = False
) -> None:
    """Judge, align, measure and annotate one sample.

    Parameters
    ----------
    sample
        Its line of the sheet.
    folder
        Receives the files of `results/samples/{sample}` up to the annotation.
    config
        The whole config, with its defaults.
    keep_all
        Whether every cell passes, whatever quality control says of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    judge_cells(sample, bundle, folder, config, keep_all=keep_all)
    files = {name: folder / name for name in ("qc.parquet", "genes.parquet", "status.json")}
    given = {"counts": sample["path"], **{path.stem: path for path in files.values()}}
    table = measure_sample(
        sample,
        HealthyTypes.read(bundle.folder / "healthy_types.parquet", bundle.folder / "positional.json"),
        positions=read_positions(positions_of(config)),
        **given,
    )
    write_table(folder / "positional.parquet", table, POSITIONAL)
    result = annotate_sample(
        sample,
        bundle,
        positional=folder / "positional.parquet",
        embedding=folder / "embedding.parquet",
        fitted=folder.parent / "fitted_genes",
        shift=config["ood"]["shift"] or "off",
        **given,
    )
    result.write(**{name: folder / file for name, file in _SCORED.items()})
    called = {name: folder / file for name, file in _CALLED.items()}
    call_sample(
        folder / _SCORED["scores"],
        folder / _SCORED["anchors"],
        **called,
        alpha=config["ood"]["alpha"],
        coverage=config["labels"]["coverage"],
    )


def judge_cells(
    sample: Mapping[str, Any], bundle: Bundle, folder: Path, config: Mapping[str, Any], *, keep_all: bool
) -> None:
    """Judge the cells of a sample and match its genes: qc.parquet, input.json, genes.parquet and status.json."""
    table, record = check_sample(sample, sample["path"], config["qc"])
    if keep_all and record["rejected"] is None:
        table, record["n_passed"] = table.assign(passed=True, reason=None), len(table)
    write_table(folder / "qc.parquet", table, QC)
    write_record(folder / "input.json", record)
    alignment, status = align_sample(
        sample,
        sample["path"],
        read_frame(bundle.folder / "vocabulary.parquet"),
        record,
        min_share=config["vocabulary"]["min_share"],
        on_invalid=config["qc"]["on_invalid"],
    )
    write_table(folder / "genes.parquet", alignment.table, GENES)
    write_record(folder / "status.json", status)


def config_of(**sections: dict[str, Any]) -> dict[str, Any]:
    """The workflow's config with its defaults, but for what `sections` sets; InputError for what it forbids."""
    schema = config_schema()
    config = {"samples": "none", "reference": {"path": "none"}, **sections}
    check_config(config, schema)
    return with_defaults(config, schema)


def positions_of(config: Mapping[str, Any]) -> str:
    """The table of gene positions that the config names."""
    return config["cnv"]["positions"] or str(resource_path(f"gene_positions_{config['cnv']['genome']}.tsv.gz"))


def arms_of(config: Mapping[str, Any]) -> str:
    """The table of chromosome arms that the config names."""
    return config["cnv"]["arms"] or str(resource_path(f"chromosome_arms_{config['cnv']['genome']}.tsv"))
