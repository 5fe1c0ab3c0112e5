"""The reference: the least that one can write with the same framework, a table with some rows.

`u` writes another word into one cell, as a status that changes; `/` puts back every second row, as a filter does.
"""

from __future__ import annotations

import argparse
import itertools

from textual.app import App, ComposeResult
from textual.widgets import DataTable

COLUMNS = ("Tool", "Env", "Started", "Status", "Elapsed", "File")


class Bare(App[None]):
    """A table and nothing else."""

    BINDINGS = [("u", "change", ""), ("slash", "narrow", "")]  # noqa: RUF012  # as the framework's own examples write it

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self._words = itertools.cycle(("SUCCESS", "FAILED", "IN_PROGRESS"))

    def compose(self) -> ComposeResult:
        """The table."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Its rows."""
        table = self.query_one(DataTable)
        for column in COLUMNS:
            table.add_column(column, key=column, width=12)
        self._fill(range(self._rows))

    def _fill(self, numbers: range) -> None:
        table = self.query_one(DataTable)
        for number in numbers:
            table.add_row(f"Tool {number}", "staging", "12:00:01", "IN_PROGRESS", "0:12", "", key=str(number))

    def action_change(self) -> None:
        """Another status in the fourth row."""
        self.query_one(DataTable).update_cell("3", "Status", next(self._words))

    def action_narrow(self) -> None:
        """Every second row only."""
        self.query_one(DataTable).clear()
        self._fill(range(0, self._rows, 2))


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1)
    Bare(parser.parse_args().rows).run()


if __name__ == "__main__":
    main()
