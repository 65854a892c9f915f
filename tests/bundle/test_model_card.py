"""The card of a model: what it says, from which files, and that no bundle needs one."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from cellcohort.bundle.model_bundle import Bundle
from cellcohort.bundle.model_card import card_text, describe_bundle, limits, read_card, write_card
from cellcohort.core.errors import InputError
from cellcohort.core.files import checksum, read_json
from cellcohort.outputs.parquet import read_frame

GOOD = {"label": "T", "coarse": None, "n_cells": 900, "n_donors": 4, "n_held_out": 200, "f1": 0.97}
DATA = {"n_cells": 900, "n_left_out": 0, "n_donors": 4, "n_held_out_donors": 2}
GENES = {"n_genes": 2000, "species": "human"}
JUDGED = {"held_out": "donors", "n_held_out": 200}


def test_the_card_says_what_the_files_say(bundle):
    card = describe_bundle(bundle.folder)
    table, metrics = read_frame(bundle.folder / "labels.parquet"), read_json(bundle.folder / "metrics.json")
    assert {row["label"]: row["n_cells"] for row in card["labels"]} == dict(
        zip(table["label"], table["n_cells"], strict=True)
    )
    assert card["data"]["n_cells"] == table["n_cells"].sum()
    assert card["quality"]["accuracy"] == metrics["validation"]["accuracy"]
    assert {row["label"]: row["f1"] for row in card["labels"]} == {
        label: scores["f1"] for label, scores in metrics["per_label"].items()
    }
    assert card["vocabulary"]["n_genes"] == len(read_frame(bundle.folder / "vocabulary.parquet"))
    assert card["files"]["weights.safetensors"] == checksum(bundle.folder / "weights.safetensors")


def test_a_bundle_with_a_card_opens_and_one_without_is_described(tmp_path, bundle):
    folder = shutil.copytree(bundle.folder, tmp_path / "model")
    plain = read_card(folder)
    assert plain == describe_bundle(bundle.folder)
    assert (plain["licence"], plain["citation"]) == (None, None)
    write_card(folder, folder / "card.json", folder / "card.md", licence="CC-BY-4.0", citation="Doe 2026")
    assert Bundle.open(folder).labels == bundle.labels
    written = json.loads((folder / "card.json").read_text())
    assert written.pop("provenance")
    assert written == read_card(folder) == plain | {"licence": "CC-BY-4.0", "citation": "Doe 2026"}
    assert (folder / "card.md").read_text() == card_text(written)


def test_the_text_has_a_row_for_each_label_and_file(bundle):
    card = describe_bundle(bundle.folder, licence="CC-BY-4.0")
    text = card_text(card)
    assert "- Licence: CC-BY-4.0\n- Citation: not stated" in text
    for row in card["labels"]:
        assert re.search(rf"^\| {row['label']} \| {row['n_cells']:,} \|", text, re.M)
    assert all(f"| {name} | {sha256} |" in text for name, sha256 in card["files"].items())
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quality": JUDGED | {"held_out": "cells"}}, "the people it learned from"),
        ({"data": DATA | {"n_held_out_donors": 1}}, "a single donor"),
        ({"labels": [GOOD, GOOD | {"label": "B", "n_held_out": 19}]}, "held-out cells: B."),
        ({"labels": [GOOD, GOOD | {"label": "B", "n_held_out": None, "f1": None}]}, "held-out cells: B."),
        ({"labels": [GOOD, GOOD | {"label": "NK", "f1": 0.5}]}, "NK (0.50)"),
        ({"genes": GENES | {"species": "mouse"}}, "genes are those of mouse"),
    ],
)
def test_every_limit(change, words):
    card = {"data": DATA, "labels": [GOOD], "genes": GENES, "quality": JUDGED}
    good, found = limits(**card), limits(**card | change)
    assert not any(words in text for text in good)
    assert sum(words in text for text in found) == 1
    assert len(found) == len(good) + 1


def test_a_bundle_of_another_format_is_refused(tmp_path, bundle):
    folder = shutil.copytree(bundle.folder, tmp_path / "model")
    config = read_json(folder / "config.json") | {"format": 1}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="this version reads format"):
        describe_bundle(folder)


def test_a_model_that_was_not_judged_says_so(bundle):
    card = describe_bundle(bundle.folder)
    card["quality"] |= {"n_held_out": None}
    assert "It was not judged on held-out cells." in card_text(card)
