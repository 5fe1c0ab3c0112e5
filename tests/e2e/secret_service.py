"""A real Secret Service for a test: gnome-keyring on a bus of its own, in a home of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import secretstorage
from jeepney import DBusAddress, MessageType, new_method_call  # type: ignore[import-untyped]  # it has no annotations
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]  # it has no annotations
from jeepney.io.blocking import DBusConnection, open_dbus_connection  # type: ignore[import-untyped]  # it has no annotations

# Nothing is started on request: what a test needs on the bus it puts there.
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

NAME = "org.freedesktop.secrets"
_DEFAULT = "/org/freedesktop/secrets/aliases/default"


class SecretService:
    """A session bus, and on it gnome-keyring as often as it is started.

    Args:
        folder: Where its home is; short, because the path of a socket is limited.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "keyring-home"
        self.home.mkdir(mode=0o700)
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        socket = runtime / "bus"
        config = folder / "bus.conf"
        config.write_text(_BUS.format(socket=socket))
        self.address = f"unix:path={socket}"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(runtime),
            "DBUS_SESSION_BUS_ADDRESS": self.address,
        }
        self._held: list[DBusConnection] = []
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address=1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environ,
        )
        assert self._bus.stdout is not None
        # It prints its address once it listens.
        assert self._bus.stdout.readline().startswith(b"unix:")

    def start_daemon(self, password: str | None) -> None:
        """Starts gnome-keyring and unlocks its login keyring, which the first password makes; None leaves it alone."""
        how = ["--start"] if password is None else ["--unlock"]
        subprocess.run(
            ["gnome-keyring-daemon", "--components=secrets", *how],
            input=b"" if password is None else password.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environ,
            check=True,
            timeout=30,
        )
        # It goes to the background shortly before it is on the bus.
        self._wait_until(on_the_bus=True)

    @property
    def daemon(self) -> int:
        """The process id of the daemon on the bus."""
        with closing(open_dbus_connection(self.address)) as connection:
            reply = connection.send_and_get_reply(message_bus.GetConnectionUnixProcessID(NAME))
            return int(reply.body[0])

    def stop_daemon(self) -> None:
        """Ends it and waits until the bus knows."""
        pid = self.daemon
        os.kill(pid, signal.SIGKILL)
        self._wait_until(on_the_bus=False)

    def _wait_until(self, *, on_the_bus: bool) -> None:
        deadline = time.monotonic() + 20
        with closing(open_dbus_connection(self.address)) as connection:
            while connection.send_and_get_reply(message_bus.NameHasOwner(NAME)).body[0] != on_the_bus:
                assert time.monotonic() < deadline, "gnome-keyring neither comes nor goes"

    def lock(self) -> None:
        """Locks the default collection."""
        with closing(open_dbus_connection(self.address)) as connection:
            service = DBusAddress("/org/freedesktop/secrets", NAME, "org.freedesktop.Secret.Service")
            reply = connection.send_and_get_reply(new_method_call(service, "Lock", "ao", ([_DEFAULT],)))
            assert reply.header.message_type is MessageType.method_return, reply.body

    def hold_prompts(self) -> None:
        """From now on a prompt is shown to somebody who never answers."""
        connection = open_dbus_connection(self.address)
        self._held.append(connection)
        connection.send_and_get_reply(message_bus.RequestName("org.gnome.keyring.SystemPrompter"))

    def wait_for_prompt(self) -> None:
        """Returns once the daemon asks for a prompt that is held."""
        while self._held[-1].receive(timeout=20).header.message_type is not MessageType.method_call:
            pass

    def secrets(self) -> dict[str, bytes]:
        """What is kept for gale-tui, by user name."""
        with closing(open_dbus_connection(self.address)) as connection:
            collection = secretstorage.Collection(connection)
            return {
                item.get_attributes()["username"]: item.get_secret()
                for item in collection.search_items({"service": "gale-tui"})
            }

    def kill_bus(self) -> None:
        """The bus dies under everybody who is on it."""
        self._bus.kill()
        self._bus.wait(10)

    def close(self) -> None:
        """Ends everything."""
        pid = 0
        with contextlib.suppress(Exception):  # the bus or the daemon may be gone, as the test wanted
            pid = self.daemon
        for connection in self._held:
            connection.close()
        self.kill_bus()
        if self._bus.stdout is not None:
            self._bus.stdout.close()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
