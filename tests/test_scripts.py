"""What the scripts must not do to whoever calls them. Runs them on a folder of the test's own."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.tree import ROOT


def test_an_environment_of_another_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/theirs").touch()
    # Nobody here is user 54321, so the folder is somebody else's.
    program = (
        f'root={tmp_path}; id() {{ echo 54321; }}; . "{ROOT}/scripts/environment.sh"; use_environment runtime'
    )
    done = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "belongs to another user" in done.stderr
    assert (tmp_path / ".venv/theirs").exists()


def test_the_command_says_how_it_was_called(tmp_path: Path) -> None:
    """`scripts/serve` in a clone whose environment stands: what it starts is told `scripts/chatd`."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("benchmark"))
    (tmp_path / "requirements").mkdir()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/installed").mkdir()
    for name in ("requirements/runtime.txt", ".venv/installed/runtime.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".venv/installed/python").write_text("3.0\n")
    python = tmp_path / ".venv/bin/python"
    python.write_text('#!/bin/sh\ncase $1 in -ISc) echo 3.0 ;; *) echo "$CHATD_COMMAND" ;; esac\n')
    python.chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CHATD_")}
    for script in ("scripts/serve", "scripts/chatd"):
        done = subprocess.run([script], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
        assert done.stdout == "scripts/chatd\n"


def test_npm_recommends_nothing_while_it_checks() -> None:
    lines = (ROOT / "scripts/check").read_text("utf-8").splitlines()
    assert lines.index("export npm_config_update_notifier=false") < lines.index("use_tools node")
