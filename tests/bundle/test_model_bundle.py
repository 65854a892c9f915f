import shutil
from dataclasses import fields
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file, save_file
from small_reference import N_GENES, make_store

from cellcohort.bundle import calibrate as calibration
from cellcohort.bundle import members
from cellcohort.bundle.held_out import HeldOut
from cellcohort.bundle.manifest import write_manifest
from cellcohort.bundle.model_bundle import Bundle
from cellcohort.classifier.cross_fit import OutOfFold
from cellcohort.classifier.label_sets import COVERAGES
from cellcohort.classifier.type_profiles import OOD_COMPONENTS
from cellcohort.core.errors import InputError
from cellcohort.core.files import read_json, write_json
from cellcohort.inputs.bundle_files import BUNDLE_FILES, MODEL_SETTINGS
from cellcohort.inputs.bundle_files import COVERAGES as N_COVERAGES
from cellcohort.inputs.bundle_files import OOD_COMPONENTS as N_COMPONENTS
from cellcohort.model.network import CellMemory, ModelConfig
from cellcohort.model.presets import CONFIGS
from cellcohort.ood.neighbourhoods import MOST


def test_a_copied_bundle_says_the_same(bundle, tmp_path):
    copy = Bundle.open(shutil.copytree(bundle.folder, tmp_path / "elsewhere"))
    for name, value in bundle.model.state_dict().items():
        assert torch.equal(value, copy.model.state_dict()[name])
    assert copy.labels == bundle.labels == ["alpha", "beta", "delta"]
    assert copy.detector == bundle.detector
    assert copy.ensemble_weights.tolist() == bundle.ensemble_weights.tolist()
    np.testing.assert_array_equal(copy.profiles.detection, bundle.profiles.detection)


def test_a_bundle_is_opened_by_its_files_in_any_order(bundle):
    assert Bundle.of_files([str(bundle.folder / name) for name in reversed(BUNDLE_FILES)]) == bundle


def test_files_of_two_folders_are_no_bundle(bundle, tmp_path):
    with pytest.raises(ValueError, match="too many values"):
        Bundle.of_files([bundle.folder / "config.json", tmp_path / "weights.safetensors"])


@pytest.mark.parametrize("name", BUNDLE_FILES)
def test_an_incomplete_bundle_names_what_is_missing(bundle, tmp_path, name):
    copy = shutil.copytree(bundle.folder, tmp_path / "elsewhere")
    (copy / name).unlink()
    with pytest.raises(InputError, match=name):
        Bundle.open(copy)


def test_a_bundle_of_another_format_says_so(bundle, tmp_path):
    copy = shutil.copytree(bundle.folder, tmp_path / "elsewhere")
    write_json(copy / "config.json", read_json(copy / "config.json") | {"format": 0})
    with pytest.raises(InputError, match=r"format 0.*Train the model anew"):
        _ = Bundle.open(copy).model


def test_planning_knows_the_settings_of_the_network():
    for name, config in CONFIGS.items():
        kinds = get_type_hints(config)
        assert {field.name: kinds[field.name] for field in fields(config)} == MODEL_SETTINGS[name]
    assert CONFIGS.keys() == MODEL_SETTINGS.keys()
    assert (len(OOD_COMPONENTS), len(COVERAGES)) == (N_COMPONENTS, N_COVERAGES)


def test_a_model_that_does_not_agree_gets_no_manifest(bundle, tmp_path):
    copy = shutil.copytree(bundle.folder, tmp_path / "elsewhere")
    (copy / "manifest.json").unlink()
    weights = load_file(copy / "weights.safetensors")
    weights["head.bias"][0] = np.nan
    save_file(weights, copy / "weights.safetensors")
    with pytest.raises(InputError, match=r"head\.bias holds values that are no finite numbers"):
        write_manifest(copy)
    assert not (copy / "manifest.json").exists()


def test_a_manifest_lists_every_file_with_its_size(bundle):
    manifest = read_json(bundle.folder / "manifest.json")
    sizes = {name: entry["size"] for name, entry in manifest["files"].items()}
    assert sizes == {name: (bundle.folder / name).stat().st_size for name in BUNDLE_FILES if name != "manifest.json"}
    assert (manifest["n_genes"], manifest["n_labels"], manifest["d_model"]) == (N_GENES, 3, 32)


def test_nothing_in_a_bundle_is_a_pickle(bundle):
    assert {path.suffix for path in bundle.folder.iterdir()} == {".arrow", ".json", ".parquet", ".safetensors"}


def test_metrics_are_of_held_out_cells(bundle):
    metrics = read_json(bundle.folder / "metrics.json")
    assert metrics["validation"]["accuracy"] > 0.9
    alarms = dict(zip(*metrics["ood_false_alarms"].values(), strict=True))  # of cells that calibrated nothing
    assert 0 <= alarms[0.05] < 0.12
    assert alarms[0.0] == 0
    assert alarms[1.0] == 1
    assert np.sum(metrics["confusion"]["counts"]) == metrics["n_cells"]


def test_the_coverage_of_label_sets_is_of_held_out_cells_by_type(bundle):
    metrics = read_json(bundle.folder / "metrics.json")
    told = metrics["label_sets"]
    assert told["coverage"] == list(COVERAGES)
    assert bundle.limits.shape == (len(COVERAGES), 3)
    assert told["per_label"].keys() == set(bundle.labels)
    for name in ("covered", "mean_size"):
        of_types = np.array([told["per_label"][label][name] for label in bundle.labels])
        n_cells = [metrics["per_label"][label]["n_cells"] for label in bundle.labels]
        np.testing.assert_allclose(np.average(of_types, axis=0, weights=n_cells), told[name])
        assert told[name] == sorted(told[name])
    assert all(found >= wanted - 0.05 for found, wanted in zip(told["covered"], COVERAGES, strict=True))
    assert told["mean_size"][0] >= 1


def test_label_sets_are_judged_by_limits_of_the_other_donors():
    """Of two donors, the labels of one are sure and right, those of the other sure and wrong."""
    n = 400
    targets, donors = np.arange(n) % 2, np.repeat(["right", "wrong"], n // 2)
    said = np.where(donors == "wrong", 1 - targets, targets)
    logits = np.stack([np.eye(2)[said] * 6 + np.random.default_rng(0).normal(0, 0.1, (n, 2))])
    cells = pd.DataFrame({"cell_id": [f"c{i:03d}" for i in range(n)], "donor": donors})
    held_out = HeldOut(np.array(["A", "B"], object), cells, targets, logits, np.arange(n), logits, 1)
    assert len(np.unique(held_out.folds())) == 2
    covered = held_out.needed_coverage()[np.arange(n), targets] <= 0.9
    assert covered[donors == "right"].all()
    assert not covered[donors == "wrong"].any()


def test_a_tiny_held_out_donor_is_no_obstacle(tmp_path, monkeypatch):
    monkeypatch.setattr(members, "MAX_SIMULATED", 60)
    store = make_store(tmp_path / "tokens.arrow", n_cells=300)
    held_out = store.cells.index[store.cells["split"] == "validation"]
    store.cells.loc[held_out[:2], "donor"] = "small"
    model = CellMemory(ModelConfig(N_GENES, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2)).eval()
    for seed in range(4):
        metrics = calibration.calibrate(model, store, seed=seed).metrics
        assert np.isfinite(metrics["validation"]["ece"])


def test_the_ensemble_is_fitted_and_judged_on_held_out_cells_alone(tmp_path, monkeypatch):
    store = make_store(tmp_path / "tokens.arrow", n_cells=300)
    model = CellMemory(ModelConfig(N_GENES, 3, d_model=32, d_ff=32, d_key=8, n_slots=4, n_layers=2)).eval()
    seen, kept = [], members.HeldOut

    def remember(names, cells, *given):
        seen.append(cells)
        return kept(names, cells, *given)

    monkeypatch.setattr(members, "HeldOut", remember)
    metrics = calibration.calibrate(model, store, seed=1).metrics
    held_out = store.cells[store.cells["split"] == "validation"]
    assert pd.concat(seen)["cell_id"].tolist() == held_out["cell_id"].tolist()
    assert (metrics["n_cells"], metrics["n_donors"]) == (len(held_out), held_out["donor"].nunique())


def test_the_false_alarm_rate_of_a_donor_is_by_a_detector_that_knows_the_others_alone():
    n = 400
    folds, alone = np.arange(n) % 2, np.tile(np.arange(n)[:, None], MOST)
    components = np.random.default_rng(0).normal(size=(n, 4)) + 50 * folds[:, None]
    cells = OutOfFold(folds, np.ones(n, bool), np.zeros(n, int), components)
    rate = at_five_percent(members.false_alarm_rates(cells, alone, folds, 2))
    assert rate == 0.5  # all of the stranger one, none of the other
    alike = OutOfFold(folds, cells.scored, cells.types, components - 50 * folds[:, None])
    rate = at_five_percent(members.false_alarm_rates(alike, alone, folds, 2))
    assert rate == pytest.approx(0.05, abs=0.04)


def at_five_percent(rates):
    return rates["rate"][rates["alpha"].index(0.05)]
