"""The line at the top."""

from __future__ import annotations

from typing import Any

import pytest

from gale_tui.tui.widgets.header import HeaderBar, HeaderFacts
from tests.tui.jobs_for_tests import WidgetApp, shown

FACTS: dict[str, Any] = {
    "environment": "staging",
    "host": "staging-agent-platform.kore.ai",
    "key": "keyring: Secret Service",
    "running": 2,
    "saved": 14,
}


async def line(width: int, **facts: Any) -> str:
    bar = HeaderBar()
    app = WidgetApp(bar)
    async with app.run_test(size=(width, 3)):
        bar.show(HeaderFacts(**{**FACTS, **facts}))
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
    assert "▌PROD LIVE▐" in await line(100, environment="live", production=True)
    assert "▌PROD-EU▐" in await line(100, environment="prod-eu", production=True)


async def test_badges_failures_and_no_environment() -> None:
    text = await line(100, environment=None, host="", key="", badges=("DEMO", "READ-ONLY"), failed=3)

    assert text.startswith(" gale-tui  no environment ▌DEMO▐ ▌READ-ONLY▐ ")
    assert text.endswith("2 running · 3 failed · 14 saved ")


async def test_it_fits_80_columns_with_everything_on() -> None:
    facts: dict[str, Any] = {
        "environment": "人事部の本番環境とても長い名前",
        "production": True,
        "host": "h" * 300,
        "badges": ("DEMO", "READ-ONLY", "PAUSED", "OFFLINE"),
        "failed": 99,
    }
    for width in range(10, 120, 7):
        assert len(await line(width, **facts)) > 0
    assert "▌PROD 人" in await line(80, **facts)


async def test_only_what_changed_is_sent() -> None:
    bar = HeaderBar()
    app = WidgetApp(bar)
    async with app.run_test(size=(80, 3)) as pilot:
        bar.show(HeaderFacts(**FACTS))
        await pilot.pause()
        app.sent.clear()
        bar.show(HeaderFacts(**FACTS))
        await pilot.pause()
        assert app.sent == []
        for facts in ({"running": 3}, {"running": 3, "saved": 15}, {"running": 10, "saved": 15}):
            app.sent.clear()
            bar.show(HeaderFacts(**{**FACTS, **facts}))
            await pilot.pause()
            assert 0 < len("".join(app.sent).encode()) <= 130
        assert shown(bar)[0].endswith("10 running · 15 saved ")
