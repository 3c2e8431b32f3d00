"""The base image's package sources follow the machine's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stackwright.lab import base
from stackwright.lab.base import Sources

MIRROR = """\
# a comment
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
SECURITY = "Types: deb\nURIs: http://mirror.test/debian-security\nSuites: bookworm-security\nComponents: main\n"
SOURCES = Sources(MIRROR, "", "", "", (), ())


def test_stanzas_are_rewritten_for_the_release() -> None:
    text = base.deb822_for(f"{MIRROR}\n\n{SECURITY}", "bookworm", "trixie")
    assert "Suites: trixie trixie-updates trixie-backports\n" in text
    assert "Suites: trixie-security\n" in text
    assert text.count("Types: deb\n") == 2
    assert "http://mirror.test/debian\n" in text
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" in text
    assert "bookworm" not in text


def test_sources_of_others_stay_out() -> None:
    other = "Types: deb\nURIs: https://apt.test/node\nSuites: nodistro\nComponents: main\n"
    off = f"{SECURITY}Enabled: no\n"
    only_source = SECURITY.replace("Types: deb", "Types: deb-src")
    assert base.deb822_for("\n".join((other, off, only_source)), "bookworm", "bookworm") == ""


def test_one_line_sources() -> None:
    text = """\
deb http://mirror.test/debian bookworm main contrib
# deb http://mirror.test/debian bookworm-backports main
deb-src http://mirror.test/debian bookworm main
deb [signed-by=/k.gpg arch=amd64] http://mirror.test/debian-security bookworm-security main
deb https://apt.test/sdk cloud-sdk-bookworm main
"""
    assert base.list_for(text, "bookworm", "trixie").splitlines() == [
        "deb http://mirror.test/debian trixie main contrib",
        "deb [signed-by=/k.gpg arch=amd64] http://mirror.test/debian-security trixie-security main",
    ]


def test_what_is_about_mirrors_is_kept_of_apts_settings() -> None:
    dump = """\
APT::Architecture "amd64";
Acquire::http "";
Acquire::http::Proxy "http://proxy.test:3128";
Acquire::https::CAInfo "/etc/ssl/own.pem";
Acquire::Check-Valid-Until "false";
Acquire::cdrom::mount "/media/cdrom/";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
APT::Update::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb || true";
Dir::Cache::pkgcache "";
"""
    assert base.apt_settings(dump).splitlines() == [
        'Acquire::http::Proxy "http://proxy.test:3128";',
        'Acquire::https::CAInfo "/etc/ssl/own.pem";',
        'Acquire::Check-Valid-Until "false";',
    ]


def test_a_bundle_of_certificates_is_split() -> None:
    one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    two = one.replace("AAAA", "BBBB")
    assert base.pem_certificates(f"# first\n{one}# second\n{two}") == (one, two)


def test_the_bases_name_changes_with_what_goes_into_it() -> None:
    name = base.key_of("bookworm", SOURCES)
    assert name == base.key_of("bookworm", replace(SOURCES))
    others = {
        base.key_of("trixie", SOURCES),
        base.key_of("bookworm", replace(SOURCES, settings='Acquire::Retries "3";\n')),
        base.key_of("bookworm", replace(SOURCES, certificates=("x",))),
        base.key_of("bookworm", replace(SOURCES, credentials="machine mirror.test password x")),
        base.key_of("bookworm", replace(SOURCES, keyrings=(Path("/k"),))),
    }
    assert len(others | {name}) == 6


def test_a_password_is_not_shown() -> None:
    sources = replace(SOURCES, settings="http://user:hunter2@proxy.test", credentials="password hunter2")
    assert "hunter2" not in repr(sources)
