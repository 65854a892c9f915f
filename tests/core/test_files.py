import pytest

from cellcohort.core.errors import InputError
from cellcohort.core.files import atomic_path, read_json, write_json


def test_a_file_appears_whole_and_can_be_read_by_others(tmp_path):
    path = tmp_path / "new" / "file.json"
    write_json(path, {"a": [1, 2]})
    assert read_json(path) == {"a": [1, 2]}
    other = tmp_path / "other"
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def stops_halfway():
        with atomic_path(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stops_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_private_files_of_a_writer_are_made_readable(tmp_path):
    path = tmp_path / "weights.safetensors"
    with atomic_path(path) as part:
        part.touch(mode=0o600)
    assert path.stat().st_mode & 0o044


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "as JSON"),
        (b'{"a": 1', "as JSON"),
        (b'{"a": "\xe9"}', "as JSON"),
        (b"[" * 200_000, "as JSON"),
        (b"[1]", "a JSON list, not an object"),
        (b"null", "a JSON NoneType, not an object"),
    ],
)
def test_what_is_no_json_object_is_told(tmp_path, content, says):
    (tmp_path / "file.json").write_bytes(content)
    with pytest.raises(InputError, match=f"file.json: .*{says}"):
        read_json(tmp_path / "file.json")


def test_json_is_utf8_whatever_the_locale(tmp_path):
    write_json(tmp_path / "file.json", {"größe": "10 µm"})
    assert (tmp_path / "file.json").read_bytes().decode("utf-8") == '{\n  "größe": "10 µm"\n}\n'
