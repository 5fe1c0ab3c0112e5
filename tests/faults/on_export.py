"""Faults of the export call itself: what certainly did not start, and what may have."""

from __future__ import annotations

import socket

from gale_tui.sandbox.script import Fault, Script
from tests.faults.stories import exported, refused, typed_again
from tests.faults.world import Injected, World
from tests.support import faults
from tests.support.certificates import Authority

__all__ = ["FAULTS"]

SAVED = ("history: succeeded, file saved", "Scripted Tool--staging--TIME.zip, whole")
UNCONFIRMED = ("history: unconfirmed",)
NOTHING = ("history: no job",)


def on_export(*spoilt: Fault) -> Script:
    return Script(duration=2.0, on_export=spoilt)


async def nobody_listens(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    world.host = f"http://127.0.0.1:{port}"
    await refused(world)


async def unknown_name(world: World) -> None:
    world.host = "https://gale.invalid"
    await refused(world)


async def untrusted_certificate(world: World) -> None:
    from tests.support.sandbox import Sandbox

    tls = Authority(world.home.parent).issue("localhost", self_signed=True)
    secure = world.cleanup.enter_context(Sandbox(tls=tls))
    world.host = secure.url
    await refused(world)
    assert not secure.requests


async def expired_certificate(world: World) -> None:
    from tests.support.sandbox import Sandbox

    authority = Authority(world.home.parent)
    secure = world.cleanup.enter_context(Sandbox(tls=authority.issue("127.0.0.1", days=(-2, -1))))
    world.host = secure.url
    world.environment_fields["ca_file"] = authority.file
    await refused(world)
    assert not secure.requests


async def wrong_key(world: World) -> None:
    world.key = "kg-test-key-0000-wrong"
    await refused(world)


async def restarted_while_waiting(world: World) -> None:
    await world.start()
    await world.export()
    await world.restart()
    await world.until_settled()


def unconfirmed(name: str, how: str, *sees: str, spoilt: Fault, patience: float | None = None) -> Injected:
    """GALE may have started it: never sent again, and said so."""
    return Injected(
        name=f"export: {name}",
        how=how,
        script=on_export(spoilt),
        story=exported,
        sees=(*sees, "UNCONFIRMED"),
        disk=UNCONFIRMED,
        patience=patience,
    )


def rejected(status: int, *sees: str, message: str | None = None) -> Injected:
    """GALE said no: the form stays, there is no row, and once it says yes the same form goes through."""
    return Injected(
        name=f"export: {status}",
        how=f"the POST is answered {status}, the next one properly",
        script=on_export(faults.refused(status, message, times=1)),
        story=typed_again(),
        sees=(*sees, "SUCCESS saved"),
        disk=SAVED,
        posts=2,
    )


FAULTS = (
    Injected(
        name="export: connection refused",
        how="nothing listens at the port",
        story=nobody_listens,
        sees=("form, unreachable: ",),
        disk=NOTHING,
        posts=0,
    ),
    Injected(
        name="export: unknown host name",
        how="a name that no DNS knows",
        story=unknown_name,
        sees=("form, name_not_found: ",),
        disk=NOTHING,
        posts=0,
    ),
    Injected(
        name="export: certificate of an unknown authority",
        how="a server with a certificate that it signed itself",
        story=untrusted_certificate,
        sees=("form, tls: ",),
        disk=NOTHING,
        posts=0,
    ),
    Injected(
        name="export: expired certificate",
        how="a server whose certificate ended yesterday",
        story=expired_certificate,
        sees=("form, tls: ",),
        disk=NOTHING,
        posts=0,
    ),
    rejected(400, "flowId is unknown", message="flowId is unknown"),
    rejected(403, "403"),
    rejected(404, "404"),
    rejected(409, "409"),
    Injected(
        name="export: 401, wrong key",
        how="GALE has another key",
        story=wrong_key,
        sees=("401",),
        disk=NOTHING,
    ),
    Injected(
        name="export: a proxy's page with 403",
        how="an HTML page instead of GALE's answer",
        script=on_export(faults.html_page(403)),
        story=refused,
        sees=("403", "502 Bad Gateway"),
        disk=NOTHING,
    ),
    Injected(
        name="export: 429 with Retry-After in seconds",
        how="the POST is answered 429 and is to wait for 6 s",
        script=on_export(faults.rate_limited(6)),
        story=exported,
        sees=("row, rate_limited: … WAITING hh:mm:ss", "SUCCESS saved"),
        disk=SAVED,
        posts=2,
    ),
    Injected(
        name="export: 429 with Retry-After as a date",
        how="the same, as an HTTP date",
        script=on_export(faults.rate_limited(6, as_date=True)),
        story=exported,
        sees=("row, rate_limited: … WAITING hh:mm:ss", "SUCCESS saved"),
        disk=SAVED,
        posts=2,
    ),
    Injected(
        name="export: 429 without Retry-After, three times",
        how="the POST is answered 429 three times",
        script=on_export(faults.rate_limited(times=3)),
        story=exported,
        sees=("WAITING", "SUCCESS saved"),
        disk=SAVED,
        posts=4,
        speed=100.0,
    ),
    Injected(
        name="export: 429, ended and started again while waiting",
        how="the POST is answered 429; gale-tui is ended before it is sent again",
        script=on_export(faults.rate_limited(40)),
        story=restarted_while_waiting,
        sees=("WAITING", "SUCCESS saved"),
        disk=SAVED,
        posts=2,
    ),
    *(
        unconfirmed(str(status), f"a gateway answers {status}", str(status), spoilt=faults.server_error(status))
        for status in (500, 502, 503, 504)
    ),
    unconfirmed(
        "a log-in page with 200",
        "an HTML page instead of GALE's answer",
        spoilt=faults.html_page(200, started=True),
    ),
    unconfirmed("broken JSON", "200, and JSON that breaks off", spoilt=faults.bad_json()),
    unconfirmed("empty answer", "200 without a byte", spoilt=faults.empty_body()),
    unconfirmed("oversized answer", "200 and 4 MiB of JSON", spoilt=faults.oversized()),
    unconfirmed(
        "compressed answer", "200, gzip that nobody asked for", "compressed", spoilt=faults.gzipped()
    ),
    unconfirmed("no dock status id", "200 and JSON of another kind", spoilt=Fault(status=200, body="{}", started=True)),
    unconfirmed(
        "cut before the answer", "the line is closed once the request is whole", "row, no_answer: ",
        spoilt=faults.cut("answer", started=True),
    ),
    unconfirmed(
        "cut in the head", "the line is closed in the middle of the headers", spoilt=faults.cut("head", started=True)
    ),
    unconfirmed("cut in the body", "the line is closed in the middle of the JSON", spoilt=faults.cut(20, started=True)),
    unconfirmed(
        "reset instead of an answer", "the line is reset (RST)", "row, no_answer: ",
        spoilt=faults.cut("answer", reset=True, started=True),
    ),
    unconfirmed(
        "stalled", "no answer, the line stays open", "row, no_answer: ",
        spoilt=faults.stalled(started=True), patience=0.6,
    ),
    unconfirmed(
        "dripping", "a byte at a time, for ever", "row, no_answer: ",
        spoilt=Fault(drip=8.0, started=True), patience=0.6,
    ),
)  # fmt: skip
