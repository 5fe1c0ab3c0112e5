"""Several pictures of the screen as one moving SVG: CSS alone, no script, still where motion is not wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["moving_picture"]

_STYLE = re.compile(r"\.(terminal-\d+-r\d+) \{([^}]*)\}")
_IDENTITY = re.compile(r"terminal-\d+")
_CELLS = re.compile(
    r'(<g transform="translate\(9, 41\)" clip-path="url\(#terminal-\d+-clip-terminal\)">)(.*)(</g>\s*</svg>)',
    re.DOTALL,
)


def moving_picture(frames: Sequence[tuple[str, float]]) -> str:
    """One SVG that shows the frames in turn, for ever.

    Args:
        frames: Screenshots of one size as the framework exports them, and the seconds that each is shown.
    """
    whole = sum(seconds for _, seconds in frames)
    classes: dict[str, str] = {}
    drawn: list[str] = []
    rules: list[str] = []
    began = 0.0
    for number, (svg, seconds) in enumerate(frames):
        names = {name: classes.setdefault(rule.strip(), f"s{len(classes)}") for name, rule in _STYLE.findall(svg)}
        found = _CELLS.search(svg)
        assert found is not None, "the framework draws its screenshots in another way"
        cells = found[2]
        for name, shared in names.items():
            cells = cells.replace(f'class="{name}"', f'class="{shared}"')
        cells = _IDENTITY.sub("terminal", cells)
        drawn.append(f'<g class="frame f{number}">{_squeeze(cells)}</g>')
        shows, ends = began / whole * 100, (began + seconds) / whole * 100
        rules.append(_keyframes(number, shows, ends))
        rules.append(f".f{number} {{ animation: f{number} {whole:g}s step-end infinite }}")
        began += seconds
    first = frames[0][0]
    start = _STYLE.sub("", first[: first.index("</style>")])
    rest = first[first.index("</style>") :]
    found = _CELLS.search(rest)
    assert found is not None
    styles = [f".{name} {{ {rule} }}" for rule, name in classes.items()]
    still = (
        "@media (prefers-reduced-motion: reduce) { .frame { animation: none } "
        f".f{len(frames) - 1} {{ visibility: visible }} }}"
    )
    style = "\n".join([*styles, ".frame { visibility: hidden }", *rules, still])
    body = rest[: found.start(2)] + "\n".join(drawn) + rest[found.end(2) :]
    return _IDENTITY.sub("terminal", f"{start.rstrip()}\n{style}\n{body}")


def _keyframes(number: int, shows: float, ends: float) -> str:
    steps = []
    if shows > 0:
        steps.append("0% { visibility: hidden }")
    steps.append(f"{shows:.3f}% {{ visibility: visible }}")
    steps.append(f"{ends:.3f}% {{ visibility: {'visible' if ends > 99.9995 else 'hidden'} }}")
    return f"@keyframes f{number} {{ {' '.join(steps)} }}"


def _squeeze(cells: str) -> str:
    """The same in fewer bytes: `textLength` alone keeps each piece within its cells."""
    return re.sub(r">\s+<", "><", re.sub(r' clip-path="url\(#terminal-line-\d+\)"', "", cells.strip()))
