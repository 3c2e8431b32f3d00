"""Any printable text, as each consumer's own reader reads it from what is written for it."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from oslo_config import cfg

from stackwright.executor.redact import redactor
from stackwright.planner.steps import credentials
from stackwright.values import consumers

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24).map(str.strip).filter(bool)
NASTY = st.text("ab \\$%{}()'\"#;:=!`&|<>@/~?*", min_size=1, max_size=12).map(str.strip).filter(bool)
TEXT = ASCII | NASTY


@given(TEXT)
@example("abc$user1")
@example("Pa$$w0rd")
@example(r"a\$b")
@example(r"a\\$$\$x")
@example('"abc"')
@example("'")
@example("true")
@example("${user}")
def test_a_value_is_unchanged_in_oslo_config_files(text: str) -> None:
    written = consumers.oslo(text)
    # What Puppet's types of such files do to a value.
    assert written.strip() == written
    assert written.casefold() not in ("true", "false")
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("password"))
    conf.register_opt(cfg.StrOpt("user1", default="other"))
    conf.register_opt(cfg.StrOpt("x", default="other"))
    with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as stream:
        stream.write(f"[DEFAULT]\npassword={written}\n")
        stream.flush()
        conf(["--config-file", stream.name], project="none")
        assert conf.password == text


def _parsed(parser: configparser.ConfigParser, written: str) -> str:
    parser.read_string(f"[here]\nkey={written}\n")
    return parser.get("here", "key")


@given(TEXT)
@example("50%")
@example("%(here)s")
def test_a_value_is_unchanged_in_configparser_files(text: str) -> None:
    assert _parsed(configparser.ConfigParser(), consumers.configparser(text)) == text


class NicerInterpolation(configparser.BasicInterpolation):
    """As in swift/common/utils.py."""

    def before_get(self, parser, section, option, value, defaults):  # type: ignore[no-untyped-def]
        if "%(" not in value:
            return value
        return super().before_get(parser, section, option, value, defaults)


@given(TEXT)
@example("50%")
@example("a%%(b)s%")
def test_a_value_is_unchanged_in_swifts_paste_files(text: str) -> None:
    assert _parsed(configparser.ConfigParser(interpolation=NicerInterpolation()), consumers.paste(text)) == text


@given(TEXT)
@example('"')
@example("'a'")
@example("true")
def test_a_value_is_unchanged_in_glance_store_files(text: str) -> None:
    value = _parsed(configparser.ConfigParser(), consumers.glance_store(text))
    if value[0] in "\"'":  # glance_store/_drivers/swift/utils.py, SwiftConfigParser
        assert len(value) > 1
        assert value[-1] == value[0]
        value = value[1:-1]
    assert value == text


@given(TEXT)
def test_a_value_is_unchanged_in_python_files(text: str) -> None:
    assert ast.literal_eval(f"'{consumers.python(text)}'") == text


@given(TEXT | st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_a_value_is_unchanged_in_yaml(text: str) -> None:
    assert yaml.safe_load(f"password: {consumers.yaml_scalar(text)}\n") == {"password": text}


@given(TEXT)
@example("yes")
@example("1e3")
def test_plain_text_needs_no_quotes_in_yaml(text: str) -> None:
    if consumers.is_plain(text):
        assert yaml.safe_load(f"password: {text}\n") == {"password": text}


@given(TEXT)
def test_a_value_is_unchanged_in_a_url(text: str) -> None:
    written = consumers.userinfo(text)
    assert unquote(written) == text
    assert not set(written) & set(":@/?#[]$ ")


def sqlalchemy(url: str) -> tuple[str, str]:
    """User and password of a URL, as sqlalchemy.engine.url reads them (`_parse_url`, 1.4 and 2.0)."""
    found = re.match(r"[\w+]+://([^:/]*):([^@]*)@(?:\[[^/?]+\]|[^/:?]+)/\w+\?charset=\w+$", url)
    assert found, url
    return unquote(found[1]), unquote(found[2])


@given(TEXT.filter(lambda text: not set(text) & set("%@")))
@example("a/b:c?d#e f")
@example("$(x)s")
def test_keystones_migrations_read_the_url_as_meant(text: str) -> None:
    url = f"mysql+pymysql://keystone:{consumers.migrated_userinfo(text)}@[2001:db8::1]/keystone?charset=utf8"
    alembic = configparser.ConfigParser()
    alembic.add_section("alembic")
    alembic.set("alembic", "sqlalchemy.url", url)  # alembic.config.Config.set_main_option
    assert alembic.get("alembic", "sqlalchemy.url") == url
    assert sqlalchemy(url) == ("keystone", text)


def rabbit(url: str) -> tuple[str, str]:
    """User and password of a URL, as the services' RabbitMQ driver and its library read them: oslo.messaging unquotes
    them and quotes them anew for kombu, but no slash (impl_rabbit.py, `_transform_transport_url`)."""
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    again = urlsplit(f"amqp://{quote(unquote(user))}:{quote(unquote(password))}@[2001:db8::1]:5672/")
    assert again.port == 5672
    assert again.username is not None
    assert again.password is not None
    return unquote(again.username), unquote(again.password)


@given(TEXT.filter(lambda text: "/" not in text))
def test_the_message_driver_reads_what_was_meant(text: str) -> None:
    assert rabbit(f"rabbit://a.b%2Bc:{consumers.userinfo(text)}@[2001:db8::1]:5672/") == ("a.b+c", text)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "s": " ", '"': '"', "'": "'", "\\": "\\"}


def _option_file(line: str) -> str:
    """The value of a line name=value, as mysys/my_default.c reads it: a remark ends it outside of quotes, a pair of
    quotes round it is dropped, and escapes are replaced."""
    quote, escaped, end = "", False, len(line)
    for at, sign in enumerate(line):
        if sign in "'\"" and not escaped:
            quote = sign if not quote else "" if quote == sign else quote
        if not quote and sign == "#":
            end = at
            break
        escaped = bool(quote) and sign == "\\" and not escaped
    value = line[:end].partition("=")[2].strip()
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        value = value[1:-1]
    out, at = "", 0
    while at < len(value):
        if value[at] == "\\" and at + 1 < len(value):
            at += 1
            out += _ESCAPES.get(value[at], "\\" + value[at])
        else:
            out += value[at]
        at += 1
    return out


def _options(text: str) -> list[str]:
    """The passwords in an option file, by MariaDB's own reader where it is installed."""
    if not (program := shutil.which("my_print_defaults")):
        return [_option_file(line) for line in text.splitlines() if line.startswith("password=")]
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as stream:
        stream.write(text)
        stream.flush()
        command = [program, f"--defaults-file={stream.name}", "client"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.removeprefix("--password=") for line in told.splitlines() if line.startswith("--password=")]


@given(TEXT)
@example(r"a\tb")
@example("a#b")
@example("a'#\"b")
@example("a\\")
def test_a_value_is_unchanged_in_database_option_files(text: str) -> None:
    answers = {"CONFIG_MARIADB_HOST": "db", "CONFIG_MARIADB_USER": "root", "CONFIG_MARIADB_PW": text}
    assert _options(credentials.my_cnf(answers)) == [text]
    assert _options(f"[client]\npassword='{consumers.option_file(text)}'\n") == [text]


@given(TEXT | st.text(st.characters(exclude_categories=["C", "Z"], codec="utf-8"), min_size=1))
def test_credential_files_keep_their_values_in_a_shell_and_yaml(text: str) -> None:
    written = credentials.clouds_yaml("http://a:5000/v3", "RegionOne", {"admin": ("admin", text, "admin")})
    assert yaml.safe_load(written)["clouds"]["admin"]["auth"]["password"] == text


@pytest.mark.parametrize("text", ["a'b\"c$d`e\\f!g", "$(id)", "a b  c", "-n", "'", "\\", "grün €"])
def test_a_keystonerc_keeps_its_values_in_a_shell(text: str, tmp_path: Path) -> None:
    (tmp_path / "rc").write_text(credentials.keystonerc("http://a:5000/v3", "RegionOne", "admin", text, "admin"))
    told = subprocess.run(["sh", "-c", ". ./rc; printenv OS_PASSWORD"], cwd=tmp_path, capture_output=True, check=True)
    assert told.stdout.decode() == text + "\n"


@given(NASTY.filter(lambda text: len(text) >= 8 and set(text) != {"*"}))
def test_no_form_of_a_secret_is_shown(text: str) -> None:
    redact = redactor([text])
    for write in (consumers.oslo, consumers.configparser, consumers.python, consumers.option_file, consumers.hiera):
        assert write(text) not in redact(f"value {write(text)} end")


@given(st.text())
def test_every_control_character_is_found(text: str) -> None:
    found = consumers.control_character(text)
    assert bool(found) == any(ord(sign) < 32 or 127 <= ord(sign) < 160 or sign in "\u2028\u2029" for sign in text)
