"""Names of a model bundle's files, and the check that they are there and agree; nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import InputError
from ..core.files import checksum, read_json

FORMAT = 2
BUNDLE_FILES = (
    "config.json",
    "weights.safetensors",
    "vocabulary.parquet",
    "labels.parquet",
    "calibration.json",
    "profiles.safetensors",
    "reference_embedding.parquet",
    "history.parquet",
    "metrics.json",
)


def check_bundle(folder: str | Path) -> None:
    """Raise InputError unless `folder` holds every file of a model bundle that this version can read.

    The calibration must be of the very weights that lie beside it.
    """
    missing = [name for name in BUNDLE_FILES if not (Path(folder) / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: the model bundle lacks {', '.join(missing)}. Name (model.bundle) or copy the whole model "
            "folder of a finished run."
        )
    check_format(Path(folder) / "config.json")
    calibrated = read_json(Path(folder) / "calibration.json").get("weights_sha256")
    if calibrated != checksum(Path(folder) / "weights.safetensors"):
        raise InputError(
            f"{folder}: calibration.json: it was fitted to other weights than weights.safetensors. Copy the whole "
            "model folder of one run, or calibrate anew."
        )


def check_format(config: str | Path) -> None:
    """Raise InputError unless the bundle's config.json has this version's format."""
    content = read_json(config)
    if content.get("format") != FORMAT:
        written = f"format {content.get('format')} by version {content.get('provenance', {}).get('workflow_version')}"
        raise InputError(
            f"{config}: the bundle has {written}; this version reads format {FORMAT}. Train the model anew."
        )
