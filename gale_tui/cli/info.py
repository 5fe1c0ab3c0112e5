"""`gale-tui info`: where files are and what was found, without secrets."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Mapping

from gale_tui import __version__
from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.environments import environment_from_variables
from gale_tui.core.config.paths import Paths
from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import GaleError
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads
from gale_tui.tui.terminal.framework import private_problem

PACKAGES = ("textual", "httpx", "keyring", "platformdirs", "truststore", "tomlkit", "argcomplete")
VARIABLES = ("GALE_TUI_HOME", "GALE_HOST", "NO_COLOR", "TERM", "COLORTERM", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
HIDDEN = ("GALE_API_KEY", *PROXIES, *map(str.lower, PROXIES))


async def report(paths: Paths, environ: Mapping[str, str]) -> str:
    """The whole report as text.

    Args:
        environ: The environment variables; values that may hold a secret are shown as set or not set.
    """
    lines = [f"gale-tui {__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}", ""]
    lines += ["Files"]
    for name, path in (
        ("configuration", paths.config_file),
        ("history", paths.store_file),
        ("log", paths.log_file),
        ("downloads", paths.downloads),
    ):
        lines.append(f"  {name:<15} {path}{'' if path.exists() else '  (not there yet)'}")
    lines += ["", "Packages"]
    lines += [f"  {name:<15} {importlib.metadata.version(name)}" for name in PACKAGES]
    lines += ["", "Terminal"]
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    lines.append(f"  {'encoding':<15} {encoding}, {'a terminal' if sys.stdout.isatty() else 'not a terminal'}")
    problem = private_problem()
    painting = f"the framework's own: {problem}" if problem else "differences only"
    lines.append(f"  {'painting':<15} {painting}")
    lines += [f"  {name:<15} {environ[name]}" for name in VARIABLES if environ.get(name)]
    lines += [f"  {name:<15} set" for name in HIDDEN if environ.get(name)]
    lines += ["", "Environments"]
    lines += await _environments(paths, environ)
    return "\n".join(lines) + "\n"


async def _environments(paths: Paths, environ: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    threads = DaemonThreads("info")
    found: list[Environment] = []
    fixed: dict[str, Secret] = {}
    try:
        given = environment_from_variables(environ)
        if given is not None:
            found.append(given[0])
            fixed[given[0].id] = given[1]
    except GaleError as error:
        lines.append(f"  problem: {error}")
    try:
        config = ConfigFile(paths.config_file).load()
        found += config.environments
        lines += [f"  problem: {problem}" for problem in config.problems]
    except GaleError as error:
        lines.append(f"  problem: {error}")
    credentials = Credentials(config_file=paths.config_file, threads=threads, fixed=fixed)
    for environment in found:
        try:
            where = (await credentials.key_status(environment)).text
        except GaleError as error:
            where = error.what
        prod = " PROD" if environment.production else ""
        lines.append(f"  {environment.name:<15} {environment.origin.display}{prod}  key: {where}")
    if not found:
        lines.append("  none yet: start gale-tui and add one")
    state = await credentials.keyring_state()
    lines += ["", "Keyring", f"  {state.name or 'none'}: {'usable' if state.available else state.explanation}"]
    threads.close()
    return lines
