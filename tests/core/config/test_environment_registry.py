"""Environments and their keys, changed while the engine runs."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from gale_tui.core.credentials.credentials import Credentials
from gale_tui.core.errors import ConfigError, KeyringUnavailableError, NoKeyError
from gale_tui.core.gale_api.client import curl_line
from gale_tui.core.identifiers import parse_host
from gale_tui.core.jobs.engine import GaleEngine
from gale_tui.core.models import Environment, ExportRequest
from gale_tui.core.secret import Secret
from gale_tui.core.threads import DaemonThreads
from gale_tui.sandbox.script import Script
from tests.support.engines import FLOW, TOOL, Bench, Watch, bench, eventually

__all__ = ["bench"]

KEY = Secret("kg-test-key-0000-not-a-real-one")
OTHER = Secret("kg-test-key-0000-another-one")


def unwritable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system refuses to put the new config.toml in its place."""

    def refuse(*paths: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)


async def test_a_new_environment_is_written_and_used(bench: Bench) -> None:
    async with bench.engine() as watch:
        engine = watch.engine
        new = Environment("live", "live", parse_host("gale.kore.ai"), production=True)
        await engine.environments.save(new, previous=None, key=KEY, session_only=True)
        assert engine.environments.find("live") == new
        assert engine.credentials.cached(new) == KEY
        engine.environments.use("live")
        assert engine.environments.current == new
    engine = bench.make()
    engine.environments.choose(None)
    assert engine.environments.current == new
    engine.environments.choose("staging")
    assert engine.environments.current == bench.environment
    with pytest.raises(ConfigError, match="Known environments: staging, live"):
        engine.environments.choose("nowhere")


async def test_where_the_file_cannot_be_written_nothing_is_half_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench.engine() as watch:
        engine = watch.engine
        with monkeypatch.context() as patch:
            unwritable(patch)
            new = Environment("live", "live", parse_host("gale.kore.ai"))
            with pytest.raises(ConfigError):
                await engine.environments.save(new, previous=None, key=KEY, session_only=True)
            assert engine.environments.find("live") is None
            assert engine.credentials.cached(new) is None

            before = engine.credentials.cached(bench.environment)
            renamed = dataclasses.replace(bench.environment, name="stage")
            with pytest.raises(ConfigError):
                await engine.environments.save(renamed, previous=bench.environment, key=KEY, session_only=True)
            assert engine.environments.all == (bench.environment,)
            assert engine.credentials.cached(bench.environment) == before


async def test_where_the_key_cannot_be_kept_nothing_is_written(bench: Bench) -> None:
    async with bench.engine() as watch:
        new = Environment("live", "live", parse_host("gale.kore.ai"))
        before = bench.paths.config_file.read_bytes()
        with pytest.raises(KeyringUnavailableError):
            await watch.engine.environments.save(new, previous=None, key=KEY, session_only=False)
        assert bench.paths.config_file.read_bytes() == before


async def test_a_key_does_not_follow_a_changed_host(bench: Bench) -> None:
    async with bench.engine() as watch:
        engine = watch.engine
        moved = dataclasses.replace(bench.environment, origin=parse_host("gale.kore.ai"))
        await engine.environments.save(moved, previous=bench.environment, key=None, session_only=True)
        assert engine.credentials.cached(moved) is None
        assert engine.credentials.cached(bench.environment) is None
        with pytest.raises(NoKeyError):
            await engine.jobs.export(bench.request())
        assert dict(engine.jobs) == {}
    assert bench.sandbox.requests == []


async def test_deleting_an_environment_deletes_its_key_and_keeps_its_jobs(bench: Bench) -> None:
    async with bench.engine() as watch:
        job = await bench.export(watch)
        await watch.saved(job.id)
        await watch.engine.environments.delete(bench.environment)
        assert watch.engine.environments.all == ()
        assert watch.engine.environments.current is None
        assert watch.engine.credentials.cached(bench.environment) is None
        assert job.id in watch.engine.jobs
        with pytest.raises(ConfigError, match="gone"):
            await bench.export(watch)


async def test_testing_a_key_creates_nothing(bench: Bench) -> None:
    async with bench.engine() as watch:
        verdict = await watch.engine.environments.test(bench.environment)
        assert verdict.verdict == "accepted"
        verdict = await watch.engine.environments.test(bench.environment, OTHER)
        assert verdict.verdict == "refused"
        nowhere = dataclasses.replace(bench.environment, origin=parse_host("nobody.invalid"))
        verdict = await watch.engine.environments.test(nowhere, OTHER)
        assert verdict.verdict == "inconclusive"
        with pytest.raises(NoKeyError):
            await watch.engine.environments.test(nowhere)
    assert {record.method for record in bench.sandbox.requests} == {"GET"}


async def test_a_saved_environment_goes_on_with_a_new_key(bench: Bench) -> None:
    bench.script(duration=30.0)
    async with bench.engine() as watch:
        job = await bench.export(watch)
        bench.sandbox.key = OTHER.reveal()
        await eventually(lambda: watch.engine.connection_status.of("staging").state == "needs key")
        await watch.engine.environments.save(
            bench.environment, previous=bench.environment, key=OTHER, session_only=True
        )
        await watch.saved(job.id)


async def test_an_environment_of_the_variables_goes_first_and_is_written_nowhere(bench: Bench) -> None:
    threads = DaemonThreads("test")
    variables = Environment("env", "env", parse_host(bench.sandbox.url), source="variables")
    fixed = {"env": Secret(bench.sandbox.key)}
    credentials = Credentials(config_file=bench.paths.config_file, threads=threads, use_keyring=False, fixed=fixed)
    engine = GaleEngine(
        paths=bench.paths, credentials=credentials, threads=threads, extra_environments=(variables,), clock=bench.clock
    )
    before = bench.paths.config_file.read_bytes()
    engine.environments.choose(None)
    assert engine.environments.current == variables
    engine.environments.use("env")
    assert bench.paths.config_file.read_bytes() == before
    assert [each.id for each in engine.environments] == ["env", "staging"]


async def test_a_refused_key_of_the_variables_is_replaced_for_the_session(bench: Bench) -> None:
    bench.script(duration=20.0)
    threads = DaemonThreads("test")
    variables = Environment("env", "env", parse_host(bench.sandbox.url), source="variables")
    credentials = Credentials(
        config_file=bench.paths.config_file,
        threads=threads,
        use_keyring=False,
        fixed={"env": Secret(bench.sandbox.key)},
    )
    engine = GaleEngine(
        paths=bench.paths, credentials=credentials, threads=threads, extra_environments=(variables,), clock=bench.clock
    )
    await engine.start()
    try:
        watch = Watch(engine)
        job = await engine.jobs.export(ExportRequest("env", TOOL, FLOW))
        bench.sandbox.key = OTHER.reveal()
        await eventually(lambda: engine.connection_status.of("env").state == "needs key")
        await engine.environments.provide_key(variables, OTHER, session_only=True)
        await watch.saved(job.id)
        assert (await credentials.key_status(variables)).place == "session"
    finally:
        await engine.close()


def test_a_broken_config_is_a_problem_and_not_the_end(bench: Bench) -> None:
    bench.paths.config_file.write_text("[environments.staging\n")
    engine = bench.make()
    assert engine.environments.all == ()
    assert len(engine.problems) == 1


async def test_the_folder_is_that_of_the_command_line_then_of_the_settings(bench: Bench, tmp_path: Path) -> None:
    engine = bench.make()
    assert engine.default_folder() == bench.paths.downloads
    engine.save_settings(download_dir=tmp_path / "mine")
    assert engine.default_folder() == tmp_path / "mine"
    assert bench.make(download_dir=tmp_path / "theirs").default_folder() == tmp_path / "theirs"


async def test_recent_tools_are_offered_newest_first(bench: Bench) -> None:
    async with bench.engine() as watch:
        first = await bench.export(watch, label="first")
        await watch.saved(first.id)
        bench.sandbox.script("a-other", Script(duration=1.0))
        other = await watch.engine.jobs.export(dataclasses.replace(bench.request(label="second"), tool_id="a-other"))
        await watch.saved(other.id)
        again = await bench.export(watch, label="first again")
        await watch.saved(again.id)
        choices = watch.engine.jobs.recent_tools("staging")
        assert [(choice.tool_id, choice.flow_id, choice.title) for choice in choices] == [
            (TOOL, FLOW, "first again"),
            ("a-other", FLOW, "second"),
        ]
        assert watch.engine.jobs.recent_tools("nowhere") == []
        assert f"/tools/{TOOL}/export?flowId={FLOW}" in curl_line(bench.environment, TOOL, FLOW)
