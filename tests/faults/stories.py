"""What users do in the stories of the faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.faults.world import World

__all__ = ["exported", "refused", "typed_again"]


async def exported(world: World) -> None:
    """Exports a tool and watches until nothing more happens."""
    await world.start()
    await world.export()
    await world.until_settled()


async def refused(world: World) -> None:
    """Exports a tool; the form stays open with a sentence and there is no row."""
    await world.start()
    assert await world.export() is None
    assert not world.engine.jobs


def typed_again(*mend: Callable[[World], None]) -> Callable[[World], Awaitable[None]]:
    """Exports a tool; the form stays open, and once things are mended, it is sent once more as it is."""

    async def story(world: World) -> None:
        await refused(world)
        for each in mend:
            each(world)
        await world.export()
        await world.until_settled()

    return story
