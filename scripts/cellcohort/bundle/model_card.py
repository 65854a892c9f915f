"""The card of a model bundle: what it was trained on, how good it is and where it ends, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..core.files import atomic_path, read_json
from ..core.provenance import write_record
from ..genes.named_species import named_species
from ..inputs.bundle_files import check_format, read_manifest
from ..outputs.parquet import read_frame

CARD = "card.json"
FEW_HELD_OUT = 20
LOW_F1 = 0.8
ALPHA = 0.05


def describe_bundle(folder: str | Path, *, licence: str | None = None, citation: str | None = None) -> dict[str, Any]:
    """What the files of a bundle say of it.

    Parameters
    ----------
    licence, citation
        Terms of use of the model, and what to cite, as the config gives them.

    Returns
    -------
    The content of card.json: data, labels, vocabulary, quality, limits, training, licence, citation, files.
    """
    folder = Path(folder)
    check_format(folder / "config.json")
    config, metrics = read_json(folder / "config.json"), read_json(folder / "metrics.json")
    labels, data = _labels(folder, metrics), _data(folder, metrics)
    vocabulary = read_frame(folder / "vocabulary.parquet")
    genes = {"n_genes": len(vocabulary), "species": named_species(vocabulary)}
    quality = {"held_out": metrics.get("held_out"), "n_held_out": metrics.get("n_cells")}
    quality |= metrics.get("validation", {}) | {"ood_false_alarms": _false_alarms(metrics)}
    return {
        "format": config["format"],
        "data": data,
        "labels": labels,
        "vocabulary": genes,
        "quality": quality,
        "limits": limits(data, labels, genes, quality),
        "training": {name: config.get(name) for name in ("network", "preset", "model", "train")},
        "licence": licence,
        "citation": citation,
        "files": {name: entry["sha256"] for name, entry in read_manifest(folder)["files"].items()},
    }


def limits(
    data: Mapping[str, Any], labels: list[dict[str, Any]], genes: Mapping[str, Any], quality: Mapping[str, Any]
) -> list[str]:
    """Sentences on where the model ends, of the parts of a card."""
    found = [
        f"It knows {len(labels)} types and no other: any cell gets the label of one of them, and whether it is one is "
        "told by the OOD score alone.",
        "Confidence and OOD scores are calibrated on held-out cells of the reference; another tissue, platform or "
        "disease may shift them.",
    ]
    if quality["held_out"] == "cells":
        found.append("It was judged on other cells of the people it learned from: expect more errors on new ones.")
    elif data["n_held_out_donors"] == 1:
        found.append("It was judged on a single donor: its quality on new people may differ.")
    few = [row["label"] for row in labels if (row["n_held_out"] or 0) < FEW_HELD_OUT]
    if few:
        found.append(f"Hardly judged, on fewer than {FEW_HELD_OUT} held-out cells: {', '.join(few)}.")
    weak = [f"{row['label']} ({row['f1']:.2f})" for row in labels if row["f1"] is not None and row["f1"] < LOW_F1]
    if weak:
        found.append(f"Often confused (F1 below {LOW_F1}): {', '.join(weak)}.")
    if genes["species"] not in (None, "human"):
        found.append(f"Its genes are those of {genes['species']}: cells of another species are mapped by orthologs.")
    return found


def write_card(folder: str | Path, card: str | Path, text: str | Path, **terms: str | None) -> None:
    """Write card.json and card.md of the bundle in `folder`; `terms` as in `describe_bundle`."""
    content = describe_bundle(folder, **terms)
    write_record(card, content)
    with atomic_path(text) as part:
        part.write_text(card_text(content), encoding="utf-8")


def read_card(folder: str | Path) -> dict[str, Any]:
    """The card of a bundle by its files, with the licence and citation of its card.json, if there is one."""
    path = Path(folder) / CARD
    given = read_json(path) if path.is_file() else {}
    return describe_bundle(folder, licence=given.get("licence"), citation=given.get("citation"))


def card_text(card: Mapping[str, Any]) -> str:
    """A card as Markdown."""
    data, quality, genes = card["data"], card["quality"], card["vocabulary"]
    left_out = f", {data['n_left_out']:,} more left out by quality control" if data["n_left_out"] else ""
    n_donors = data["n_donors"]
    donors = f"{n_donors:,} donor{'s' if n_donors > 1 else ''}" if n_donors else "unknown donors"
    lines = [
        "# Model card",
        f"A CellMemory model ({card['training']['network']}, preset {card['training']['preset']}) that names cells of "
        f"{len(card['labels'])} types by {genes['n_genes']:,} genes ({genes['species'] or 'species unknown'}).",
        f"- Licence: {card['licence'] or 'not stated'}",
        f"- Citation: {card['citation'] or 'not stated'}",
        "## Data",
        f"{data['n_cells']:,} labelled cells of {donors}{left_out}.",
        "## Quality",
        _quality_text(quality, data),
        "## Labels",
        *_label_table(card["labels"]),
        "## Limits",
        *(f"- {text}" for text in card["limits"]),
        "## Files",
        "| file | SHA-256 |",
        "|---|---|",
        *(f"| {name} | {sha256} |" for name, sha256 in card["files"].items()),
    ]
    return "\n".join(_spaced(lines)) + "\n"


def _labels(folder: Path, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    table, scores = read_frame(folder / "labels.parquet"), metrics.get("per_label", {})
    donors = metrics.get("donors_by_label", {})
    return [
        {
            "label": row.label,
            "coarse": row.coarse,
            "n_cells": int(row.n_cells),
            "n_donors": donors.get(row.label) or None,
            "n_held_out": scores.get(row.label, {}).get("n_cells"),
            "f1": scores.get(row.label, {}).get("f1"),
        }
        for row in table.itertuples()
    ]


def _data(folder: Path, metrics: Mapping[str, Any]) -> dict[str, Any]:
    donors = read_frame(folder / "reference_embedding.parquet", ["donor"])["donor"]
    counted = metrics.get("reference_qc", {})
    return {
        "n_cells": int(read_frame(folder / "labels.parquet", ["n_cells"])["n_cells"].sum()),
        "n_left_out": counted.get("n_left_out"),
        "n_donors": int(donors[donors.fillna("") != ""].nunique()) or None,
        "n_held_out_donors": metrics.get("n_donors"),
    }


def _false_alarms(metrics: Mapping[str, Any]) -> dict[str, float] | None:
    """The share of the reference's own cells that are called OOD at `ALPHA`, where it was measured."""
    measured = metrics.get("ood_false_alarms") or {"alpha": []}
    if ALPHA not in measured["alpha"]:
        return None
    return {"alpha": ALPHA, "rate": measured["rate"][measured["alpha"].index(ALPHA)]}


def _quality_text(quality: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    if not quality["n_held_out"]:
        return "It was not judged on held-out cells."
    n_donors = data["n_held_out_donors"]
    who = f"cells of {n_donors} donor{'s' if n_donors != 1 else ''}" if quality["held_out"] == "donors" else "cells"
    parts = [f"On {quality['n_held_out']:,} held-out {who} (network, linear model and type profiles together):"]
    names = {"accuracy": "accuracy", "macro_f1": "macro-F1", "ece": "expected calibration error"}
    parts.append(", ".join(f"{name} {quality[key]:.3f}" for key, name in names.items() if key in quality) + ".")
    if quality["ood_false_alarms"]:
        alarms = quality["ood_false_alarms"]
        parts.append(
            f"{alarms['rate']:.1%} of the reference's own cells were called OOD at alpha {alarms['alpha']:g}, each "
            "judged without its donor."
        )
    return " ".join(parts)


def _label_table(labels: list[dict[str, Any]]) -> list[str]:
    def shown(value: Any) -> str:
        return "" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value:,}"

    head = ["| label | cells | donors | held-out cells | F1 |", "|---|---|---|---|---|"]
    columns = ("n_cells", "n_donors", "n_held_out", "f1")
    return head + [
        "| " + " | ".join([row["label"].replace("|", "\\|"), *(shown(row[name]) for name in columns)]) + " |"
        for row in labels
    ]


def _spaced(lines: list[str]) -> list[str]:
    """An empty line before and after headings, and between a paragraph and what follows it."""
    spaced = lines[:1]
    for before, line in pairwise(lines):
        joined = (before[:2] == line[:2] and line[:2] in ("- ", "| ", "|-")) or {before[:1], line[:1]} == {"|"}
        spaced += [line] if joined else ["", line]
    return spaced
