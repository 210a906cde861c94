"""What is private is read by its owner only, is whole at any moment, and a folder has one keeper."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.machine.passwords import Passwords
from services.runtime.private_files import FolderInUse, hold, write_private

ROOT = Path(__file__).parents[3]


def test_a_private_file_is_replaced_whole_and_is_nobody_elses(tmp_path):
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "first")
    write_private(file, b"second")
    assert file.read_text() == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["secret"]


def test_a_reader_never_sees_half_of_a_file(tmp_path):
    file, over = tmp_path / "secret", threading.Event()
    write_private(file, "a" * 100_000)
    seen: set[str] = set()

    def read():
        while not over.is_set():
            seen.add(file.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        write_private(file, "ab"[turn % 2] * 100_000)
    over.set()
    reader.join()
    assert seen <= {"a" * 100_000, "b" * 100_000}


def test_a_folder_is_held_by_one_who_is_named_to_the_others(tmp_path):
    held = hold(tmp_path / "lock")
    with pytest.raises(FolderInUse, match=f"{tmp_path} is in use by another process .pid {os.getpid()}"):
        hold(tmp_path / "lock")
    held.close()
    hold(tmp_path / "lock").close()


def test_a_killed_holder_lets_go(tmp_path):
    program = "import sys, pathlib; from services.runtime.private_files import hold\n"
    program += "kept = hold(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse, match=f"pid {holder.pid}"):
            hold(tmp_path / "lock")
        holder.kill()
        holder.wait()
        hold(tmp_path / "lock").close()


def test_a_password_is_made_once_and_is_another_for_each_role(tmp_path):
    file = tmp_path / "passwords.json"
    first = Passwords(file).of("andon_ingest")
    assert Passwords(file).of("andon_ingest") == first
    assert Passwords(file).of("andon_scoring") != first
    assert len(first) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
