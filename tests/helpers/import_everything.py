"""Import every package and module of the installed library, and print where it lies and what was imported."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import cellcohort

names = [module.name for module in pkgutil.walk_packages(cellcohort.__path__, "cellcohort.")]
for name in [*names, "cellcohort.resource_files"]:
    importlib.import_module(name)
print(Path(cellcohort.__file__).parent, *names, sep="\n")
