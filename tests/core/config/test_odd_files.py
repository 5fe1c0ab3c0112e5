"""config.toml with any bytes, of any kind: the program starts and says what is wrong; edits leave the rest alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.environment_registry import EnvironmentRegistry
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import ConfigError
from gale_tui.core.gale_api.connections import Connections
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.core.threads import DaemonThreads


@pytest.fixture
def file(paths: Paths) -> ConfigFile:
    paths.config_file.parent.mkdir(exist_ok=True)
    return ConfigFile(paths.config_file)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(path.parent)
        listener.bind(path.name)


ODD: dict[str, Callable[[Path], object]] = {
    "brackets": lambda path: path.write_text("x = " + "[" * 5000),
    "closed brackets": lambda path: path.write_text("x = " + "[" * 5000 + "]" * 5000),
    "braces": lambda path: path.write_text("x = " + "{a=" * 5000),
    "a long number": lambda path: path.write_text("x = " + "1" * 5000),
    "a date that is none": lambda path: path.write_text("x = 2024-13-77"),
    "zeros": lambda path: path.write_bytes(b"\0" * 5000),
    "not UTF-8": lambda path: path.write_bytes(b"# caf\xe9\n"),
    "half a character": lambda path: path.write_bytes("# café".encode()[:-1]),
    "a pipe": os.mkfifo,
    "a folder": os.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": a_socket,
    "a link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("kind", ODD)
async def test_the_program_starts_and_nothing_is_written(
    file: ConfigFile, paths: Paths, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(paths.config_file.parent)
    ODD[kind](file.path)
    before = os.lstat(file.path)
    threads = DaemonThreads("test")
    credentials = Credentials(config_file=file.path, threads=threads, use_keyring=False)
    registry = EnvironmentRegistry(
        file, credentials, Connections(credentials, threads), extra=(), demo=False, on_key=lambda _: None
    )
    registry.choose(None)
    [problem] = registry.config.problems
    assert str(file.path) in problem
    for require in (registry.require_current, lambda: registry.choose("staging")):
        with pytest.raises(ConfigError) as caught:
            require()
        assert str(caught.value) == problem
    with pytest.raises(ConfigError):
        registry.save_settings(theme="gale-light")
    after = os.lstat(file.path)
    assert (after.st_ino, after.st_size, after.st_mode) == (before.st_ino, before.st_size, before.st_mode)
    threads.close()


HAND_WRITTEN = (
    '# Ours\r\n[environments.lab]\r\nhost = "lab.example.com" # the lab\r\n\r\n[settings]\r\ntheme = "gale-light"\r\n'
)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_edits_keep_windows_line_ends_and_the_byte_order_mark(file: ConfigFile, mark: bytes) -> None:
    file.path.write_bytes(mark + HAND_WRITTEN.encode())
    file.save_settings(theme="gale-light")
    assert file.path.read_bytes() == mark + HAND_WRITTEN.encode()
    [lab] = file.load().environments
    file.save_settings(theme="gale-dark", mouse=False)
    file.save_environment(Environment(id="second", name="second", origin=parse_host("second.example.com")))
    file.save_environment(Environment(id=lab.id, name="renamed", origin=lab.origin))
    file.delete_environment("second")
    content = file.path.read_bytes()
    assert content.startswith(mark + b"# Ours\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") > 5
    assert b"\r\r" not in content
    assert b"# the lab\r\n" in content
    assert [each.name for each in file.load().environments] == ["renamed"]
