"""Notes, new names, removal: nothing outside the runs folder, nothing that is trained."""

import os
from pathlib import Path

import pytest

from mnist_tui.core.errors import UsageError, UserError
from mnist_tui.core.housekeeping import delete_run, rename_run, size_of
from mnist_tui.core.notes import LONGEST_NOTE, printable, read_notes, write_notes
from mnist_tui.core.runs import read_run
from tests.runfiles import own, own_elsewhere, record_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return record_run(tmp_path, "mine")


# --- names


def test_a_renamed_run_keeps_its_date_and_knows_its_name(tmp_path: Path, folder: Path) -> None:
    before = read_run(folder)
    target = rename_run(tmp_path, folder, "yours")
    assert target == tmp_path / "20260102-030405-yours"
    assert not folder.exists()
    assert read_run(target) == {**before, "run": target.name, "name": "yours"}


def test_its_own_name_changes_nothing(tmp_path: Path, folder: Path) -> None:
    assert rename_run(tmp_path, folder, "mine") == folder


@pytest.mark.parametrize("wanted", ["", "..", "../up", "a/b", "[/b]", "a" * 65])
def test_a_bad_name_is_refused(tmp_path: Path, folder: Path, wanted: str) -> None:
    with pytest.raises(UsageError, match="cannot name a run"):
        rename_run(tmp_path, folder, wanted)
    assert folder.exists()


def test_a_taken_name_is_refused_with_a_free_one(tmp_path: Path, folder: Path) -> None:
    record_run(tmp_path, "yours", stamp="20250101-000000")
    with pytest.raises(UsageError, match="there is a run named yours already: free is yours-2"):
        rename_run(tmp_path, folder, "yours")


def test_a_damaged_run_can_be_renamed_and_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "20260101-000000-empty"
    folder.mkdir()
    target = rename_run(tmp_path, folder, "void")
    assert list(target.iterdir()) == []
    delete_run(tmp_path, target)
    assert list(tmp_path.iterdir()) == []


# --- removal


def test_a_deleted_run_is_gone_and_others_are_not(tmp_path: Path, folder: Path) -> None:
    other = record_run(tmp_path, "other")
    delete_run(tmp_path, folder)
    assert list(tmp_path.iterdir()) == [other]
    assert (other / "run.json").exists()


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x" * 1000)
    folder = record_run(tmp_path / "runs", "mine")
    size = size_of(folder)
    (folder / "away").symlink_to(outside)
    (folder / "file").symlink_to(outside / "precious")
    assert size_of(folder) == size
    delete_run(tmp_path / "runs", folder)
    assert not folder.exists()
    assert (outside / "precious").exists()


def test_a_run_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    folder = record_run(tmp_path / "other", "mine")
    (tmp_path / "runs").mkdir()
    link = tmp_path / "runs" / folder.name
    link.symlink_to(folder)
    for act in (lambda: delete_run(tmp_path / "runs", link), lambda: rename_run(tmp_path / "runs", link, "x")):
        with pytest.raises(UserError, match="is a link to another place"):
            act()
    assert link.is_symlink()
    assert (folder / "run.json").exists()


def test_only_runs_of_the_folder_are_touched(tmp_path: Path) -> None:
    folder = record_run(tmp_path / "other", "mine")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "data").mkdir()
    for place in (
        folder,
        tmp_path / "runs",
        tmp_path / "runs" / "data",
        tmp_path / "runs" / ".." / "other" / folder.name,
    ):
        with pytest.raises(UserError, match="is no run in"):
            delete_run(tmp_path / "runs", place)
    assert (folder / "run.json").exists()


@pytest.mark.parametrize("who", [own, own_elsewhere])
def test_a_run_that_somebody_trains_is_left_alone(tmp_path: Path, folder: Path, who: object) -> None:
    assert callable(who)
    who(folder)
    with pytest.raises(UserError, match=r"mine cannot be deleted while process .* trains it"):
        delete_run(tmp_path, folder)
    with pytest.raises(UserError, match=r"mine cannot be renamed while process .* trains it"):
        rename_run(tmp_path, folder, "yours")
    assert (folder / "run.json").exists()


def test_a_removal_that_fails_says_where_the_rest_is(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("shutil.rmtree", fail)
    with pytest.raises(UserError, match=r"mine cannot be deleted: Permission denied; what is left lies in .*\.deleted"):
        delete_run(tmp_path, folder)


# --- notes


def test_a_note_is_one_line_that_is_read_back(folder: Path) -> None:
    write_notes(folder, "  good,\n but \x1b[31mslow → \ud800 ")
    assert read_notes(folder) == "good, but ?[31mslow → ?"
    write_notes(folder, " ")
    assert read_notes(folder) == ""
    assert not (folder / "notes.txt").exists()
    write_notes(folder, "")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x" * 10**6, b"\n\n"])
def test_any_file_is_a_short_printable_note(folder: Path, data: bytes) -> None:
    (folder / "notes.txt").write_bytes(data)
    assert read_notes(folder).isprintable()
    assert len(read_notes(folder)) <= LONGEST_NOTE


def test_a_note_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the note cannot be written to .*absent: No such file"):
        write_notes(tmp_path / "absent", "x")
    (tmp_path / "notes.txt").mkdir()
    with pytest.raises(UserError, match="the note cannot be written"):
        write_notes(tmp_path, "")


def test_text_is_made_printable() -> None:
    assert printable(os.fsdecode(b"a\xff\tb\x07")) == "a? b?"
    assert printable("x" * 1000, 5) == "xxxxx"
