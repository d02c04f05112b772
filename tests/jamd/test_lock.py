"""Two processes do not write to one folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jamd.errors import UserError
from jamd.lock import LOCK, BusyError, only_writer

HOLD = """
import sys
from pathlib import Path
from jamd.lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_kept_out_until_the_first_has_ended(tmp_path: Path) -> None:
    for end in (subprocess.Popen.kill, subprocess.Popen.communicate):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(BusyError, match="found another jamd at it"), only_writer(tmp_path):
                pass
            assert (tmp_path / LOCK).exists()
            end(other)
        with only_writer(tmp_path), pytest.raises(BusyError), only_writer(tmp_path):
            pass
        assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    with (
        pytest.raises(UserError, match="expected the name of a folder, found a file"),
        only_writer(path),
    ):
        pass


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path: Path) -> None:
    with only_writer(tmp_path / "a"):
        assert (tmp_path / "a").is_dir()
    with only_writer(tmp_path / "b"):
        (tmp_path / "b" / "written").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    with pytest.raises(NotADirectoryError), only_writer(tmp_path / "b" / "written" / "c"):
        pass
