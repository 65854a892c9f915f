"""Schema, config/config.yaml and config/README.md say the same; no key lacks a description."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
import yaml
from tiny_cohort import REPO

from cellcohort.core.errors import InputError
from cellcohort.inputs.config import check_config, nearest

SCHEMA = yaml.safe_load((REPO / "workflow/schemas/config.schema.yaml").read_text())
SAMPLES = yaml.safe_load((REPO / "workflow/schemas/samples.schema.yaml").read_text())
CONFIG = yaml.safe_load((REPO / "config/config.yaml").read_text())
README = (REPO / "config/README.md").read_text()
MUST_BE_SET = ("samples", "reference.path")


def leaves(node: dict, prefix: str = "") -> dict[str, dict]:
    """Schema of each key that is not a section, by dotted name."""
    found = {}
    for name, spec in node["properties"].items():
        found |= leaves(spec, f"{prefix}{name}.") if spec.get("type") == "object" else {f"{prefix}{name}": spec}
    return found


def flatten(config: dict, prefix: str = "") -> dict[str, object]:
    """Value of each key that is not a section, by dotted name."""
    found = {}
    for name, value in config.items():
        found |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


LEAVES = leaves(SCHEMA)


def test_config_shows_every_default():
    defaults = {key: spec["default"] for key, spec in LEAVES.items() if key not in MUST_BE_SET}
    shown = {key: value for key, value in flatten(CONFIG).items() if key not in MUST_BE_SET}
    assert shown == defaults


@pytest.mark.parametrize("key", LEAVES)
def test_readme_names_key_default_and_meaning(key):
    default = "must be set" if key in MUST_BE_SET else LEAVES[key]["default"]
    shown = default if key in MUST_BE_SET else f"`{default if isinstance(default, str) else json.dumps(default)}`"
    assert f"| `{key}` | {shown} | {LEAVES[key]['description']}" in README


@pytest.mark.parametrize("column", SAMPLES["properties"])
def test_readme_names_column(column):
    assert f"| `{column}` | {SAMPLES['properties'][column]['description']} |" in README


@pytest.mark.parametrize("schema", [SCHEMA, SAMPLES], ids=["config", "samples"])
def test_every_key_is_described_and_unknown_keys_are_refused(schema):
    def walk(node: dict) -> None:
        for name, spec in node["properties"].items():
            assert spec.get("description", "").endswith("."), name
            if spec.get("type") == "object":
                assert "additionalProperties" in spec, name
                walk(spec)

    assert schema["additionalProperties"] is False
    walk(schema)


def test_every_qc_key_can_be_set_by_sample():
    assert set(SCHEMA["properties"]["qc"]["properties"]) <= set(SAMPLES["properties"])


def test_default_config_is_valid():
    check_config(CONFIG, SCHEMA)


def test_bundle_needs_no_reference():
    check_config({"samples": "s.tsv", "model": {"bundle": "model"}}, SCHEMA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qc": {"min_gene": 3}}, r"qc\.min_gene: unknown key\. Did you mean min_genes\?"),
        ({"sample": "s.tsv"}, r"sample: unknown key\. Did you mean samples\?"),
        ({"model": {"preset": "huge"}}, r"model\.preset: 'huge' is not one of"),
        ({"ood": {"alpha": 0}}, r"ood\.alpha: .* A cell whose"),
        ({"train": {"epochs": "many"}}, r"train\.epochs: 'many' is not of type 'integer'"),
        ({"reference": {}}, r"reference\.path: missing\. Set it"),
        ({"model": {"bundle": None}, "reference": {"label": "x"}}, r"reference\.path: missing"),
        ({"model": {"bundle": ""}}, r"model\.bundle: '' should be non-empty\. Folder of"),
        ({"vocabulary": {"n_genes": 60_001}}, r"vocabulary\.n_genes: 60001 is greater than the maximum"),
        ({"samples": None}, r"samples: None is not of type 'string'"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(change, message):
    config = deepcopy({"samples": "s.tsv", "reference": {"path": "r.h5ad"}}) | change
    with pytest.raises(InputError, match=message):
        check_config(config, SCHEMA)


@pytest.mark.parametrize("written", ["auto", "off", "'off'"])
def test_a_shift_is_off_quoted_or_not(written):
    check_config(yaml.safe_load(f"{{samples: s.tsv, reference: {{path: r.h5ad}}, ood: {{shift: {written}}}}}"), SCHEMA)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", [key for key, spec in LEAVES.items() if spec["type"] in ("number", "integer")])
def test_no_number_may_be_other_than_finite(key, number):
    section, name = key.split(".")
    config = {"samples": "s.tsv", "reference": {"path": "r.h5ad"}, section: {name: number}}
    with pytest.raises(InputError, match=rf"^config: {section}\.{name}: "):
        check_config(config, SCHEMA)


@pytest.mark.parametrize("config", [None, [], "samples.tsv", 3])
def test_a_config_that_is_no_mapping_is_named(config):
    with pytest.raises(InputError, match=r"config: it is no mapping of keys to values\. Set at least: samples"):
        check_config(config, SCHEMA)


def test_a_value_of_the_command_line_is_not_said_to_be_the_files(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("samples: s.tsv\nreference: {path: r.h5ad}\n")
    config = {"samples": "s.tsv", "reference": {"path": "r.h5ad"}, "ood": 5}
    with pytest.raises(InputError, match=rf"^{file} or --config: ood: 5 is not of type 'object'"):
        check_config(config, SCHEMA, files=[str(file)])


def test_anchors_and_merges_of_yaml_name_no_key_twice(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("x: &a {b: 1}\ny: {<<: *a, <<: *a, b: 2}\nz: &c [*c, *a]\n")
    with pytest.raises(InputError, match="x: unknown key"):
        check_config({"samples": "s.tsv", "reference": {"path": "r"}, "x": 1}, SCHEMA, files=[str(file)])


@pytest.mark.parametrize(
    ("word", "known", "remedy"),
    [
        ("x", [], "There is none to choose from."),
        ("LABEL", ["label", "donor"], "Did you mean label?"),
        ("x", ["label", "donor"], "Known are: label, donor."),
        ("-", [f"c{i}" for i in range(25)], "c19 and 5 more."),
    ],
)
def test_a_remedy_lists_what_there_is(word, known, remedy):
    assert nearest(word, known).endswith(remedy)


def test_the_file_at_fault_is_named(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("samples: s.tsv\nreference: {path: r.h5ad}\n")
    bad.write_text("ood: {alpa: 0.1}\n")
    config = {"samples": "s.tsv", "reference": {"path": "r.h5ad"}, "ood": {"alpa": 0.1}}
    with pytest.raises(InputError, match=rf"^{bad}: ood\.alpa: "):
        check_config(config, SCHEMA, files=[str(good), str(bad)])
