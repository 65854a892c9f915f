"""Odd model bundles: files of two runs, labels out of order, values that are no numbers, files that are damaged."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from cellcohort.core.files import checksum
from cellcohort.inputs.bundle_files import CONTENT_FILES, MANIFEST

from .case import Case

WEIGHTS, PROFILES, LABELS = "weights.safetensors", "profiles.safetensors", "labels.parquet"
VOCABULARY, EMBEDDING, TOKENS = "vocabulary.parquet", "reference_embedding.parquet", "reference_tokens.arrow"
ANOTHER_RUN = "not as manifest.json has it: damaged, changed, or of another run"


def _json(name: str, change: Callable[[dict], Any], folder: Path) -> None:
    """Put what `change` makes of a JSON file's content in its place."""
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(change(content)))


def _bytes(name: str, change: Callable[[bytes], bytes], folder: Path) -> None:
    (folder / name).write_bytes(change((folder / name).read_bytes()))


def _table(name: str, change: Callable[[pa.Table], pa.Table], folder: Path) -> None:
    pq.write_table(change(pq.read_table(folder / name)), folder / name)


def _arrow(change: Callable[[pa.Table], pa.Table], folder: Path) -> None:
    with pa.memory_map(str(folder / TOKENS)) as source:
        table = change(pa.ipc.open_file(source).read_all().combine_chunks())
    with pa.OSFile(str(folder / "changed.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    (folder / "changed.arrow").replace(folder / TOKENS)


def _tensors(name: str, change: Callable[[dict[str, np.ndarray]], Any], folder: Path) -> None:
    tensors = load_file(folder / name)
    change(tensors)
    save_file(tensors, folder / name)


def _sealed(change: Callable[[Path], None], folder: Path) -> None:
    """Make a bundle odd, and give it checksums that fit: its content has to tell."""
    change(folder)
    calibration = json.loads((folder / "calibration.json").read_text())
    (folder / "calibration.json").write_text(
        json.dumps(calibration | {"weights_sha256": checksum(folder / WEIGHTS)})
        if "mix" in calibration
        else json.dumps(calibration)
    )
    files = {name: {"sha256": checksum(folder / name), "size": 0} for name in CONTENT_FILES}
    _json(MANIFEST, lambda content: content | {"files": files}, folder)


def _not_a_number(name: str, tensors: dict[str, np.ndarray]) -> None:
    tensors[name].flat[0] = np.nan


def _first_two_swapped(column: str, table: pa.Table) -> pa.Table:
    values = table[column].to_pylist()
    values[:2] = values[1::-1]
    return table.set_column(table.schema.get_field_index(column), table.schema.field(column), [values])


def _of_another_run(table: pa.Table) -> pa.Table:
    """As many genes, with other names."""
    names = [f"OTHER{name}" for name in table["symbol"].to_pylist()]
    return table.set_column(table.schema.get_field_index("symbol"), table.schema.field("symbol"), [names])


def _with(table: pa.Table, column: str, first: Any) -> pa.Table:
    values = [first, *table[column].to_pylist()[1:]]
    field = table.schema.field(column).with_nullable(True)
    return table.set_column(table.schema.get_field_index(column), field, pa.array(values, field.type))


def _infinite_vector(table: pa.Table) -> pa.Table:
    first = [float("inf"), *table["vector"][0].as_py()[1:]]
    return _with(table, "vector", first)


def _deep(path: str, value: Any, content: dict) -> dict:
    """`content` with `value` at a path of keys."""
    *parents, last = path.split("/")
    place = content
    for name in parents:
        place = place[name]
    place[last] = value
    return content


def _pickle(folder: Path) -> None:
    import pickle

    (folder / WEIGHTS).write_bytes(pickle.dumps({"head.weight": [1.0]}))


def _fifo(folder: Path) -> None:
    (folder / "metrics.json").unlink()
    os.mkfifo(folder / "metrics.json")


def _link_to_itself(folder: Path) -> None:
    (folder / LABELS).unlink()
    (folder / LABELS).symlink_to(LABELS)


def _long_header(content: bytes) -> bytes:
    return struct.pack("<Q", 2**60) + content[8:]


def _good(folder: Path) -> None:
    (folder / "notes.txt").write_text("of March")


def _changed(name: str, condition: str, file: str, change: Callable[[Path], None], says: str = ANOTHER_RUN) -> Case:
    return Case(f"bundle_{name}", condition, change, "refused", says=f"{file}: {says}" if says == ANOTHER_RUN else says)


def _content(name: str, condition: str, change: Callable[[Path], None], says: str) -> Case:
    """A case whose checksums fit."""
    return Case(f"bundle_{name}", condition, partial(_sealed, change), "refused", says=says)


def _setting(name: str, condition: str, file: str, path: str, value: Any, says: str) -> Case:
    return _content(name, condition, partial(_json, file, partial(_deep, path, value)), says)


CASES = [
    Case("bundle_with_notes", "A model bundle with a file of the user's beside its own", _good, "loaded"),
    Case(
        "bundle_sealed", "A model bundle whose files were written again, unchanged", partial(_sealed, _good), "loaded"
    ),
    _changed(
        "other_vocabulary", "The vocabulary of another run", VOCABULARY, partial(_table, VOCABULARY, _of_another_run)
    ),
    _changed(
        "swapped_labels",
        "Two labels changed places",
        LABELS,
        partial(_table, LABELS, partial(_first_two_swapped, "label")),
    ),
    _changed(
        "other_profiles",
        "The type profiles of another run",
        PROFILES,
        partial(_tensors, PROFILES, lambda tensors: tensors.update(level=tensors["level"] * np.float32(0.5))),
    ),
    _changed(
        "other_calibration",
        "A calibration whose weights were changed",
        "calibration.json",
        partial(_json, "calibration.json", lambda content: content | {"mix": [1.0, 1.0, 1.0]}),
    ),
    _changed(
        "other_weights",
        "The weights of another run",
        WEIGHTS,
        partial(_tensors, WEIGHTS, lambda tensors: tensors.update({"head.bias": tensors["head.bias"] + 1})),
        says="other weights than weights.safetensors",
    ),
    _changed(
        "no_manifest", "No manifest.json", MANIFEST, lambda folder: (folder / MANIFEST).unlink(), "earlier version"
    ),
    _changed("cut_table", "Half of a table", EMBEDDING, partial(_bytes, EMBEDDING, lambda content: content[:-100])),
    _changed("json_cut_off", "Half of config.json", "", partial(_bytes, "config.json", lambda c: c[:50]), "as JSON"),
    _changed("json_empty", "An empty config.json", "", partial(_bytes, "config.json", lambda c: b""), "as JSON"),
    _changed(
        "json_list", "A list in calibration.json", "", partial(_json, "calibration.json", lambda c: [c]), "a JSON list"
    ),
    _changed(
        "json_latin1", "config.json in Latin-1", "", partial(_bytes, "config.json", lambda c: b'{"\xe9": 1}'), "as JSON"
    ),
    _changed(
        "json_nested",
        "JSON in 200,000 brackets",
        "",
        partial(_bytes, "config.json", lambda c: b"[" * 200_000),
        "as JSON",
    ),
    _changed(
        "manifest_list",
        "A list as manifest.json",
        "",
        partial(_json, MANIFEST, lambda content: [content]),
        "a JSON list",
    ),
    _changed(
        "manifest_without_file",
        "A manifest that does not list a file",
        "",
        partial(_json, MANIFEST, lambda content: _deep("files", {}, content)),
        "does not list the files",
    ),
    _changed(
        "manifest_other_sizes",
        "A manifest with another number of genes",
        "",
        partial(_json, MANIFEST, lambda content: content | {"n_genes": 39}),
        "n_genes, n_labels, d_model are not those of config.json",
    ),
    _changed("fifo", "A pipe in place of metrics.json", "", _fifo, "lacks metrics.json"),
    _changed("link_to_itself", "A link to itself in place of a table", "", _link_to_itself, "lacks labels.parquet"),
    _setting("format_text", "A format that is text", "config.json", "format", "2", "has format 2 by version"),
    _setting("model_list", "Sizes of the network as a list", "config.json", "model", [1], "has not the keys n_genes"),
    _setting(
        "unknown_network", "A network that this version does not know", "config.json", "network", "rnn", "is none of"
    ),
    _setting("unknown_size", "A size that no network has", "config.json", "model/depth", 3, "has not the keys n_genes"),
    _setting("text_size", "A size that is text", "config.json", "model/n_slots", "4", "n_slots: '4'"),
    _setting("negative_size", "A negative size", "config.json", "model/n_layers", -1, "n_layers: -1"),
    _setting("huge_size", "More genes than memory holds", "config.json", "model/n_genes", 10**15, "n_genes: 1000000"),
    _setting(
        "other_slots",
        "Weights for four memory slots, five stated",
        "config.json",
        "model/n_slots",
        5,
        "tensors are not",
    ),
    _setting(
        "mix_of_two", "Weights of two classifiers", "calibration.json", "mix", [1.0, 0.5], "one classifier or of three"
    ),
    _setting(
        "mix_not_a_number",
        "A weight that is NaN",
        "calibration.json",
        "mix",
        [float("nan")] * 3,
        "one classifier or of",
    ),
    _setting(
        "label_sets_of_two",
        "Label sets for two labels, the model has three",
        "calibration.json",
        "label_sets",
        [[0.1, 0.1]] * 5,
        "`label_sets` is no table of 5 rows of 3 numbers",
    ),
    _setting(
        "stability_of_two", "Two slots of four", "calibration.json", "slot_stability", [1.0, 0.5], "a share for each"
    ),
    _setting(
        "stable_beyond_one", "A share above 1", "calibration.json", "slot_stability", [2.0] * 4, "a share for each"
    ),
    _setting("no_spread", "An OOD score of no spread", "calibration.json", "ood/scale", [0, 1, 1, 1], "no spread"),
    _setting("ood_list", "An OOD detector that is a list", "calibration.json", "ood", [], "keys location, scale"),
    _setting(
        "short_tail",
        "A tail of the OOD null that is cut",
        "calibration.json",
        "ood/null/tail",
        [[1.0, 2.0]],
        "no table",
    ),
    _setting(
        "null_no_spread",
        "An OOD null of no spread",
        "calibration.json",
        "ood/null/pooled_spread",
        [0] * 10,
        "no spread",
    ),
    _setting("no_confusion", "metrics.json without labels", "metrics.json", "confusion", {}, "has no labels"),
    _setting("confusion_cut", "Counts for one label", "metrics.json", "confusion/counts", [[1]], "each pair of labels"),
    _content(
        "nan_weights",
        "Weights that are NaN",
        partial(_tensors, WEIGHTS, partial(_not_a_number, "head.weight")),
        "head.weight",
    ),
    _content(
        "nan_profiles",
        "Profiles that are NaN",
        partial(_tensors, PROFILES, partial(_not_a_number, "level")),
        "level holds",
    ),
    _content(
        "lost_tensor",
        "A tensor is missing",
        partial(_tensors, WEIGHTS, lambda t: t.pop("workspace.gates.scale")),
        "gates.scale",
    ),
    _content(
        "half_precision",
        "Weights of half precision",
        partial(_tensors, WEIGHTS, lambda t: t.update({"head.bias": t["head.bias"].astype(np.float16)})),
        "not described as a float32 tensor",
    ),
    _content(
        "fewer_profiles",
        "Profiles of two labels, the model has three",
        partial(_tensors, PROFILES, lambda t: t.update(bias=np.ascontiguousarray(t["bias"][:2]))),
        "bias has the shape (2,)",
    ),
    _content("cut_weights", "Half of the weights", partial(_bytes, WEIGHTS, lambda c: c[: len(c) // 2]), "do not fill"),
    _content("no_tensors", "Weights of four bytes", partial(_bytes, WEIGHTS, lambda c: c[:4]), "no safetensors file"),
    _content(
        "long_header", "A header longer than the file", partial(_bytes, WEIGHTS, _long_header), "no safetensors file"
    ),
    _content("pickle", "A pickle in place of the weights", _pickle, "no safetensors file"),
    _content(
        "labels_out_of_order",
        "Two labels changed places, and the manifest with them",
        partial(_table, LABELS, partial(_first_two_swapped, "label")),
        "not those of metrics.json, in order",
    ),
    _content(
        "fewer_genes", "A vocabulary without its last gene", partial(_table, VOCABULARY, lambda t: t[:-1]), "39 rows"
    ),
    _content(
        "genes_reversed",
        "A vocabulary from back to front",
        partial(_table, VOCABULARY, lambda t: t[::-1]),
        "numbered in order",
    ),
    _content(
        "no_symbols",
        "A vocabulary without symbols",
        partial(_table, VOCABULARY, lambda t: t.drop(["symbol"])),
        "symbol: a column",
    ),
    _content(
        "null_symbol",
        "A gene without a symbol",
        partial(_table, VOCABULARY, lambda t: _with(t, "symbol", None)),
        "lacks values",
    ),
    _content("no_table", "A table that is no Parquet", partial(_bytes, LABELS, lambda c: b"label\nT\n"), "as Parquet"),
    _content(
        "infinite_vectors",
        "An embedding that is infinite",
        partial(_table, EMBEDDING, _infinite_vector),
        "vectors hold",
    ),
    _content(
        "unknown_reference_label",
        "A reference cell of a label that the model does not know",
        partial(_table, EMBEDDING, lambda t: _with(t, "label", "odd")),
        "that the model does not know, as odd",
    ),
    _content("no_arrow", "Tokens that are no Arrow", partial(_bytes, TOKENS, lambda c: b"tokens"), "as Arrow"),
    _content(
        "half_of_the_tokens", "Half of the tokens", partial(_bytes, TOKENS, lambda c: c[: len(c) // 2]), "as Arrow"
    ),
    _content(
        "tokens_of_other_columns",
        "Tokens without levels",
        partial(_arrow, lambda t: t.drop_columns(["levels"])),
        "columns of a token file",
    ),
    _content("no_tokens", "A token file of no cell", partial(_arrow, lambda t: t[:0]), "or no cell"),
    _content(
        "tokens_of_an_unknown_label",
        "Tokens of a label that the model does not know",
        partial(_arrow, lambda t: t.set_column(1, "label", pa.array(["odd"] * len(t)))),
        "does not know, as odd",
    ),
    _content(
        "tokens_of_unknown_genes",
        "Tokens of genes beyond the vocabulary",
        partial(_arrow, lambda t: t.set_column(5, "genes", pa.array([[9999]] * len(t), t["genes"].type))),
        "genes or bins",
    ),
]
