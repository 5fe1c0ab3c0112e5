"""What a person brought, in a paste or in a file: one export, several, or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gale_tui.core.batch.reader import file_size, is_slow_to_read, read_paste, read_paste_file
from gale_tui.core.errors import ConfigError
from gale_tui.core.paste.har import HAR_LIMIT
from tests.core.paste.test_capture import CHROME, FETCH, FLOW, HAR, KEY, OTHER, TOOL, URL, har, recorded

SECOND = URL.replace(TOOL, OTHER)


def written(folder: Path, content: str | bytes, name: str = "request.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("text", [URL, CHROME, FETCH, HAR], ids=["url", "curl", "fetch", "har"])
def test_a_file_with_one_request_is_one(tmp_path: Path, text: str) -> None:
    paste = read_paste_file(written(tmp_path, text))
    assert [(each.tool_id, each.flow_id) for each in paste.captured.requests] == [(TOOL, FLOW)]
    assert paste.batch is None
    assert paste.source == "request.txt"


@pytest.mark.parametrize(
    "text",
    [
        f"{TOOL},{FLOW},One\n{OTHER},{FLOW},Two\n",
        f"tool_id\tflow_id\n{TOOL}\t{FLOW}\n{OTHER}\t{FLOW}\n".encode("utf-16"),
        f"{CHROME};\n{CHROME.replace(TOOL, OTHER)}",
        har(recorded(URL, x_api_key=KEY), recorded(SECOND, x_api_key=KEY)),
    ],
    ids=["csv", "tsv of a spreadsheet", "curl", "har"],
)
def test_a_file_with_several_is_a_batch_and_has_no_key_in_it(tmp_path: Path, text: str | bytes) -> None:
    paste = read_paste_file(written(tmp_path, text))
    assert paste.batch is not None
    assert [tool.tool_id for tool in paste.batch.tools] == [TOOL, OTHER]
    assert paste.captured.key is None


def test_a_list_with_one_line_is_one_export_with_its_label(tmp_path: Path) -> None:
    paste = read_paste_file(written(tmp_path, "tool,flow,name\nmine-1,flow-1,My tool\n"))
    assert [(each.tool_id, each.flow_id) for each in paste.captured.requests] == [("mine-1", "flow-1")]
    assert (paste.batch, paste.label) == (None, "My tool")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hello\nworld\n", "No export was recognised"),
        ("Dear all,\n\nplease look at it.\n", "No export was recognised"),
        ("we should meet\non the next day\n", "No export was recognised"),
        ("", "No export was recognised"),
        ("curl 'https://gale.kore.ai/api/me' -H 'cookie: sid=1'", "It contains no export."),
        (b"PK\x03\x04\x00\x00", "not text"),
    ],
)
def test_a_file_without_any_says_so(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_paste_file(written(tmp_path, content))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        file_size(tmp_path / "none.har")
    with pytest.raises(ConfigError, match="not a regular file"):
        file_size(tmp_path)
    large = written(tmp_path, "{")
    os.truncate(large, HAR_LIMIT + 1)
    with pytest.raises(ConfigError, match="more than 50 MB"):
        read_paste_file(large)


def test_what_is_large_or_on_a_disk_takes_long() -> None:
    assert is_slow_to_read("~/network.har")
    assert is_slow_to_read("x" * 100_000)
    assert not is_slow_to_read(CHROME)


def test_a_paste_of_several_is_a_batch_and_one_is_not(tmp_path: Path) -> None:
    several = har(recorded(URL), recorded(SECOND))
    for text in (several, str(written(tmp_path, several, "network.har"))):
        batch = read_paste(text).batch
        assert batch is not None
        assert len(batch.tools) == 2
    assert read_paste(CHROME).batch is None
    (said,) = read_paste(str(tmp_path / "none.har")).captured.ignored
    assert "No such file" in said
