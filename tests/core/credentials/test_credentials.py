"""Where keys come from, in which order, and to whom they are never given. Real keyrings: tests/e2e."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials import keyring_backend as keyrings
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import (
    CredentialError,
    KeyCommandError,
    KeyringLockedError,
    KeyringUnavailableError,
    NoKeyError,
)
from gale_tui.core.identifiers import parse_host
from gale_tui.core.logs import redact
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads

STAGING = Environment("staging", "staging", parse_host("staging.example.com"))
KEY = Secret("kg-test-key-0000-staging")
OTHER = Secret("kg-test-key-0000-other")


@pytest.fixture
def threads() -> Iterator[DaemonThreads]:
    threads = DaemonThreads("test")
    yield threads
    threads.close()


@pytest.fixture
def credentials(paths: Paths, threads: DaemonThreads) -> Credentials:
    paths.config_file.parent.mkdir(mode=0o700)
    paths.config_file.touch(mode=0o600)
    credentials = Credentials(config_file=paths.config_file, threads=threads)
    credentials.command_limit = 20.0
    return credentials


def commanded(*command: str) -> Environment:
    return dataclasses.replace(STAGING, key_command=command)


def shell(script: str) -> Environment:
    return commanded("sh", "-c", script)


class TestWithoutAKeyring:
    """A server without a desktop: the normal case."""

    async def test_it_says_what_to_do_instead(self, credentials: Credentials) -> None:
        state = await credentials.keyring_state()
        assert not state.available
        assert "no D-Bus session" in state.explanation
        for way in ("session only", "GALE_API_KEY together with GALE_HOST", "key_command"):
            assert way in state.explanation
        status = await credentials.key_status(STAGING)
        assert (status.place, status.hint) == ("unavailable", "")
        with pytest.raises(KeyringUnavailableError, match="no D-Bus session"):
            await credentials.key(STAGING)
        with pytest.raises(KeyringUnavailableError):
            await credentials.keep(STAGING, KEY)
        assert credentials.cached(STAGING) is None

    async def test_forgetting_is_no_error(self, credentials: Credentials) -> None:
        credentials.keep_for_session(STAGING, KEY)
        await credentials.forget(STAGING)
        assert credentials.cached(STAGING) is None
        assert not credentials.session_only

    async def test_a_bus_that_is_not_there(self, credentials: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
        for address in ("unix:path=/nowhere/bus", "autolaunch:", "nonsense", "disabled:"):
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            assert not (await credentials.keyring_state()).available

    @pytest.mark.parametrize(
        ("backend", "why"),
        [
            ("keyring.backends.null.Keyring", "keeps nothing"),
            ("keyring.backends.fail.Keyring", "keeps nothing"),
            ("keyring.backends.chainer.ChainerBackend", "plain text"),
            ("keyrings.alt.file.PlaintextKeyring", "plain text"),
            ("keyrings.alt.file.EncryptedKeyring", "on the terminal"),
            ("nowhere.Keyring\x1b[31m", "not one that is known"),
            ("keyring.backends.SecretService.Keyring2", "not one that is known"),
        ],
    )
    @pytest.mark.parametrize("how", ["variable", "file"])
    async def test_backends_are_refused_by_name(
        self,
        credentials: Credentials,
        own_home: Path,
        monkeypatch: pytest.MonkeyPatch,
        backend: str,
        why: str,
        how: str,
    ) -> None:
        if how == "variable":
            monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
        else:
            folder = own_home / ".config" / "python_keyring"
            folder.mkdir(parents=True)
            (folder / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring = {backend}\nkeyring-path = /nowhere\n")
        state = await credentials.keyring_state()
        assert not state.available
        assert backend.partition("\x1b")[0] in state.explanation
        assert why in state.explanation
        assert ("PYTHON_KEYRING_BACKEND" if how == "variable" else "keyringrc.cfg") in state.explanation
        assert "\x1b" not in state.explanation
        assert "/nowhere" not in sys.path

    async def test_a_keyringrc_that_cannot_be_read(self, credentials: Credentials, own_home: Path) -> None:
        folder = own_home / ".config" / "python_keyring"
        folder.mkdir(parents=True)
        (folder / "keyringrc.cfg").write_bytes(b"[backend\n\xff")
        assert "keyringrc.cfg cannot be read" in (await credentials.keyring_state()).explanation


class TestOrder:
    async def test_a_session_key_is_used_and_counted(self, credentials: Credentials) -> None:
        before = credentials.session_only
        credentials.keep_for_session(STAGING, KEY)
        assert (before, credentials.session_only) == (False, True)
        assert await credentials.key(STAGING) == KEY
        status = await credentials.key_status(STAGING)
        assert (status.place, status.hint) == ("session", "…ging")

    async def test_a_session_key_does_not_follow_a_changed_host(self, credentials: Credentials) -> None:
        credentials.keep_for_session(STAGING, KEY)
        for host in ("elsewhere.example.com", "staging.example.com:8443", "http://127.0.0.1"):
            moved = dataclasses.replace(STAGING, origin=parse_host(host))
            assert credentials.cached(moved) is None
            with pytest.raises(CredentialError):
                await credentials.key(moved)

    async def test_a_session_key_goes_before_a_command(self, credentials: Credentials) -> None:
        environment = shell(f"echo {OTHER.reveal()}")
        assert await credentials.key(environment) == OTHER
        credentials.keep_for_session(environment, KEY)
        assert await credentials.key(environment) == KEY

    @pytest.mark.parametrize(("source", "place"), [("variables", "GALE_API_KEY"), ("demo", "demo")])
    async def test_fixed_keys_are_for_their_own_environment(
        self, paths: Paths, threads: DaemonThreads, source: Any, place: str
    ) -> None:
        mine = Credentials(config_file=paths.config_file, threads=threads, use_keyring=False, fixed={"staging": KEY})
        fixed = dataclasses.replace(STAGING, source=source)
        assert await mine.key(fixed) == KEY
        assert (await mine.key_status(fixed)).place == place
        assert not mine.session_only
        # The same id, but out of config.toml, where anybody may have put another host next to it.
        assert mine.cached(STAGING) is None
        with pytest.raises(NoKeyError):
            await mine.key(STAGING)
        with pytest.raises(KeyringUnavailableError):
            await mine.keep(fixed, OTHER)

    async def test_without_keyring_it_is_never_asked(
        self, paths: Paths, threads: DaemonThreads, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def asked() -> None:
            pytest.fail("the keyring was asked")

        monkeypatch.setattr(keyrings, "_choose_backend", asked)
        mine = Credentials(config_file=paths.config_file, threads=threads, use_keyring=False)
        assert not (await mine.keyring_state()).available
        assert (await mine.key_status(STAGING)).place == "none"
        with pytest.raises(NoKeyError, match=r"staging \(staging\.example\.com\)"):
            await mine.key(STAGING)
        await mine.forget(STAGING)

    async def test_every_key_is_hidden_from_the_log(self, credentials: Credentials) -> None:
        odd = Secret("quite-another-form-of-key")
        credentials.keep_for_session(STAGING, odd)
        assert odd.reveal() not in redact(f"it is {odd.reveal()}!")
        printed = await credentials.key(shell("echo one-more-form-of-key"))
        assert printed.reveal() not in redact(f"it is {printed.reveal()}!")


class TestKeyCommand:
    async def test_its_line_is_the_key(self, credentials: Credentials) -> None:
        environment = shell(f"echo ' {KEY.reveal()} '; echo")
        assert (await credentials.key_status(environment)).hint == "", "it is not run just to look"
        assert await credentials.key(environment) == KEY
        assert credentials.cached(environment) == KEY
        status = await credentials.key_status(environment)
        assert (status.place, status.text, status.hint) == ("key_command", "key_command: sh", "…ging")

    async def test_it_runs_once_until_the_key_is_refused(self, credentials: Credentials, tmp_path: Path) -> None:
        environment = shell(f"echo x >> {tmp_path}/runs; echo {KEY.reveal()}")
        await asyncio.gather(*(credentials.key(environment) for _ in range(5)))
        assert (tmp_path / "runs").read_text() == "x\n"
        credentials.invalidate(environment)
        assert credentials.cached(environment) is None
        await credentials.key(environment)
        assert (tmp_path / "runs").read_text() == "x\nx\n"

    async def test_another_command_is_another_key(self, credentials: Credentials) -> None:
        assert await credentials.key(shell(f"echo {KEY.reveal()}")) == KEY
        assert await credentials.key(shell(f"echo {OTHER.reveal()}")) == OTHER

    async def test_what_it_is_given(
        self, credentials: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GALE_API_KEY", OTHER.reveal())
        monkeypatch.setenv("GPG_TTY", "/dev/pts/0")
        monkeypatch.setenv("GALE_TEST", "kept")
        monkeypatch.delenv("GALE_TUI_REQUIRE_ALL", raising=False)
        script = (
            "import os, sys\n"
            "with open(sys.argv[1], 'w') as out:\n"
            "    seen = sorted(name for name in os.environ if name.startswith(('GALE', 'GPG')))\n"
            "    print(seen, repr(sys.stdin.read()), file=out)\n"
            "    print(os.getsid(0) == os.getpid(), sys.argv[2], file=out)\n"
            f"print({KEY.reveal()!r})\n"
        )
        said = tmp_path / "said"
        await credentials.key(commanded(sys.executable, "-c", script, str(said), "$HOME; echo"))
        assert said.read_text() == "['GALE_TEST'] ''\nTrue $HOME; echo\n"

    async def test_it_cannot_read_what_is_typed(self, credentials: Credentials, tmp_path: Path) -> None:
        typed = tmp_path / "typed"
        typed.write_text("typed for the screen")
        own = os.dup(0)
        with typed.open() as file:
            os.dup2(file.fileno(), 0)
        try:
            assert await credentials.key(shell(f"cat; echo {KEY.reveal()}")) == KEY
        finally:
            os.dup2(own, 0)
            os.close(own)

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("exit 3", r"sh failed \(3\)\. Run it by hand"),
            (f"echo {KEY.reveal()}; echo 'gpg: no secret key' >&2; exit 2", "saying: gpg: no secret key"),
            (f"echo leaked {KEY.reveal()} >&2; exit 2", "saying: leaked ••••"),
            (r"printf '\033]0;title\007bad' >&2; exit 1", "saying: ␛]0;title␇bad"),
            ("kill -9 $$", "ended by signal 9"),
            ("true", "printed nothing"),
            ("echo; echo ' '", "printed nothing"),
            (f"echo {KEY.reveal()}; echo user: me", "more than one line"),
            ("echo kg-test key-0000", "is not a key"),
            ("echo short", "is not a key"),
            (r"printf 'kg-test-\377\376-0000'", "is not a key"),
            ("head -c 100000 /dev/zero | tr '\\0' k", "more than one line|is not a key"),
        ],
    )
    async def test_what_is_no_key(self, credentials: Credentials, script: str, said: str) -> None:
        environment = shell(script)
        with pytest.raises(KeyCommandError, match=said) as caught:
            await credentials.key(environment)
        assert "key-0000" not in str(caught.value)
        assert credentials.cached(environment) is None
        assert (await credentials.key_status(environment)).place == "key_command"

    async def test_a_program_that_is_not_there(self, credentials: Credentials, tmp_path: Path) -> None:
        with pytest.raises(KeyCommandError, match="no program gale-no-such-program"):
            await credentials.key(commanded("gale-no-such-program"))
        (tmp_path / "plain").write_text("text")
        with pytest.raises(KeyCommandError, match="cannot be started: Permission denied"):
            await credentials.key(commanded(str(tmp_path / "plain")))

    async def test_one_that_takes_too_long_is_ended_with_all_it_started(
        self, credentials: Credentials, tmp_path: Path
    ) -> None:
        credentials.command_limit = 0.5
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        # The child holds the pipe open for writing as long as it lives.
        environment = shell(f"sleep 1000 9>{pipe} & yes | while read line; do echo $line; done")
        reading = asyncio.create_task(asyncio.to_thread(pipe.read_bytes))
        with pytest.raises(KeyCommandError, match=r"no key within 0\.5 seconds"):
            await credentials.key(environment)
        assert await asyncio.wait_for(reading, 20) == b"", "the child is gone"

    async def test_one_that_leaves_a_child_behind_still_gives_its_key(self, credentials: Credentials) -> None:
        assert await credentials.key(shell(f"sleep 1000 & echo {KEY.reveal()}")) == KEY

    @pytest.mark.parametrize(("what", "mode"), [("file", 0o620), ("file", 0o602), ("folder", 0o770), ("folder", 0o707)])
    async def test_it_is_refused_where_others_can_write_the_file(
        self, credentials: Credentials, paths: Paths, tmp_path: Path, what: str, mode: int
    ) -> None:
        (paths.config_file if what == "file" else paths.config_file.parent).chmod(mode)
        ran = tmp_path / "ran"
        with pytest.raises(KeyCommandError, match=r"others can write .* Run: chmod go-w"):
            await credentials.key(shell(f"touch {ran}; echo {KEY.reveal()}"))
        assert not ran.exists()

    async def test_a_link_does_not_hide_the_file_that_others_can_write(
        self, credentials: Credentials, paths: Paths, tmp_path: Path
    ) -> None:
        real = tmp_path / "shared.toml"
        real.touch()
        real.chmod(0o666)
        paths.config_file.unlink()
        paths.config_file.symlink_to(real)
        with pytest.raises(KeyCommandError, match=r"shared\.toml"):
            await credentials.key(shell(f"echo {KEY.reveal()}"))

    async def test_a_sticky_folder_is_no_danger(self, credentials: Credentials, paths: Paths) -> None:
        paths.config_file.parent.chmod(0o1777)
        assert await credentials.key(shell(f"echo {KEY.reveal()}")) == KEY

    async def test_without_the_file_it_is_not_run(self, credentials: Credentials, paths: Paths) -> None:
        paths.config_file.unlink()
        with pytest.raises(KeyCommandError, match="cannot be looked at"):
            await credentials.key(shell(f"echo {KEY.reveal()}"))


class Backend:
    """A keyring that does what no real one can be made to do."""

    def __init__(self, kept: str | None = None, error: Exception | None = None) -> None:
        self.kept = kept
        self.error = error
        self.deleted = 0

    def get_password(self, service: str, user: str) -> str | None:
        if self.error is not None:
            raise self.error
        return self.kept

    def set_password(self, service: str, user: str, password: str) -> None:
        if self.error is not None:
            raise self.error

    def delete_password(self, service: str, user: str) -> None:
        self.deleted += 1
        self.kept = None


class TestStrangeKeyrings:
    @pytest.fixture
    def use(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        def use(backend: Backend) -> Backend:
            allowed = keyrings._Allowed("keyring.backends.kwallet", "DBusKeyring", "KWallet", "bus")
            monkeypatch.setattr(keyrings, "_choose_backend", lambda: (backend, allowed))
            return backend

        return use

    @pytest.mark.parametrize(
        ("gives_back", "said"), [("kg-test-key-0000-wrong", "something else"), (None, "nothing"), ("", "nothing")]
    )
    async def test_what_comes_back_differs(
        self, credentials: Credentials, use: Any, gives_back: str | None, said: str
    ) -> None:
        backend = use(Backend(gives_back))
        with pytest.raises(KeyringUnavailableError, match=f"gave back {said}") as caught:
            await credentials.keep(STAGING, KEY)
        assert "key-0000" not in str(caught.value)
        assert backend.kept is None or not backend.kept
        assert credentials.cached(STAGING) is None

    async def test_what_is_kept_is_no_key(self, credentials: Credentials, use: Any) -> None:
        use(Backend("two words"))
        with pytest.raises(NoKeyError, match="is not a key") as caught:
            await credentials.key(STAGING)
        assert "two words" not in str(caught.value)

    async def test_whatever_it_raises_becomes_a_sentence_without_the_key(
        self, credentials: Credentials, use: Any
    ) -> None:
        use(Backend(error=RuntimeError(f"cannot store {KEY.reveal()}\x1b[31m")))
        with pytest.raises(KeyringUnavailableError, match="RuntimeError: cannot store ••••") as caught:
            await credentials.keep(STAGING, KEY)
        assert "\x1b" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None, "its frames hold the key"

    async def test_locked_ones_are_told_by_name(self, credentials: Credentials, use: Any) -> None:
        from keyring.errors import KeyringLocked

        use(Backend(error=KeyringLocked("no")))
        with pytest.raises(KeyringLockedError):
            await credentials.key(STAGING)
        assert (await credentials.key_status(STAGING)).place == "locked"

    async def test_one_that_does_not_delete(self, credentials: Credentials, use: Any) -> None:
        class Stubborn(Backend):
            def delete_password(self, service: str, user: str) -> None:
                self.deleted += 1

        backend = use(Stubborn("kg-test-key-0000-stays"))
        with pytest.raises(KeyringUnavailableError, match="did not delete"):
            await credentials.forget(STAGING)
        assert backend.deleted == 10

    async def test_a_class_that_only_bears_the_name(
        self, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import keyring.backends.null
        import keyring.backends.SecretService

        class Keyring(keyring.backends.null.Keyring):
            priority = 9.0

        monkeypatch.setattr(keyring.backends.SecretService, "Keyring", Keyring)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
        assert "not what it seems" in (await credentials.keyring_state()).explanation
