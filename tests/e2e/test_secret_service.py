"""Keys in a real gnome-keyring: kept, bound to their host, locked, slow, and gone in mid-call."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import KeyringLockedError, KeyringUnavailableError, NoKeyError
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads
from tests.support.needs import needs

if TYPE_CHECKING:
    from tests.e2e.secret_service import SecretService

pytestmark = pytest.mark.needs_secret_service

STAGING = Environment("staging", "staging", parse_host("staging.example.com"))
USER = "staging https://staging.example.com"
KEY = Secret("kg-test-key-0000-staging")
UNLOCKING = "of the test"

READ_IN_A_NEW_PROCESS = """
import asyncio, sys
from pathlib import Path
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.core.threads import DaemonThreads
threads = DaemonThreads("test")
credentials = Credentials(config_file=Path(sys.argv[1]), threads=threads)
print(asyncio.run(credentials.key(Environment("staging", "staging", parse_host("staging.example.com")))).reveal())
"""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretService]:
    needs("dbus-daemon", "gnome-keyring-daemon")
    # Imported here: what it speaks to the bus with is installed on Linux only.
    from tests.e2e.secret_service import SecretService

    # Not below tmp_path: the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="gale-", ignore_cleanup_errors=True) as folder:
        service = SecretService(Path(folder))
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", service.address)
        try:
            yield service
        finally:
            service.close()


@pytest.fixture
async def threads() -> AsyncIterator[DaemonThreads]:
    """Threads of the credentials; when the test is over, none of them may still be in a call."""
    threads = DaemonThreads("keyring-test")
    yield threads
    threads.close()
    for thread in threading.enumerate():
        if thread.name.startswith("keyring-test"):
            await asyncio.to_thread(thread.join, 20)
            assert not thread.is_alive(), "a keyring call is still under way"


def credentials(paths: Paths, threads: DaemonThreads, answer: float = 60.0, prompt: float = 60.0) -> Credentials:
    credentials = Credentials(config_file=paths.config_file, threads=threads)
    credentials.answer_limit, credentials.prompt_limit = answer, prompt
    return credentials


async def test_a_key_is_kept_and_read_by_a_new_process(
    service: SecretService, paths: Paths, threads: DaemonThreads
) -> None:
    service.start_daemon(UNLOCKING)
    mine = credentials(paths, threads)
    assert (await mine.key_status(STAGING)).place == "none"
    await mine.keep(STAGING, KEY)
    assert not mine.session_only
    assert mine.cached(STAGING) == KEY
    assert service.secrets() == {USER: KEY.reveal().encode()}
    script = [sys.executable, "-c", READ_IN_A_NEW_PROCESS, str(paths.config_file)]
    printed = await asyncio.to_thread(subprocess.run, script, capture_output=True, text=True, timeout=60, check=True)
    assert printed.stdout == KEY.reveal() + "\n"
    status = await credentials(paths, threads).key_status(STAGING)
    assert (status.place, status.text, status.hint) == ("keyring", "keyring: Secret Service", "…ging")


async def test_a_key_outlives_the_daemon(service: SecretService, paths: Paths, threads: DaemonThreads) -> None:
    service.start_daemon(UNLOCKING)
    await credentials(paths, threads).keep(STAGING, KEY)
    service.stop_daemon()
    service.start_daemon(UNLOCKING)
    assert await credentials(paths, threads).key(STAGING) == KEY


async def test_a_key_does_not_follow_a_changed_host(
    service: SecretService, paths: Paths, threads: DaemonThreads
) -> None:
    service.start_daemon(UNLOCKING)
    mine = credentials(paths, threads)
    await mine.keep(STAGING, KEY)
    moved = dataclasses.replace(STAGING, origin=parse_host("elsewhere.example.com"))
    assert mine.cached(moved) is None
    with pytest.raises(NoKeyError, match=r"elsewhere\.example\.com"):
        await mine.key(moved)
    other_port = dataclasses.replace(STAGING, origin=parse_host("staging.example.com:8443"))
    with pytest.raises(NoKeyError):
        await mine.key(other_port)
    assert await mine.key(dataclasses.replace(STAGING, name="renamed")) == KEY


async def test_forgetting_deletes_this_key_and_no_other(
    service: SecretService, paths: Paths, threads: DaemonThreads
) -> None:
    service.start_daemon(UNLOCKING)
    mine = credentials(paths, threads)
    other = Environment("prod", "prod", parse_host("prod.example.com"))
    await mine.keep(STAGING, KEY)
    await mine.keep(other, Secret("kg-test-key-0000-prod"))
    await mine.forget(STAGING)
    await mine.forget(STAGING)
    assert list(service.secrets()) == ["prod https://prod.example.com"]
    assert mine.cached(STAGING) is None
    status = await mine.key_status(STAGING)
    assert status.place == "none", status
    with pytest.raises(NoKeyError):
        await mine.key(STAGING)


async def test_a_new_key_replaces_the_old_one(service: SecretService, paths: Paths, threads: DaemonThreads) -> None:
    service.start_daemon(UNLOCKING)
    mine = credentials(paths, threads)
    await mine.keep(STAGING, Secret("kg-test-key-0000-older"))
    mine.keep_for_session(STAGING, Secret("kg-test-key-0000-session"))
    await mine.keep(STAGING, KEY)
    assert await mine.key(STAGING) == KEY
    assert service.secrets() == {USER: KEY.reveal().encode()}


@pytest.mark.parametrize("how", ["locked", "wrong password"])
async def test_a_locked_keyring_says_so(service: SecretService, paths: Paths, threads: DaemonThreads, how: str) -> None:
    service.start_daemon(UNLOCKING)
    await credentials(paths, threads).keep(STAGING, KEY)
    if how == "locked":
        service.lock()
    else:
        service.stop_daemon()
        service.start_daemon("not the password")
    mine = credentials(paths, threads)
    state = await mine.keyring_state()
    assert state.available
    assert state.locked
    assert (await mine.key_status(STAGING)).place == "locked"
    with pytest.raises(KeyringLockedError, match="Unlock it"):
        await mine.key(STAGING)
    with pytest.raises(KeyringLockedError):
        await mine.keep(STAGING, Secret("kg-test-key-0000-newer"))
    with pytest.raises(KeyringLockedError):
        await mine.forget(STAGING)
    service.stop_daemon()
    service.start_daemon(UNLOCKING)
    assert await mine.key(STAGING) == KEY


async def test_a_keyring_that_was_never_set_up(service: SecretService, paths: Paths, threads: DaemonThreads) -> None:
    service.start_daemon(None)
    mine = credentials(paths, threads)
    assert "is empty" in (await mine.keyring_state()).explanation
    status = await mine.key_status(STAGING)
    assert status.place == "none", status
    with pytest.raises(NoKeyError):
        await mine.key(STAGING)
    await mine.forget(STAGING)
    with pytest.raises(KeyringLockedError, match="no keyring yet"):
        await mine.keep(STAGING, KEY)


async def test_a_prompt_that_nobody_answers(service: SecretService, paths: Paths, threads: DaemonThreads) -> None:
    service.start_daemon(UNLOCKING)
    await credentials(paths, threads).keep(STAGING, KEY)
    service.lock()
    service.hold_prompts()
    mine = credentials(paths, threads, prompt=0.2)
    for _ in range(4):
        with pytest.raises(KeyringUnavailableError, match="does not answer; a prompt may be waiting"):
            await mine.key(STAGING)
    assert mine.cached(STAGING) is None
    # Three calls wait for the prompt; the fourth was not made.
    assert sum(thread.name.startswith("keyring-test") for thread in threading.enumerate()) <= 4
    service.kill_bus()


async def test_the_bus_dies_in_mid_call(service: SecretService, paths: Paths, threads: DaemonThreads) -> None:
    service.start_daemon(UNLOCKING)
    await credentials(paths, threads).keep(STAGING, KEY)
    service.lock()
    service.hold_prompts()
    mine = credentials(paths, threads, prompt=60.0)
    asking = asyncio.create_task(mine.key(STAGING))
    await asyncio.to_thread(service.wait_for_prompt)
    service.kill_bus()
    with pytest.raises(KeyringUnavailableError, match="The keyring cannot be used"):
        await asyncio.wait_for(asking, 20)
    state = await mine.keyring_state()
    assert not state.available
    assert state.explanation.startswith("No keyring on this machine")
    assert "GALE_API_KEY" in state.explanation
    assert (await mine.key_status(STAGING)).place == "unavailable"


async def test_a_daemon_that_hangs_and_comes_back(service: SecretService, paths: Paths, threads: DaemonThreads) -> None:
    service.start_daemon(UNLOCKING)
    await credentials(paths, threads).keep(STAGING, KEY)
    mine = credentials(paths, threads, answer=0.2)
    await mine.keyring_state()
    pid = service.daemon
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(KeyringUnavailableError, match="does not answer"):
            await mine.key(STAGING)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert await credentials(paths, threads).key(STAGING) == KEY


async def test_a_bus_without_a_keyring(service: SecretService, paths: Paths, threads: DaemonThreads) -> None:
    mine = credentials(paths, threads)
    state = await mine.keyring_state()
    assert not state.available
    assert "Secret Service" in state.explanation
    assert "key_command" in state.explanation
    with pytest.raises(KeyringUnavailableError):
        await mine.keep(STAGING, KEY)
    service.start_daemon(UNLOCKING)
    await mine.keep(STAGING, KEY)


@pytest.mark.parametrize(
    "backend",
    ["keyring.backends.null.Keyring", "keyring.backends.chainer.ChainerBackend", "keyrings.alt.file.PlaintextKeyring"],
)
async def test_a_chosen_backend_that_is_refused_is_not_replaced(
    service: SecretService, paths: Paths, threads: DaemonThreads, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    service.start_daemon(UNLOCKING)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    with pytest.raises(KeyringUnavailableError, match=backend):
        await credentials(paths, threads).keep(STAGING, KEY)
    assert service.secrets() == {}


async def test_a_chosen_backend_that_is_on_the_list_is_taken(
    service: SecretService, paths: Paths, threads: DaemonThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.start_daemon(UNLOCKING)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
    await credentials(paths, threads).keep(STAGING, KEY)
    assert service.secrets() == {USER: KEY.reveal().encode()}
