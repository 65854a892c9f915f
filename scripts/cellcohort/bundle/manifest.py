"""The manifest of a model bundle: checksum and size of every file, written when all of them are there and agree."""

from __future__ import annotations

from pathlib import Path

from ..core.files import checksum
from ..core.provenance import write_record
from ..inputs.bundle_files import CONTENT_FILES, MANIFEST, check_content
from .bundle_content import check_network, check_tables


def write_manifest(folder: str | Path) -> None:
    """Write manifest.json, without which the folder does not open as a bundle.

    Raises
    ------
    InputError
        When the files do not agree, or hold values that are no finite numbers.
    """
    folder = Path(folder)
    sizes = check_content(folder)
    check_network(folder / "weights.safetensors", folder / "config.json")
    check_tables(folder)
    files = {
        name: {"sha256": checksum(folder / name), "size": (folder / name).stat().st_size} for name in CONTENT_FILES
    }
    write_record(folder / MANIFEST, {"files": files, **sizes})
