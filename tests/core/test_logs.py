"""The log: bounded, private, and never with a secret in it."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gale_tui.core import logs
from gale_tui.core.config.paths import Paths
from gale_tui.core.logs import close_logging, crash_text, redact, setup_logging
from gale_tui.core.secret import HIDDEN, Secret, register_secret

KEY = "kg-test-key-0000-0000"
ODD = "no-usual-form-of-a-key-1234"
QUERY = "X-Amz-Signature=5ecre7&X-Amz-Expires=900"
LINK = f"https://files.example.com/exports/tool.zip?{QUERY}"


@pytest.fixture
def log(paths: Paths) -> Iterator[Path]:
    root, own = logging.getLogger(), logging.getLogger("gale_tui")
    levels = root.level, own.level
    register_secret(Secret(ODD))
    setup_logging(paths.log_file, "DEBUG")
    yield paths.log_file
    close_logging()
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def logger() -> logging.Logger:
    return logging.getLogger("gale_tui.test")


def boom(text: str) -> None:
    local_key = KEY  # noqa: F841  # a traceback with local variables would show it
    raise RuntimeError(text)


def in_an_exception(text: str) -> None:
    try:
        try:
            boom(text)
        except RuntimeError as error:
            raise ValueError(f"wrapped {text}") from error
    except ValueError:
        logger().exception("failed: %s", text)


WAYS: dict[str, Callable[[str], None]] = {
    "message": lambda text: logger().info(f"it is {text}"),  # the point of the case
    "argument": lambda text: logger().info("it is %s", text),
    "repr": lambda text: logger().info("headers %r", {"x-api-key": text, "url": text}),
    "bytes": lambda text: logger().info("raw %r", [(b"x-api-key", text.encode())]),
    "extra": lambda text: logger().info("nothing", extra={"key": text}),
    "exception": in_an_exception,
    "stack": lambda text: logger().info("here %s", text, stack_info=True),
    "another library": lambda text: logging.getLogger("asyncio").error("Task failed: %s", text),
    "no such format": lambda text: logger().info("%d", text),
    "too few arguments": lambda text: logger().info("%s %s", text),
    "long": lambda text: logger().info("x" * 3990 + text),
    "very long": lambda text: logger().info("x" * 15990 + text + text),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [KEY, ODD, LINK, f"GET /files/tool.zip?{QUERY} HTTP/1.1"])
def test_no_secret_gets_in_by(
    log: Path, way: str, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without pytest's own handlers, which fail the test for a message that cannot be put together.
    ours = [handler for handler in logging.getLogger().handlers if type(handler).__module__ == logs.__name__]
    with monkeypatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", ours)
        WAYS[way](text)
    written = log.read_text()
    assert written
    for secret in (KEY, KEY[3:], ODD, QUERY, "5ecre7"):
        assert secret not in written
    assert "local_key =" not in written.replace("local_key = KEY", "")
    captured = capsys.readouterr()
    assert captured.out + captured.err == "", "nothing goes to the terminal"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"x-api-key: {KEY[3:]}", f"x-api-key: {HIDDEN}"),
        ("Headers({'x-api-key': 'abc', 'accept': '*/*'})", f"Headers({{'x-api-key': {HIDDEN}, 'accept': '*/*'}})"),
        ("[(b'X-API-Key', b'abc'), (b'accept', b'*/*')]", f"[(b'X-API-Key', b{HIDDEN}), (b'accept', b'*/*')]"),
        ('curl -H "x-api-key: abc" https://a.example.com', f'curl -H "x-api-key: {HIDDEN}" https://a.example.com'),
        ("GALE_API_KEY=abc gale-tui", f"GALE_API_KEY={HIDDEN}"),
        ("Proxy-Authorization: Basic bWU6eA==", f"Proxy-Authorization: {HIDDEN}"),
        (LINK, f"https://files.example.com/exports/tool.zip?{HIDDEN}"),
        (
            "nothing to hide: 12:00:33, a-1234, ds-5678",
            "nothing to hide: 12:00:33, a-1234, ds-5678",
        ),
    ],
)
def test_what_redaction_leaves(text: str, left: str) -> None:
    assert redact(text) == left


def test_a_key_that_begins_another_leaves_nothing_of_it() -> None:
    register_secret(Secret("overlapping"))
    register_secret(Secret("overlapping-and-longer"))
    register_secret(Secret(""))
    assert redact("<overlapping-and-longer>") == f"<{HIDDEN}>"


def test_a_record_is_one_line_with_its_time_in_utc(log: Path) -> None:
    logger().warning("first\nsecond \x1b[31mred\x1b[0m \u202eback")
    line = log.read_text()
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert "\u202e" not in line
    time, level, name, *_ = line.split(" ")
    assert (len(time), time[10], time[-1]) == (24, "T", "Z")
    assert (level, name) == ("WARNING", "gale_tui.test:")


def test_an_exception_has_its_traceback(log: Path) -> None:
    in_an_exception("reason")
    written = log.read_text()
    assert "RuntimeError: reason" in written
    assert "ValueError: wrapped reason" in written
    assert "in boom" in written


def test_other_libraries_are_heard_from_warnings_on(log: Path) -> None:
    for name in ("httpx", "httpcore", "textual"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble in %s", name)
    written = log.read_text()
    assert "chatter" not in written
    assert written.count("trouble") == 3


def test_file_and_folder_are_private(log: Path) -> None:
    logger().info("x")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_made_private(paths: Paths, log: Path) -> None:
    paths.log_file.parent.mkdir()
    paths.log_file.touch(mode=0o644)
    paths.log_file.chmod(0o644)
    logger().info("x")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_link_is_not_followed(paths: Paths, log: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(mode=0o644)
    elsewhere.chmod(0o644)
    log.parent.mkdir()
    log.symlink_to(elsewhere)
    logger().info("x")
    assert elsewhere.read_text() == ""
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


def test_it_is_bounded(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 20_000)
    own = setup_logging(log, "INFO")
    for number in range(2_000):
        own.info("%d %s", number, "x" * 100)
    files = sorted(log.parent.iterdir())
    assert [file.name for file in files] == ["gale-tui.log", "gale-tui.log.1", "gale-tui.log.2"]
    assert sum(file.stat().st_size for file in files) <= 3 * 20_000
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert " 1999 " in log.read_text()


def test_another_program_may_begin_the_next_file(log: Path) -> None:
    logger().info("before")
    log.rename(log.with_name("gale-tui.log.1"))
    logger().info("after")
    assert "after" in log.read_text()
    assert "after" not in log.with_name("gale-tui.log.1").read_text()
    log.unlink()
    logger().info("again")
    assert "again" in log.read_text()


@pytest.mark.parametrize("obstacle", ["file in the way", "folder of that name", "pipe of that name", "full disk"])
def test_a_log_that_cannot_be_written_is_done_without(
    log: Path, tmp_path: Path, obstacle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if obstacle == "file in the way":
        (tmp_path / "file").touch()
        setup_logging(tmp_path / "file" / "gale-tui.log")
    elif obstacle == "folder of that name":
        log.mkdir(parents=True)
    elif obstacle == "pipe of that name":
        log.parent.mkdir()
        os.mkfifo(log)
    else:
        setup_logging(Path("/dev/full"))
    logging.getLogger("gale_tui").error("it goes on, %s", KEY)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_threads_may_write_at_once(log: Path) -> None:
    def write() -> None:
        for _ in range(50):
            logger().info("line of a thread")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = log.read_text().splitlines()
    assert len(lines) == 200
    assert all(line.endswith("gale_tui.test: line of a thread") for line in lines)


def test_nothing_is_written_after_closing(log: Path) -> None:
    logger().info("before")
    close_logging()
    close_logging()
    logger().info("after")
    assert "after" not in log.read_text()


def test_a_crash_text_has_the_way_but_no_values() -> None:
    register_secret(Secret(ODD))
    try:
        try:
            boom(f"{LINK} {ODD}\x1b[31m")
        except RuntimeError as error:
            raise ExceptionGroup(f"several {KEY}", [error, ValueError("x-api-key: abc")]) from None
    except ExceptionGroup as group:
        text = crash_text(group)
    assert "in boom" in text
    assert "ExceptionGroup" in text
    assert os.path.basename(__file__) in text
    for secret in (KEY, ODD, QUERY, "abc", "\x1b"):
        assert secret not in text
