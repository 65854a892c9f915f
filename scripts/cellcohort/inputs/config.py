"""Check the config against its schema, and say in one line what is wrong."""

from __future__ import annotations

import copy
import json
import math
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from ..core.errors import InputError
from .resources import resource_path


def check_config(config: dict[str, Any], schema: dict[str, Any], *, files: Iterable[str] = ()) -> None:
    """Raise InputError for the first thing in `config` that `schema` forbids.

    Parameters
    ----------
    config
        The merged config, before defaults are filled in.
    schema
        The JSON schema as a dictionary; its descriptions become part of the message.
    files
        The config files that were merged, to name the one that is at fault.
    """
    if not isinstance(config, dict):
        raise InputError(f"config: it is no mapping of keys to values. Set at least: {', '.join(schema['required'])}.")
    for file in filter(os.path.isfile, files := list(files)):
        _check_no_key_twice(file)
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    found = [explain(error, schema) for error in errors] or list(_mistakes_of_numbers_and_paths(config, schema))
    for place, problem in found:
        raise InputError(f"{_file_of(place, config, files)}: {'.'.join(place)}: {problem}")


def config_schema() -> dict[str, Any]:
    """The JSON schema of the config, in a clone or in an installed package."""
    return yaml.safe_load(resource_path("config.schema.yaml").read_text(encoding="utf-8"))


def with_defaults(config: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A checked config with the default of every key that it leaves out, as Snakemake's `validate` fills them in."""
    filled = copy.deepcopy(config)
    for key, described in schema.get("properties", {}).items():
        if key not in filled and "default" in described:
            filled[key] = copy.deepcopy(described["default"])
        if isinstance(filled.get(key), dict):
            filled[key] = with_defaults(filled[key], described)
    return filled


SNAKEMAKES_PATHVARS = ("results", "logs", "benchmarks", "stats", "reports", "temp", "resources")
"""Names that Snakemake has a path for, whether the config sets it or not."""

_PATHVAR = re.compile(r"<([a-z][a-z0-9_]*)>")

PLACES = (
    ("samples",),
    ("reference", "path"),
    ("model", "bundle"),
    ("cnv", "positions"),
    ("cnv", "arms"),
    ("explain", "gene_sets"),
    ("pathvars",),
)
"""Keys that say where something lies and decide no result: what lies there does (`core.provenance`)."""
_ASKED_OF_A_CLUSTER = (("train", "max_runtime"),)


def without_places(config: dict[str, Any]) -> dict[str, Any]:
    """What of the config decides results: all but the keys of `PLACES` and what is asked of a cluster."""
    kept = copy.deepcopy(config)
    for *sections, key in (*PLACES, *_ASKED_OF_A_CLUSTER):
        section = _look_up(kept, sections)
        if isinstance(section, dict):
            section.pop(key, None)
    return kept


def explain(error: ValidationError, schema: dict[str, Any]) -> tuple[list[str], str]:
    """Where an error of the schema lies (a path of keys), and what to do about it."""
    place = [str(part) for part in error.path]
    if error.validator == "additionalProperties" and "properties" in error.schema:
        known = list(error.schema["properties"])
        key = next(key for key in error.instance if key not in known)
        return [*place, str(key)], f"unknown key. {nearest(str(key), known)}"
    if error.validator == "required":
        key = next(key for key in error.validator_value if key not in error.instance)
        return [*place, key], f"missing. Set it: {_description(schema, [*place, key])}"
    if error.validator == "type" and isinstance(error.instance, str) and _is_number(error.instance):
        hint = "It is text: write it without quotes, and a power of ten with a decimal point (1.0e-3)."
        return place, f"{_short(error.message)}. {hint}"
    return place, f"{_short(error.message)}. {_description(schema, place)}".rstrip()


def nearest(word: str, known: list[str]) -> str:
    """A remedy for a misspelt name: the nearest known one, or all of them."""
    if not known:
        return "There is none to choose from."
    spelling = {name.lower(): name for name in reversed(known)}
    close = get_close_matches(word.lower(), spelling, n=1)
    listed = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    return f"Did you mean {spelling[close[0]]}?" if close else f"Known are: {listed}."


def _short(message: str) -> str:
    """A validator's message, which opens with the whole value, cut to what a line can hold."""
    return message if len(message) <= 200 else f"{message[:100]} ... {message[-90:]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _mistakes_of_numbers_and_paths(config: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    """What no schema can forbid: comparisons with NaN are all false, and results can lie at paths that lead nowhere."""
    for place, value in _leaves(config, []):
        if isinstance(value, float) and not math.isfinite(value):
            yield place, f"{value} is no finite number. {_description(schema, place)}".rstrip()
    paths = config.get("pathvars", {})
    known = [*SNAKEMAKES_PATHVARS, *paths]
    used = [name for path in paths.values() for name in _PATHVAR.findall(path)]
    for name, path in paths.items():
        if name not in SNAKEMAKES_PATHVARS and name not in used:
            yield ["pathvars", name], f"unknown name. {nearest(name, list(SNAKEMAKES_PATHVARS))}"
        if "{" in path or "}" in path:
            yield ["pathvars", name], f"{path} holds a brace, which Snakemake reads as a wildcard. Name another folder."
        for word in _PATHVAR.findall(path):
            if word not in known:
                yield ["pathvars", name], f"<{word}> is not among the pathvars. {nearest(word, known)}"


def _leaves(node: Any, place: list[str]) -> Iterator[tuple[list[str], Any]]:
    """The values of nested mappings and lists, each with its path of keys."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _leaves(value, [*place, str(key)])
    else:
        yield place, node


def _description(schema: dict[str, Any], place: list[str]) -> str:
    """The deepest description on the way to `place`."""
    text = ""
    for key in place:
        schema = schema.get("properties", {}).get(key, {})
        text = schema.get("description", text)
    return text


def _look_up(content: Any, place: list[str]) -> Any:
    """The value at `place`, or None."""
    for key in place:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _file_of(place: list[str], config: dict[str, Any], files: list[str]) -> str:
    """The config file that holds the value at `place`; all of them when none does."""
    value = _look_up(config, place)
    for file in filter(os.path.isfile, files):
        found = _look_up(_content(file), place)
        if value is not None and (found == value or str(found) == str(value)):  # NaN does not equal itself
            return file
    named = ", ".join(files) or "config"
    return f"{named} or --config" if files and value is not None else named


def _content(file: str) -> Any:
    """A config file as Snakemake reads it, JSON before YAML; None where it is written in another dialect (YTE)."""
    text = Path(file).read_text(encoding="utf-8")
    with suppress(ValueError):
        return json.loads(text)
    with suppress(yaml.YAMLError):
        return yaml.safe_load(text)
    return None


def _check_no_key_twice(file: str) -> None:
    """Raise InputError for a mapping that names a key twice: YAML and JSON would silently take the last one."""
    text = Path(file).read_text(encoding="utf-8")
    try:
        nodes = [] if "__use_yte__" in text else [yaml.compose(text, yaml.SafeLoader)]
    except yaml.YAMLError:  # JSON that is indented by tabs
        return
    seen: set[int] = set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            _check_keys(file, [key for key, _ in node.value if key.value != "<<"])
            nodes.extend(value for _, value in node.value)


def _check_keys(file: str, keys: list[yaml.Node]) -> None:
    known: set[str] = set()
    for key in keys:
        if str(key.value) in known:
            line = key.start_mark.line + 1
            raise InputError(f"{file}: line {line}: the key {key.value} is there already. Keep one of the two.")
        known.add(str(key.value))
