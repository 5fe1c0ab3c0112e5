"""Faults of the link, of the line and of the file: never half a file under a whole one's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gale_tui.core.models import DownloadState
from gale_tui.sandbox.script import Fault, File, Link, Script
from tests.faults.stories import exported
from tests.faults.world import TOOL, Injected, World
from tests.support import faults
from tests.support.answers import headed, link_to, misjudged, relative_link
from tests.support.bad_files import bad_file
from tests.support.certificates import Authority
from tests.support.faults import HOSTILE
from tests.support.sandbox import Sandbox

__all__ = ["FAULTS"]

ZIP = "Scripted Tool--staging--TIME.zip, whole"
PART = "Scripted Tool--staging--TIME.zip.part, some bytes"
SAVED = ("history: succeeded, file saved", ZIP)
NOT_SAVED = ("history: succeeded, file failed",)
EXPIRED = ("history: succeeded, file expired",)
LARGE = File(size=300_000)


def saved(
    name: str,
    how: str,
    *sees: str,
    link: Link | None = None,
    file: File | None = None,
    spoilt: tuple[Fault, ...] = (),
    url_in: str = "export",
    story: Callable[[World], Awaitable[None]] = exported,
    patience: float | None = None,
    disk: tuple[str, ...] = SAVED,
) -> Injected:
    """It is said while it lasts, and the file comes whole."""
    return Injected(
        name=f"download: {name}",
        how=how,
        script=script(link, file, spoilt, url_in),
        story=story,
        sees=(*sees, "SUCCESS saved"),
        disk=disk,
        patience=patience,
        speed=80.0,
    )


def not_saved(
    name: str,
    how: str,
    *sees: str,
    link: Link | None = None,
    file: File | None = None,
    spoilt: tuple[Fault, ...] = (),
    url_in: str = "export",
    story: Callable[[World], Awaitable[None]] = exported,
    disk: tuple[str, ...] = NOT_SAVED,
) -> Injected:
    """It is said, and nothing is kept that could be taken for the file."""
    return Injected(
        name=f"download: {name}",
        how=how,
        script=script(link, file, spoilt, url_in),
        story=story,
        sees=sees,
        disk=disk,
        speed=150.0,
    )


def script(link: Link | None, file: File | None, spoilt: tuple[Fault, ...], url_in: str) -> Script:
    assert url_in in ("export", "status", "both", "neither")
    return Script(
        duration=2.0,
        link=link or Link(),
        file=file or File(),
        on_download=spoilt,
        url_in=url_in,  # type: ignore[arg-type]  # one of the four, as asserted
    )


async def no_key_elsewhere(world: World) -> None:
    """An export whose file is on another origin: the key does not go there."""
    await exported(world)
    elsewhere = [record for record in world.sandbox.requests if record.origin == world.sandbox.other_url]
    assert elsewhere
    assert not any(record.header("x-api-key") for record in elsewhere)


async def goes_on_with_a_range(world: World) -> None:
    """An export whose download is cut: the rest alone is asked for."""
    await exported(world)
    asked = world.sandbox.downloads(world.job.dock_status_id or "")
    assert [record.header("Range") is not None for record in asked] == [False, True]


async def ended_in_the_middle(world: World) -> None:
    await world.start()
    await world.export()
    await world.until(lambda: world.job.state.final)
    await world.until(lambda: (world.engine.downloads.progress(world.job.id) or world.job.download).received > 50_000)
    await world.stop()
    part = next(world.paths.downloads.glob("*.part"))
    assert 0 < part.stat().st_size < 300_000
    await world.start()
    await world.until_settled()
    asked = world.sandbox.downloads(world.job.dock_status_id or "")
    assert [record.header("Range") is not None for record in asked] == [False, True]


async def lines_dropped(world: World) -> None:
    await world.start()
    await world.export()
    await world.until(lambda: (world.engine.downloads.progress(world.job.id) or world.job.download).received > 50_000)
    world.sandbox.cut_connections()
    await world.until_settled()


async def d_after_the_end(world: World) -> None:
    """The file fails, and d is pressed."""
    await exported(world)
    assert world.job.download.state is not DownloadState.SAVED
    world.look("notification", (await world.engine.jobs.download(world.job.id)).text)
    await world.until_seen("SUCCESS saved")


async def from_https_to_http(world: World) -> None:
    authority = Authority(world.home.parent)
    secure = world.cleanup.enter_context(Sandbox(tls=authority.issue("127.0.0.1"), speed=world.clock.factor))
    secure.script(TOOL, world.fault.script)
    world.host, world.key = secure.url, secure.key
    world.environment_fields["ca_file"] = authority.file
    await exported(world)
    world.posted_elsewhere = len(secure.posts(TOOL))
    # Not one request in the clear.
    assert all(record.origin == secure.url for record in secure.requests)


async def key_asked_for(world: World) -> None:
    await exported(world)
    asked = world.sandbox.downloads(world.job.dock_status_id or "")
    assert [record.header("x-api-key") is not None for record in asked] == [False, True]


def disposition(what: str, text: str, becomes: str) -> Injected:
    """A name that a careless program would act upon."""
    return saved(
        f"file name with {what}",
        f"`Content-Disposition` has {what} in the name",
        file=File(name=f"{text}Tool.zip"),
        story=a_name_that_is_safe,
        disk=("history: succeeded, file saved", f"{becomes}--staging--TIME.zip, whole"),
    )


async def a_name_that_is_safe(world: World) -> None:
    await exported(world)
    path = world.job.download.path
    assert path is not None
    assert path.parent == world.paths.downloads
    assert path.name.isprintable()
    assert len(path.name.encode()) <= 255
    assert not path.name.startswith((".", "-"))
    assert [each.name for each in world.paths.downloads.iterdir()] == [path.name]


FAULTS = (
    saved("relative link", "the link has neither scheme nor host", link=relative_link()),
    saved("relative link without a slash", "the link has no leading slash", link=relative_link("")),
    saved("link without a scheme", "the link begins with //", link=Link(write=lambda url: url.partition(":")[2])),
    saved("white space around the link", "blanks, a tab and a line break",
          link=Link(write=lambda url: f" \t{url}\r\n ")),
    saved(
        "link that works late, 404", "404 until 60 s after SUCCESS", "not ready", link=Link(ready_after=60.0)
    ),
    saved(
        "link that works late, 403 in XML", "a store's 403 until 60 s after SUCCESS", "not ready",
        link=Link(ready_after=60.0, not_ready=403, not_ready_body="xml"),
    ),
    saved(
        "link that works late, 409", "409 until 60 s after SUCCESS", "not ready",
        link=Link(ready_after=60.0, not_ready=409),
    ),
    Injected(
        name="download: expired link, a fresh one to be had",
        how="the first link ends before SUCCESS; the status answer has a new one",
        script=Script(duration=60.0, link=Link(lifetime=55.0), url_in="both"),
        story=exported,
        sees=("SUCCESS saved",),
        disk=SAVED,
    ),
    not_saved(
        "expired link, none to be had", "the only link ends before SUCCESS", "expired", "row, link_expired: ",
        link=Link(lifetime=1.0), disk=EXPIRED,
    ),
    not_saved(
        "never a link", "no answer has a link", "row, no_link: ", url_in="neither"
    ),
    saved(
        "link on another host", "the file is on another origin, which must not see the key",
        link=Link(host="other"), story=no_key_elsewhere,
    ),
    not_saved(
        "link in the clear", "a link with http to another machine", "http",
        link=link_to("http://files.example/x.zip?signature=0000"),
    ),
    not_saved("link of another kind", "a file: link", "file", link=link_to("file:///etc/passwd")),
    saved(
        "three redirects", "own, relative, another host", link=Link(redirects=("own", "relative", "other")),
        story=no_key_elsewhere,
    ),
    not_saved("redirects in a circle", "the last hop leads to the first", "row, refused: ",
              link=Link(redirects=("own", "relative") * 5)),
    not_saved(
        "redirect from https to http", "a server with TLS sends on to a port without", "http",
        link=Link(redirects=("plain",)), story=from_https_to_http,
    ),
    saved("link that needs the key", "401 without the key", link=Link(key="needed"), story=key_asked_for),
    saved("link that refuses the key", "400 with the key", link=Link(key="refused")),
    not_saved("401 whatever is sent", "401 with the key and without", "401", spoilt=(faults.refused(401),)),
    not_saved("a web page", "an HTML page with 200 instead of the zip", "row, not_a_zip: ",
              file=bad_file("html")),
    not_saved("something else", "bytes that are no zip", "row, not_a_zip: ", file=bad_file("not a zip")),
    not_saved("an empty file", "200 without a byte", "row, not_a_zip: ", file=bad_file("empty")),
    saved("cut in the middle", "the line is closed after 1,000 bytes", "resumable", spoilt=(faults.cut(1000),),
          story=goes_on_with_a_range),
    saved("reset in the middle", "the line is reset after 100,000 bytes", "resumable", file=LARGE,
          spoilt=(faults.cut(100_000, reset=True),)),
    saved("cut before the answer", "the line is closed, twice", "resumable", spoilt=(faults.cut("answer", times=2),)),
    saved("all lines dropped", "every connection is closed while the file comes", "resumable",
          file=File(size=300_000, pace=5_000.0), story=lines_dropped),
    not_saved("cut again and again", "the line is closed before each answer",
              "row, interrupted: ", spoilt=(faults.cut("answer", times=None),),
              disk=("history: succeeded, file resumable",)),
    saved("silent truncation, then d", "no Content-Length, and the line is closed after 1,000 bytes", "not saved",
          file=File(length="absent"), spoilt=(faults.cut(1000),), story=d_after_the_end),
    saved("stalled", "1,000 bytes, then silence", "resumable", "row, interrupted: ", spoilt=(faults.stalled(1000),),
          patience=0.6),
    saved("stalled before the answer", "no answer on the link", "resumable", spoilt=(faults.stalled("answer"),),
          patience=0.6),
    saved("no ranges", "cut after 1,000 bytes by a server that knows no ranges", "resumable",
          file=File(ranges=False), spoilt=(faults.cut(1000),)),
    saved("no validator", "cut by a server that gives neither ETag nor date", "resumable",
          file=File(edit=headed(etag=None, last_modified=None)), spoilt=(faults.cut(1000),)),
    saved("changed in between", "cut, and then it is another file", "resumable",
          file=File(changes_after=1), spoilt=(faults.cut(1000),)),
    saved("in pieces of unknown number", "chunked, without a Content-Length", file=File(length="chunked")),
    not_saved("shorter than announced", "Content-Length is 10 bytes too many, each time", "resumable",
              file=File(edit=misjudged(10), ranges=False),
              disk=("history: succeeded, file resumable", PART)),
    not_saved("longer than announced", "Content-Length is 10 bytes too few", "not saved",
              file=File(edit=misjudged(-10))),
    saved("500, then 503", "two server errors on the link", "resumable", "row, interrupted: ", "(503",
          spoilt=(faults.server_error(500), faults.server_error(503))),
    saved("429 with Retry-After", "the link is answered 429, to wait for 20 s", "row, interrupted: ",
          spoilt=(faults.rate_limited(20),)),
    not_saved("wrong checksum within", "an entry's CRC does not fit", "not saved", file=bad_file("bad crc")),
    not_saved("zip cut short", "a whole answer with half a zip", "not saved", file=bad_file("cut short")),
    not_saved("zip bomb", "entries that unpack to far more than they should", "not saved", file=bad_file("bomb")),
    saved("hostile names within", "entries that would leave the folder; nothing is unpacked",
          file=bad_file("hostile names")),
    not_saved("thousands of entries", "more entries than a tool can have", "not saved", file=bad_file("many entries")),
    saved("ended in the middle", "gale-tui is ended while the file comes, and started again",
          file=File(size=300_000, pace=5_000.0), story=ended_in_the_middle),
    disposition("a path", HOSTILE["path"], "passwd.zipTool"),
    disposition("a Windows path", "C:\\Windows\\..\\", "Tool"),
    disposition("control characters", HOSTILE["controls"], "Tool"),
    disposition("escape sequences", HOSTILE["ansi"], "[31;5mred[0m [2J[H[_1049lTool"),
    disposition("text that turns round", HOSTILE["bidi"], "fdp.exe isolated Tool"),
    disposition("a thousand letters", "n" * 1000, "n" * 120),
    disposition("a leading dot and dash", ".-rf ", "rf Tool"),
)  # fmt: skip
