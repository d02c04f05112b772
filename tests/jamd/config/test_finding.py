"""Which config.toml is read where none is named."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jamd.cli import main
from jamd.config.file import find


def test_the_working_folder_goes_before_the_users(tmp_path: Path) -> None:
    working, user = tmp_path / "working", tmp_path / "user"
    for folder in (working, user):
        folder.mkdir()
    assert find(working, user) is None
    (user / "config.toml").touch()
    assert find(working, user) == user / "config.toml"
    (working / "config.toml").touch()
    assert find(working, user) == working / "config.toml"


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
@pytest.mark.parametrize(
    ("there", "complaint"),
    [
        ("link", "expected a file, found a link to nowhere: mend it"),
        ("pipe", "expected a file, found a pipe: delete or rename it"),
        ("folder", "cannot be read: Is a directory"),
    ],
)
def test_what_has_its_name_but_is_no_file_is_not_ignored(
    there: str,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if there == "link":
        Path("config.toml").symlink_to("nowhere")
    elif there == "pipe":
        os.mkfifo("config.toml")
    else:
        Path("config.toml").mkdir()
    assert main(["config"]) == 2
    assert capsys.readouterr().err == f"jamd: config.toml: {complaint}\n"
