"""config.toml: read with forgiveness, written with care, never lost."""

from __future__ import annotations

import dataclasses
import os
import stat
import threading
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gale_tui.core.config.config_file import ConfigFile
from gale_tui.core.config.environments import (
    Config,
    check_ca_file,
    check_environment_name,
    check_proxy,
    environment_from_variables,
)
from gale_tui.core.config.paths import Paths
from gale_tui.core.errors import ConfigError
from gale_tui.core.identifiers import parse_host
from gale_tui.core.models import Environment
from gale_tui.core.secret import Secret

WRITTEN_BY_HAND = """\
# My GALEs

[environments.staging] # where we try things
host = "staging.example.com"  # the short form
# behind the proxy
proxy = 'http://proxy.example.com:8080'

[settings]
theme = "gale-light"   # calm

# careful here
[environments."the real one"]
host = "https://prod.example.com/"
production = true
"""

# A certificate authority that signs nothing: made for these tests, its key was thrown away.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIUG1DqFSvts5k3uDwJ232MzhhSVXIwCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTZ2FsZS10dWkgdGVzdHMgb25seTAgFw0yNjExMjMyMDEwNDNa
GA8yMTI2MTAzMDIwMTA0M1owHjEcMBoGA1UEAwwTZ2FsZS10dWkgdGVzdHMgb25s
eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPOU5QRg7/iLDTcU6h+FfyC/BSJR
LC5SPLG7+21fdfjTiUagA56Xf1AbBFAXfjQ3kkBhv2l5ho+dTGrBSFklpdOjUzBR
MB0GA1UdDgQWBBRt3oXMLBBl+gKt5rgI00FxoMySljAfBgNVHSMEGDAWgBRt3oXM
LBBl+gKt5rgI00FxoMySljAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gA
MEUCIGv+Hxm2nHptlGUCew2qlBMyDGG3JZu66a/5P2PiW/IPAiEAidlZuKKdUbUe
rx4l8LakHWVjogZf+fC/HcnfT/n1hxQ=
-----END CERTIFICATE-----
"""


@pytest.fixture
def file(paths: Paths) -> ConfigFile:
    return ConfigFile(paths.config_file)


def environment(name: str = "staging", host: str = "staging.example.com", **changes: object) -> Environment:
    made = Environment(id=name, name=name, origin=parse_host(host))
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # names are checked by replace


def written(file: ConfigFile, text: str) -> ConfigFile:
    file.path.parent.mkdir(mode=0o700, exist_ok=True)
    file.path.write_text(text)
    return file


def test_no_file_is_an_empty_config(file: ConfigFile) -> None:
    assert file.load() == Config()
    assert not file.path.parent.exists()


def test_everything_is_read(file: ConfigFile, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    config = written(
        file,
        f"""
        [environments.staging]
        host = "http://127.0.0.1:8000/"
        production = false
        ca_file = "{ca_file}"
        proxy = "proxy.example.com:3128"
        key_command = ["pass", "show", "gale/staging"]
        id = "first"
        """,
    ).load()
    assert config.problems == ()
    assert config.environments == (
        Environment(
            id="first",
            name="staging",
            origin=parse_host("http://127.0.0.1:8000"),
            ca_file=ca_file,
            proxy="http://proxy.example.com:3128",
            key_command=("pass", "show", "gale/staging"),
        ),
    )


def test_a_byte_order_mark_is_no_obstacle(file: ConfigFile) -> None:
    written(file, "")
    file.path.write_bytes(b"\xef\xbb\xbf" + WRITTEN_BY_HAND.replace("\n", "\r\n").encode())
    assert [each.name for each in file.load().environments] == ["staging", "the real one"]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("", "no host"),
        ("host = 3", "no host"),
        ('host = "http://elsewhere.example.com"', "plain http"),
        ('host = "user:secret@elsewhere.example.com"', "password"),
        ('host = "x.example.com"\nproduction = "yes"', "true or false"),
        ('host = "x.example.com"\nproxy = "http://me:topsecret@proxy:1"', "password"),
        ('host = "x.example.com"\nproxy = 1', "must be text"),
        ('host = "x.example.com"\nca_file = "relative.pem"', "absolute"),
        ('host = "x.example.com"\nkey_command = "pass show x"', "list of words"),
        ('host = "x.example.com"\nkey_command = ["pass", 1]', "list of words"),
        ('host = "x.example.com"\nkey_command = [""]', "names no program"),
        ('host = "x.example.com"\nid = ""', "id"),
        ('host = "x.example.com"\nid = "env"', "id"),
        ('host = "x.example.com"\nid = "good"', "good"),
    ],
)
def test_one_bad_environment_does_not_hide_the_others(file: ConfigFile, lines: str, why: str) -> None:
    config = written(
        file,
        f'[environments.good]\nhost = "good.example.com"\n[environments.bad]\n{lines}\n'
        '[environments.also]\nhost = "also.example.com"\n',
    ).load()
    assert [each.name for each in config.environments] == ["good", "also"]
    assert len(config.problems) == 1
    assert "“bad”" in config.problems[0]
    assert why in config.problems[0]
    assert "secret" not in config.problems[0]


@pytest.mark.parametrize("name", ["env", "Demo", ""])
def test_reserved_and_empty_names_are_left_out(file: ConfigFile, name: str) -> None:
    config = written(file, f'[environments."{name}"]\nhost = "x.example.com"\n').load()
    assert config.environments == ()
    assert len(config.problems) == 1


def test_what_is_unknown_or_missing_is_said_and_the_environment_kept(file: ConfigFile) -> None:
    config = written(
        file, '[environments.a]\nhost = "a.example.com"\nca_file = "/nowhere/ca.pem"\nprodution = true\n'
    ).load()
    assert [each.ca_file for each in config.environments] == [Path("/nowhere/ca.pem")]
    assert len(config.problems) == 2
    assert any("/nowhere/ca.pem" in problem for problem in config.problems)
    assert any("prodution" in problem for problem in config.problems)


@pytest.mark.parametrize("text", ["environments = 3", "environments = []", "[environments]\na = 1"])
def test_environments_of_another_kind(file: ConfigFile, text: str) -> None:
    config = written(file, text).load()
    assert config.environments == ()
    assert len(config.problems) == 1


def test_bad_toml_names_the_line_and_is_never_written_over(file: ConfigFile) -> None:
    text = '[environments.a]\nhost = "a.example.com\n'
    written(file, text)
    for attempt in (
        file.load,
        lambda: file.save_environment(environment()),
        lambda: file.save_settings(theme="gale-light"),
        lambda: file.delete_environment("a"),
    ):
        with pytest.raises(ConfigError, match="line 2"):
            attempt()
    assert file.path.read_text() == text


def test_other_unreadable_files(file: ConfigFile) -> None:
    written(file, "")
    file.path.write_bytes(b"# fine\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"not UTF-8 \(line 2\)"):
        file.load()
    file.path.write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(ConfigError, match="1 MiB"):
        file.load()
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        file.load()


def test_a_saved_environment_comes_back_and_is_private(file: ConfigFile) -> None:
    full = environment(production=True, proxy="socks5://proxy.example.com:1080", key_command=("sh", "-c", 'echo "x"'))
    file.save_environment(full)
    file.save_environment(environment("a b.c", "[::1]:8000"))
    assert file.load().environments == (full, environment("a b.c", "[::1]:8000"))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert os.listdir(file.path.parent) == ["config.toml"]


def test_a_file_that_others_could_read_becomes_private(file: ConfigFile) -> None:
    written(file, WRITTEN_BY_HAND).path.chmod(0o644)
    file.save_settings(seen_welcome=True)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_hand_written_text_survives_every_change(file: ConfigFile) -> None:
    staging, real = written(file, WRITTEN_BY_HAND).load().environments
    file.save_environment(staging)
    file.save_settings(theme="gale-light")
    assert file.path.read_text() == WRITTEN_BY_HAND, "saving the same changes nothing"
    file.save_environment(dataclasses.replace(staging, production=True))
    file.save_settings(theme="gale-dark", keys={"quit": "Q"}, download_dir=Path("/srv/exports"))
    file.save_environment(environment("third", "third.example.com"))
    file.save_environment(dataclasses.replace(real, name="prod"), previous_name="the real one")
    text = file.path.read_text()
    for comment in ("# My GALEs", "# where we try things", "# the short form", "# behind", "# calm", "# careful here"):
        assert comment in text
    assert 'host = "staging.example.com"  # the short form' in text
    assert 'host = "https://prod.example.com/"' in text
    config = file.load()
    assert config.problems == ()
    assert [(each.name, each.id) for each in config.environments] == [
        ("staging", "staging"),
        ("prod", "the real one"),
        ("third", "third"),
    ]
    assert config.settings.theme == "gale-dark"
    assert dict(config.settings.keys) == {"quit": "Q"}
    file.save_settings(download_dir=None, keys={})
    assert "exports" not in file.path.read_text()
    assert dict(file.load().settings.keys) == {}


def test_deleting_takes_one_out(file: ConfigFile) -> None:
    written(file, WRITTEN_BY_HAND)
    file.delete_environment("nobody")
    assert file.path.read_text() == WRITTEN_BY_HAND
    file.delete_environment("staging")
    assert [each.name for each in file.load().environments] == ["the real one"]
    assert "# careful here" in file.path.read_text()
    file.delete_environment("the real one")
    assert file.load().environments == ()
    assert file.load().settings.theme == "gale-light"


@pytest.mark.parametrize(
    "text",
    [
        'environments = { a = { host = "a.example.com" }, b = { host = "b.example.com" } }\n',
        '[environments]\na = { host = "a.example.com" }\nb.host = "b.example.com"\n',
        'environments.a.host = "a.example.com"\nenvironments.b.host = "b.example.com"\n',
        '[ environments . "a" ]\nhost = "a.example.com"\n[environments.\'b\']\nhost = "b.example.com"\n',
        'x = """\n[environments.a]\n"""\n[environments.a]\nhost = "a.example.com"\n'
        '[environments.b]\nhost="b.example.com"',
    ],
)
def test_every_way_to_write_a_table_can_be_changed(file: ConfigFile, text: str) -> None:
    first, second = written(file, text).load().environments
    file.save_environment(dataclasses.replace(first, name="c", production=True))
    file.save_environment(environment("d", "d.example.com"))
    config = file.load()
    assert set(config.environments) == {
        dataclasses.replace(first, name="c", production=True),
        second,
        environment("d", "d.example.com"),
    }
    file.delete_environment("b")
    assert second not in file.load().environments
    assert "x" not in tomllib.loads(text) or "[environments.a]" in file.path.read_text()


def test_a_rename_keeps_the_id_and_gives_it_back(file: ConfigFile) -> None:
    file.save_environment(environment())
    file.save_environment(environment(name="staging"), previous_name="staging")
    file.save_environment(dataclasses.replace(environment(), name="stage"))
    assert file.load().environments == (dataclasses.replace(environment(), name="stage"),)
    assert file.load().fresh_id("staging") == "staging-2"
    assert file.load().fresh_id("env") == "env-2"
    assert file.load().fresh_id("other") == "other"
    file.save_environment(environment(), previous_name="stage")
    assert "id" not in tomllib.loads(file.path.read_text())["environments"]["staging"]


def test_names_that_are_taken_are_refused(file: ConfigFile) -> None:
    written(file, WRITTEN_BY_HAND)
    for name in ("the real one", "The Real One", "env", "DEMO", " ", "x" * 61, "a\x1bb"):
        with pytest.raises(ConfigError):
            file.save_environment(dataclasses.replace(environment(), name=name))
    assert file.path.read_text() == WRITTEN_BY_HAND


def test_values_that_cannot_be_kept_are_refused(file: ConfigFile) -> None:
    for bad in (
        environment(proxy="http://me:topsecret@proxy.example.com:1"),
        environment(source="demo"),
        environment(source="variables"),
    ):
        with pytest.raises(ConfigError) as caught:
            file.save_environment(bad)
        assert "topsecret" not in str(caught.value)
    with pytest.raises(ConfigError, match="poll_floor"):
        file.save_settings(poll_floor=0)
    assert not file.path.exists()


def test_a_write_that_fails_leaves_the_old_file(file: ConfigFile, monkeypatch: pytest.MonkeyPatch) -> None:
    written(file, WRITTEN_BY_HAND)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        file.save_settings(theme="gale-dark")
    assert file.path.read_text() == WRITTEN_BY_HAND
    assert os.listdir(file.path.parent) == ["config.toml"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('host = "https://prod', 'host = "https://evil'),
        ("[settings]", "[setings]"),
        ("production = true", "production ="),
    ],
)
def test_an_edit_that_would_change_something_else_is_not_written(
    file: ConfigFile, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str
) -> None:
    import tomlkit

    dumps = tomlkit.dumps
    monkeypatch.setattr(tomlkit, "dumps", lambda document: dumps(document).replace(right, wrong))
    written(file, WRITTEN_BY_HAND)
    with pytest.raises(ConfigError, match="by hand; nothing was changed"):
        file.save_environment(environment("third", "third.example.com"))
    with pytest.raises(ConfigError, match="by hand; nothing was changed"):
        file.delete_environment("staging")
    assert file.path.read_text() == WRITTEN_BY_HAND


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        ConfigFile(tmp_path / "file" / "below" / "config.toml").save_settings(theme="gale-light")


def test_a_linked_file_stays_a_link(file: ConfigFile, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "gale.toml").write_text(WRITTEN_BY_HAND)
    file.path.parent.mkdir()
    file.path.symlink_to(dotfiles / "gale.toml")
    file.save_settings(theme="gale-dark")
    assert file.path.is_symlink()
    assert 'theme = "gale-dark"' in (dotfiles / "gale.toml").read_text()


def test_writers_side_by_side_lose_nothing(file: ConfigFile) -> None:
    names = [f"e{number}" for number in range(12)]

    def save(name: str) -> None:
        ConfigFile(file.path).save_environment(environment(name, f"{name}.example.com"))

    threads = [threading.Thread(target=save, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.name for each in file.load().environments) == sorted(names)


NAMES = st.text(min_size=1, max_size=60).filter(lambda t: t.strip() == t and t.isprintable() and "\ufeff" not in t)
HOSTS = st.sampled_from(["a.example.com", "http://127.0.0.1:8000", "https://localhost", "[2001:db8::1]:8443"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps=st.lists(
        st.tuples(NAMES, HOSTS, st.booleans(), st.lists(st.text(min_size=1, max_size=8), max_size=2)), max_size=5
    )
)
def test_whatever_is_saved_is_what_is_loaded(file: ConfigFile, steps: list[tuple[str, str, bool, list[str]]]) -> None:
    written(file, WRITTEN_BY_HAND)
    before = {each.name: each for each in file.load().environments}
    for name, host, production, words in steps:
        command = ("prog", *(word.replace("\0", "") for word in words)) if words else None
        wanted = environment(name, host, production=production, key_command=command)
        try:
            check_environment_name(name, {each.name: each.id for each in before.values()}, own_id=name)
        except ConfigError:
            continue
        file.save_environment(wanted)
        before[name] = wanted
    config = file.load()
    assert {each.name: each for each in config.environments} == before
    assert config.problems == ()


def test_variables_make_an_environment() -> None:
    found = environment_from_variables(
        {"GALE_HOST": " https://gale.example.com./ ", "GALE_API_KEY": "kg-test-key-0000"}
    )
    assert found is not None
    made, key = found
    assert (made.id, made.name, made.source) == ("env", "env", "variables")
    assert made.origin == parse_host("gale.example.com")
    assert key == Secret("kg-test-key-0000")


@pytest.mark.parametrize("environ", [{}, {"GALE_HOST": ""}, {"GALE_HOST": " ", "GALE_API_KEY": ""}])
def test_no_variables_no_environment(environ: dict[str, str]) -> None:
    assert environment_from_variables(environ) is None


@pytest.mark.parametrize(
    ("host", "key", "named"),
    [
        ("gale.example.com", "", "GALE_API_KEY is not"),
        ("", "kg-test-key-0000", "GALE_HOST is not"),
        ("http://gale.example.com", "kg-test-key-0000", "GALE_HOST cannot be used"),
        ("gale.example.com", "kg-test key-0000", "GALE_API_KEY cannot be used"),
    ],
)
def test_half_or_bad_variables_are_an_error(host: str, key: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        environment_from_variables({"GALE_HOST": host, "GALE_API_KEY": key})
    assert "key-0000" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", None),
        ("  ", None),
        ("proxy.example.com:8080", "http://proxy.example.com:8080"),
        ("http://proxy.example.com:8080/", "http://proxy.example.com:8080"),
        ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
        ("http://me@proxy.example.com", "http://me@proxy.example.com"),
    ],
)
def test_proxies(typed: str, kept: str | None) -> None:
    assert check_proxy(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "http://me:topsecret@proxy.example.com:8080",
        "me:topsecret@proxy.example.com",
        "http://me:@proxy.example.com",
        "ftp://proxy.example.com",
        "http://",
        "http://proxy.example.com:99999",
        "http://proxy.example.com:0",
        "http://proxy.example.com/topsecret",
        "http://proxy.example.com?topsecret",
        "http://[::1",
        "http://a b",
        "http://pröxy",
    ],
)
def test_what_is_no_proxy(typed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_proxy(typed)
    assert "topsecret" not in str(caught.value)


def test_ca_files(tmp_path: Path) -> None:
    assert check_ca_file(" ") is None
    file = tmp_path / "ca.pem"
    file.write_text(CERTIFICATE)
    assert check_ca_file(f" {file} ") == file
    file.write_text(CERTIFICATE.replace("MIIB", "AAAA"))
    with pytest.raises(ConfigError, match="is damaged or cut off in certificate 1"):
        check_ca_file(str(file))
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        check_ca_file(str(tmp_path / "nowhere.pem"))
    with pytest.raises(ConfigError, match="absolute"):
        check_ca_file("ca.pem")
    with pytest.raises(ConfigError, match="path"):
        check_ca_file("/a\0b")
