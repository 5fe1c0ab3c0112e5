"""Where gale-tui keeps its files. Nothing is created here: the writer of a file makes its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

APP = "gale-tui"


@dataclass(frozen=True, slots=True)
class Paths:
    config_file: Path
    """Environments and settings, `config.toml`; never a key."""
    store_file: Path
    """The history, `jobs.sqlite3`."""
    log_file: Path
    downloads: Path
    """The default download folder."""
    home: Path | None = None
    """The one folder for everything, if there is one."""

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Paths:
        """The paths of this user.

        Args:
            environ: The environment variables. `GALE_TUI_HOME` names one folder for everything; the default is the
                platform's folders.
        """
        chosen = environ.get("GALE_TUI_HOME", "").strip()
        if chosen:
            return cls.under(Path(chosen))
        # Imported here: it is not needed where GALE_TUI_HOME is set or in the demo.
        import platformdirs

        return cls(
            config_file=platformdirs.user_config_path(APP, appauthor=False) / "config.toml",
            store_file=platformdirs.user_data_path(APP, appauthor=False) / "jobs.sqlite3",
            log_file=platformdirs.user_state_path(APP, appauthor=False) / "gale-tui.log",
            downloads=platformdirs.user_downloads_path(),
        )

    @classmethod
    def under(cls, folder: Path) -> Paths:
        """Everything in one folder; `~` is the user's home, a relative path starts at the working folder."""
        # Where no home is found for "~name", it is a folder of that name.
        home = Path.cwd() / os.path.expanduser(folder)
        return cls(
            config_file=home / "config.toml",
            store_file=home / "jobs.sqlite3",
            log_file=home / "gale-tui.log",
            downloads=home / "downloads",
            home=home,
        )
