"""Every test has its own home and sees nothing of the person who runs it."""

from __future__ import annotations

import gc
import itertools
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gale_tui.core import secret
from gale_tui.core.config.paths import Paths
from tests.support.examples import examples
from tests.support.stylesheets import parse_style_sheets_once

_FOREIGN = ("DBUS_SESSION_BUS_ADDRESS", "NO_COLOR", "PYTHON_KEYRING_BACKEND", "SSL_CERT_DIR", "SSL_CERT_FILE")
_KEPT = ("GALE_TUI_EXAMPLES", "GALE_TUI_REQUIRE_ALL")


def pytest_configure() -> None:
    """Bounds the property tests: the same examples each time, more and random ones with GALE_TUI_EXAMPLES=N.

    Nothing is collected as garbage before the tests begin, and no style sheet is parsed twice.
    """
    more = examples(1) > 1
    settings.register_profile(
        "gale-tui",
        max_examples=examples(30),
        derandomize=not more,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("gale-tui")
    gc.disable()
    parse_style_sheets_once()


def pytest_collection_finish() -> None:
    """Keeps the garbage collector off the modules and the tests: they stay to the end."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 50)


def pytest_unconfigure() -> None:
    """Collects the garbage of the last tests once: pytest does so five times, through all that there is."""
    gc.collect()
    gc.freeze()


_numbers = itertools.count()


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and links that other tests have used are not looked for, as in a process of its own."""
    monkeypatch.setattr(secret, "_known", secret._Known())


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new folder. pytest's own one looks through those of all tests before for the next number of its name."""
    return tmp_path_factory.mktemp(f"test{next(_numbers)}", numbered=False)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that is not there yet; no environment variable of gale-tui, keyring or a proxy is seen."""
    for name in list(os.environ):
        foreign = name.startswith(("GALE_", "XDG_", "KEYRING_PROPERTY_")) or name.lower().endswith("_proxy")
        if (foreign or name in _FOREIGN) and name not in _KEPT:
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / f"home{next(_numbers)}"
    monkeypatch.setenv("HOME", str(home))
    for name, folder in (("CONFIG", ".config"), ("DATA", ".local/share"), ("STATE", ".local/state")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    return home


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """All of gale-tui's places in one folder that is not there yet."""
    return Paths.under(tmp_path / "gale")
