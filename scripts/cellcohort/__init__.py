"""cellcohort: map patient single-cell samples onto a healthy reference with CellMemory.

>>> import cellcohort as cc
>>> cc.train(reference, label="cell_type", donor="donor", out="model")  # doctest: +SKIP
>>> cc.annotate(adata, "model")  # doctest: +SKIP
>>> cc.infer_cnv(adata)  # doctest: +SKIP
>>> cc.assign_verdict(adata, "model")  # doctest: +SKIP

The library holds everything that computes; the Snakemake workflow around it only decides what runs when. No module
here imports Snakemake. The functions for notebooks are loaded when they are first asked for: planning a run needs none.
"""

import os
from importlib import import_module

# OpenMP's threads otherwise wait by spinning: beside another busy job a training step takes six times as long. It has
# to be set before torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__version__ = "0.2.0"
_PUBLIC = {
    "train": "make_bundle",
    "annotate": "annotate_cells",
    "explain": "annotate_cells",
    "infer_cnv": "patient_evidence",
    "assign_verdict": "patient_evidence",
    "pl": "plots",
}
__all__ = [*_PUBLIC]


def __getattr__(name: str) -> object:
    """The public function `name`, or the module of plots."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".api.{_PUBLIC[name]}", __name__)
    return module if name == "pl" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
