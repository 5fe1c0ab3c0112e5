"""The line at the top."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gale_tui.core.models import Environment, Origin
from gale_tui.tui.formatting.job_counts import JobCounts
from gale_tui.tui.widgets.header import HeaderBar
from tests.tui.jobs_for_tests import WidgetApp, shown
from tests.tui.stub_engine import STAGING


def show(
    bar: HeaderBar,
    environment: Environment | None = STAGING,
    *,
    running: int = 2,
    saved: int = 14,
    failed: int = 0,
    badges: tuple[str, ...] = (),
) -> None:
    counts = JobCounts()
    counts.running, counts.saved, counts.failed = running, saved, failed
    bar.show(environment, "keyring: Secret Service" if environment else "", counts, badges)


async def line(width: int, *arguments: Any, **facts: Any) -> str:
    bar = HeaderBar()
    app = WidgetApp(bar)
    async with app.run_test(size=(width, 3)):
        show(bar, *arguments, **facts)
        assert bar.render_line(0).cell_length == width
        return shown(bar)[0]


@pytest.mark.parametrize(
    "expected",
    [
        " gale-tui  ▌STAGING▐ staging-agent-platform.kore.ai · key: keyring (Secret Service)"
        "                2 running · 14 saved ",
        " gale-tui  ▌STAGING▐ staging-agent-platform.kore.ai · key: keyring             2 running · 14 saved ",
        " gale-tui  ▌STAGING▐ staging-agent-plat… · key: keyring    2 running · 14 saved ",
        " gale-tui  ▌STAGING▐ staging-agent…    2 running · 14 saved ",
        " gale-tui  ▌STAGING▐          2 running ",
    ],
    ids=len,
)
async def test_it_says_where_exports_go_with_which_key_and_how_jobs_stand(expected: str) -> None:
    assert await line(len(expected)) == expected


async def test_production_says_so_in_a_word() -> None:
    assert "▌PROD LIVE▐" in await line(100, replace(STAGING, name="live", production=True))
    assert "▌PROD-EU▐" in await line(100, replace(STAGING, name="prod-eu", production=True))


async def test_badges_failures_and_no_environment() -> None:
    text = await line(100, None, badges=("DEMO", "READ-ONLY"), failed=3)

    assert text.startswith(" gale-tui  no environment ▌DEMO▐ ▌READ-ONLY▐ ")
    assert text.endswith("2 running · 3 failed · 14 saved ")


async def test_it_fits_80_columns_with_everything_on() -> None:
    name = "人事部の本番環境とても長い名前"
    environment = Environment("jp", name, Origin("https", "h" * 300, 443), production=True)
    facts: dict[str, Any] = {"badges": ("DEMO", "READ-ONLY", "PAUSED", "OFFLINE"), "failed": 99}
    for width in range(10, 120, 7):
        assert len(await line(width, environment, **facts)) > 0
    assert "▌PROD 人" in await line(80, environment, **facts)


async def test_only_what_changed_is_sent() -> None:
    bar = HeaderBar()
    app = WidgetApp(bar)
    async with app.run_test(size=(80, 3)) as pilot:
        show(bar)
        await pilot.pause()
        app.sent.clear()
        show(bar)
        await pilot.pause()
        assert app.sent == []
        for running, saved in ((3, 14), (3, 15), (10, 15)):
            app.sent.clear()
            show(bar, running=running, saved=saved)
            await pilot.pause()
            assert 0 < len("".join(app.sent).encode()) <= 130
        assert shown(bar)[0].endswith("10 running · 15 saved ")
