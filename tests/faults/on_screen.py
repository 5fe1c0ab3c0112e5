"""Faults as they look in the app itself: its forms, dialogs, rows and notifications, driven by keys."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable

from textual.pilot import Pilot

from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.history.schema import MIGRATIONS
from gale_tui.core.identifiers import parse_host
from gale_tui.core.jobs.reasons import describe
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret
from gale_tui.sandbox.script import Fault, File, Script
from gale_tui.tui.app import GaleApp
from gale_tui.tui.screens.dialogs import KeyDialog
from gale_tui.tui.screens.environments.environments import EnvironmentsScreen
from gale_tui.tui.screens.export_form import ExportForm
from gale_tui.tui.screens.jobs import JobsScreen
from gale_tui.tui.terminal.checkbox import FormCheckbox
from gale_tui.tui.widgets.forms.fields import FieldInput
from tests.faults.on_disk import a_newer_history
from tests.faults.world import FLOW, TOOL, Injected, World
from tests.support import faults
from tests.support.bad_files import bad_file
from tests.support.faults import HOSTILE
from tests.tui.real_app import until

__all__ = ["FAULTS"]

SAVED = ("history: succeeded, file saved", "Scripted Tool--staging--TIME.zip, whole")
FRAMES = str.maketrans(dict.fromkeys("│┃┌┐└┘─━┏┓┗┛╭╮╰╯▌▐▊▎▔▁█▏▕", " "))


class Screen:
    """The app on a screen of 150 × 40 and the keyboard before it."""

    def __init__(self, world: World, app: GaleApp, pilot: Pilot[int]) -> None:
        self.world = world
        self.app = app
        self.pilot = pilot

    def lines(self) -> list[str]:
        """What is on the screen, without frames."""
        strips = self.app.screen._compositor.render_strips()
        return [" ".join("".join(segment.text for segment in strip).translate(FRAMES).split()) for strip in strips]

    async def until(self, true: Callable[[], object]) -> None:
        """Lets the app work until something holds."""
        try:
            # Not more often: to read the screen takes as long as to draw it.
            await until(self.pilot, true, 0.025)
        except TimeoutError:
            raise AssertionError("waited in vain; the screen:\n" + "\n".join(self.lines())) from None

    async def reads(self, words: str) -> None:
        """Waits until the words are on the screen, and notes their line."""
        await self.until(lambda: self._with(words) is not None)
        self.world.look("screen", self._with(words) or "")

    async def reads_reason(self) -> None:
        """Waits until the sentence of the one job's reason is on the screen, or its beginning; notes the line."""
        world = self.world
        await self.until(lambda: describe(world.job) and self._with(describe(world.job).text[:20]) is not None)
        self.world.look("screen", self._with(describe(world.job).text[:20]) or "", world.job.reason_code or "")

    def _with(self, words: str) -> str | None:
        """The line with the words, or the two that they are broken over: a path before them may be of any length."""
        lines = self.lines()
        pairs = (" ".join(pair).strip() for pair in itertools.pairwise(lines))
        return next((text for text in (*lines, *pairs) if words in text), None)

    async def export(self) -> None:
        """Fills the form and submits it, with keys."""
        await self.until(lambda: isinstance(self.app.screen, JobsScreen))
        await self.pilot.press("n")
        await self.until(lambda: isinstance(self.app.screen, ExportForm))
        self.app.screen.query_one("#tool-id", FieldInput).take_paste(TOOL)
        self.app.screen.query_one("#flow-id", FieldInput).take_paste(FLOW)
        await self.submit()

    async def submit(self) -> None:
        """Presses the form's button."""
        button = self.app.screen.query_one("#submit")
        button.focus()
        # While it looks pressed, for 0.2 s, a button takes no second press.
        await self.until(lambda: button.has_focus and not button.has_class("-active"))
        await self.pilot.press("enter")


@contextlib.asynccontextmanager
async def app_of(world: World) -> AsyncIterator[Screen]:
    """The app of a world whose environment is configured already."""
    world.make_engine()
    environment = Environment("e-1", "staging", parse_host(world.host))
    ConfigFile(world.paths.config_file).save_environment(environment)
    world.engine.environments.reload()
    world.keys.append(world.key)
    world.engine.credentials.keep_for_session(environment, Secret(world.key))
    app = GaleApp(world.engine, signals=False)
    async with app.run_test(size=(150, 40), notifications=True) as pilot:
        yield Screen(world, app, pilot)


async def refused_in_the_form(world: World) -> None:
    async with app_of(world) as screen:
        await screen.export()
        await screen.reads("(403)")
        form = screen.app.screen
        assert isinstance(form, ExportForm)
        # The form stays as it was typed.
        assert form.query_one("#tool-id", FieldInput).value == TOOL
        assert form.query_one("#flow-id", FieldInput).value == FLOW
        # The focus goes to the environment once the answer is drawn.
        await screen.until(lambda: screen.app.focused is form.query_one("#environment"))
        await screen.submit()
        await screen.reads("saved 2.2 kB")


async def key_asked_for(world: World) -> None:
    new = "kg-test-key-0000-rotated"
    async with app_of(world) as screen:
        await screen.export()
        await screen.reads("IN_PROGRESS")
        world.sandbox.key = new
        world.keys.append(new)
        await screen.until(lambda: isinstance(screen.app.screen, KeyDialog))
        await screen.reads("(401)")
        await screen.until(lambda: screen.app.screen.query_one("#session-only", FormCheckbox).value)
        screen.app.screen.query_one("#api-key", FieldInput).take_paste(new)
        await screen.pilot.press("enter")
        await screen.reads("saved 2.2 kB")


async def unconfirmed(world: World) -> None:
    async with app_of(world) as screen:
        await screen.export()
        await screen.reads("UNCONFIRMED")
        await screen.reads("(e)")


async def fails_with_markup(world: World) -> None:
    async with app_of(world) as screen:
        await screen.export()
        await screen.reads("FAILED")
        # In the details and in a notification, as it came.
        await screen.reads("Reason [bold red]markup[/bold red]")
        await screen.until(lambda: bool(screen.app._notifications))
        for notification in screen.app._notifications:
            assert not notification.markup
            world.look("notification", notification.message)


async def unreachable(world: World) -> None:
    async with app_of(world) as screen:
        await screen.export()
        await screen.reads("IN_PROGRESS")
        world.sandbox.stop()
        await screen.reads_reason()
        world.sandbox.start()
        await screen.reads("saved 2.2 kB")


async def cut_and_resumed(world: World) -> None:
    async with app_of(world) as screen:
        await screen.export()
        await screen.reads("resumable")
        await screen.reads("saved 300 kB")


async def no_zip(world: World) -> None:
    async with app_of(world) as screen:
        await screen.export()
        await screen.reads("not saved")


async def damaged(world: World) -> None:
    world.paths.store_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    world.paths.store_file.write_bytes(b"no history" * 1000)
    async with app_of(world) as screen:
        await screen.reads("The history was damaged")


async def newer(world: World) -> None:
    await a_newer_history(world)
    async with app_of(world) as screen:
        await screen.reads("was written by a newer gale-tui")


async def broken_config(world: World) -> None:
    world.paths.config_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    world.make_engine()
    text = '[environments.staging]\nhost = "https://gale.example\n'
    world.paths.config_file.write_text(text)
    world.engine.environments.reload()
    app = GaleApp(world.engine, signals=False)
    async with app.run_test(size=(150, 40), notifications=True) as pilot:
        screen = Screen(world, app, pilot)
        await screen.reads("line 2")
        await screen.until(lambda: isinstance(app.screen, JobsScreen | EnvironmentsScreen))
    # What cannot be read is never written over.
    assert world.paths.config_file.read_text() == text


FAULTS = (
    Injected(
        name="screen: 403 in the form",
        how="the POST is answered 403; the form is sent once more as it is",
        script=Script(duration=2.0, on_export=(faults.refused(403, times=1),)),
        story=refused_in_the_form,
        sees=("(403)", "saved 2.2 kB"),
        disk=SAVED,
        posts=2,
    ),
    Injected(
        name="screen: 401 while a job runs",
        how="GALE's key is changed; the dialog that opens is given the new one",
        script=Script(duration=90.0),
        story=key_asked_for,
        sees=("(401)", "saved 2.2 kB"),
        disk=SAVED,
    ),
    Injected(
        name="screen: no answer to the export",
        how="the line is closed once the request is whole",
        script=Script(on_export=(faults.cut("answer", started=True),)),
        story=unconfirmed,
        sees=("UNCONFIRMED", "(e)"),
        disk=("history: unconfirmed",),
    ),
    Injected(
        name="screen: a failure whose reason is markup",
        how="FAILED with a reason that looks like markup and a link",
        script=Script(outcome="FAILED", reason=HOSTILE["markup"]),
        story=fails_with_markup,
        sees=("Reason [bold red]markup[/bold red]", "FAILED. [bold red]markup[/bold red]"),
        disk=("history: failed",),
    ),
    Injected(
        name="screen: offline and online again",
        how="GALE's port is closed while the job runs, and opened again",
        script=Script(duration=90.0),
        story=unreachable,
        sees=("screen, unreachable: ", "saved 2.2 kB"),
        disk=SAVED,
    ),
    Injected(
        name="screen: a download that is cut",
        how="the line is closed after 100,000 bytes",
        script=Script(duration=2.0, file=File(size=300_000), on_download=(Fault(cut=100_000),)),
        story=cut_and_resumed,
        sees=("resumable", "saved 300 kB"),
        disk=SAVED,
        speed=3.0,
    ),
    Injected(
        name="screen: a web page instead of the zip",
        how="an HTML page with 200 on the link",
        script=Script(duration=2.0, file=bad_file("html")),
        story=no_zip,
        sees=("not saved",),
        disk=("history: succeeded, file failed",),
    ),
    Injected(
        name="screen: a damaged history",
        how="the file has rubbish in it at the start",
        story=damaged,
        sees=("The history was damaged",),
        disk=("history: no job", "jobs.sqlite3.damaged-TIME"),
        posts=0,
    ),
    Injected(
        name="screen: a newer history",
        how="a later gale-tui wrote it",
        story=newer,
        sees=("was written by a newer gale-tui",),
        disk=("history: no job", f"jobs-version-{len(MIGRATIONS)}.sqlite3: no job"),
        posts=0,
    ),
    Injected(
        name="screen: config.toml that cannot be read",
        how="a quotation mark is missing in its second line",
        story=broken_config,
        sees=("line 2",),
        disk=("history: no job",),
        posts=0,
    ),
)
