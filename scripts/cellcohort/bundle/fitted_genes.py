"""The bundle as it is for a sample that measures some of the vocabulary's genes alone (design law 2).

Few missing genes are left out of the types' profiles. Where many are missing, what is fitted in closed form or nearly
so (evidence of the additive workspace, linear model, profiles, weights of the ensemble, OOD null) is fitted anew to the
reference's tokens of the measured genes: another set of genes weighs them otherwise. The result depends on the bundle
and the set of genes alone, and is kept in a folder for the next sample of the same genes.
"""

from __future__ import annotations

import logging
import shutil
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import numpy as np
import pandas as pd

from .. import __version__
from ..core.files import digest, write_json
from ..model.additive import AdditiveWorkspace
from ..model.additive_start import move_to_genes
from ..model.network import CellMemory
from ..model.presets import Network
from ..model.token_store import TokenStore, part_of_store, write_store
from .members import fit_members, sizes_of, write_profiles
from .model_bundle import FITTED_FILES, Bundle, save_weights

log = logging.getLogger(__name__)
ENOUGH = 0.95
"""Share of the vocabulary from which the bundle's own fit serves."""
SEED = 0


def bundle_for_genes(bundle: Bundle, measured: np.ndarray, kept: str | Path) -> Bundle:
    """The bundle for cells of which the genes `measured` (ascending token ids) are known.

    Parameters
    ----------
    kept
        Folder in which what is fitted is kept and looked for, by version, bundle and genes.
    """
    n_genes = bundle.model.config.n_genes
    if len(measured) == n_genes:
        return bundle
    if len(measured) >= ENOUGH * n_genes:
        return _on_its_device(Bundle(bundle.folder, measured), bundle)
    fitted = Path(kept) / digest([__version__, bundle.sha256, measured.tolist()])
    if not fitted.is_dir():
        log.info("fitting the model to the %d of %d genes that the sample measures", len(measured), n_genes)
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / "fitted"
            folder.mkdir()
            _fit(bundle, measured, folder)
            _keep(folder, fitted)
    return _on_its_device(Bundle(bundle.folder, measured, fitted), bundle)


def _on_its_device(fitted: Bundle, bundle: Bundle) -> Bundle:
    fitted.model.to(next(bundle.model.parameters()).device)
    return fitted


def _keep(folder: Path, fitted: Path) -> None:
    """Copy what was fitted to its place, unless another job was faster: its files are the same."""
    fitted.parent.mkdir(parents=True, exist_ok=True)
    part = fitted.with_name(f".{fitted.name}.{uuid4().hex}")
    shutil.copytree(folder, part)
    try:
        part.rename(fitted)
    except OSError:
        shutil.rmtree(part)
        if not fitted.is_dir():
            raise


def _fit(bundle: Bundle, measured: np.ndarray, folder: Path) -> None:
    """Write `FITTED_FILES` for the measured genes."""
    weights, calibration, profiles = (folder / name for name in FITTED_FILES)
    unmeasured = np.setdiff1d(np.arange(bundle.model.config.n_genes), measured)
    with TemporaryDirectory() as scratch:
        fewer = _of_genes(bundle, measured, Path(scratch) / "tokens.arrow")
        model, held_out_model = _move(bundle, fewer, measured)
        alone = len(bundle.ensemble_weights) == 1
        names = np.array(bundle.labels, object)
        fit = fit_members(held_out_model, fewer, names, seed=SEED, network_alone=alone, unmeasured=unmeasured)
    save_weights(model, weights)
    write_json(calibration, fit.calibration() | {"validation": fit.held_out.metrics()["validation"]})
    write_profiles(profiles, fit.profiles)


def _of_genes(bundle: Bundle, measured: np.ndarray, path: Path) -> TokenStore:
    """The bundle's reference cells as if only the measured genes had been measured."""
    store, sizes = bundle.reference_tokens, sizes_of(bundle.model)
    by_value = bundle.model.config.bins_by_value
    shards = part_of_store(store, np.arange(len(store)))
    write_store(path, ((tokens.of_genes(measured, **sizes, by_value=by_value), cells) for tokens, cells in shards))
    return TokenStore(path)


def _move(bundle: Bundle, fewer: TokenStore, measured: np.ndarray) -> tuple[Network, Network]:
    """The network for the measured genes, and as it is when it has not been given the held-out cells."""
    model = deepcopy(bundle.model).cpu()
    if isinstance(model, AdditiveWorkspace):
        store = bundle.reference_tokens
        codes = pd.Index(bundle.labels).get_indexer(store.cells["label"])
        return model, move_to_genes(model, store, fewer, codes, measured, seed=SEED)
    assert isinstance(model, CellMemory)
    model.measured = measured
    return model, model
