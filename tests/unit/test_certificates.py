"""Certificates: made once and kept, good for those who connect; and what is said of those that a person brings."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import golden
import outcome
from stackwright import answers, certificates, planner
from stackwright.certificates import generate, pem
from stackwright.model import Answers, Certificate, Certificates, ExitCode, File, Run, StackwrightError, Upload
from stackwright.operations import verify
from stackwright.operations.context import certify
from stackwright.output import text
from stackwright.planner.steps import certificates as certificate_steps
from stackwright.planner.steps.certificates import CertificateRequest
from stackwright.services import SERVICES, listening
from stackwright.state.directory import StateDir
from stackwright.verify.on_host import api

RABBIT = CertificateRequest("rabbitmq", "node1", ("node1.example.org", "node1", "127.0.0.1", "::1"))
HORIZON = CertificateRequest("horizon", "2001:db8::10", ("web.example.org", "web", "2001:db8::10"))


def given(**more: str) -> Answers:
    texts = {"CONFIG_CONTROLLER_HOST": "198.18.0.10", "CONFIG_AMQP_ENABLE_SSL": "y", "CONFIG_HORIZON_SSL": "y"}
    return answers.load((), texts | more, {}, files=False).answers


def handshake(certificate: Certificate, context: ssl.SSLContext, name: str, folder: Path) -> None:
    """A real server with this certificate, and a client that is told `context`. Raises what the client raises."""
    (folder / "shown.pem").write_text(certificate.chain + certificate.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "shown.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):  # the client has refused
                server.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with (
                socket.create_connection(listening.getsockname(), timeout=30) as plain,
                context.wrap_socket(plain, server_hostname=name),
            ):
                pass
        finally:
            thread.join(30)


def trusting(authority: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=authority)
    return context


# ------------------------------------------------------------------------------------------------------------- made


def test_generated_certificates_have_all_names_of_the_host(tmp_path: Path) -> None:
    found = certificates.gather(given(), [RABBIT], StateDir(tmp_path))
    own = found.of["rabbitmq", "node1"]
    assert set(own.names) == set(RABBIT.names)
    for name in RABBIT.names:
        handshake(own, trusting(found.authority), name, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(own, trusting(found.authority), "node2.example.org", tmp_path)
    other = certificates.gather(given(), [RABBIT], StateDir(tmp_path / "other"))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(other.of["rabbitmq", "node1"], trusting(found.authority), "node1", tmp_path)


def test_generated_files_are_private(tmp_path: Path) -> None:
    place = StateDir(tmp_path / "state")
    first = certificates.gather(given(), [RABBIT, HORIZON], place)
    assert certificates.gather(given(), [RABBIT, HORIZON], place) == first
    assert first.file == str(place.folder / "certificates" / "authority.crt")
    assert Path(first.file).read_text() == first.authority
    assert (place.folder / "certificates").stat().st_mode & 0o777 == 0o700
    files = sorted((place.folder / "certificates").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert [file.name for file in files] == [
        "authority.crt", "authority.key", "horizon-2001_db8__10.crt", "horizon-2001_db8__10.key",
        "rabbitmq-node1.crt", "rabbitmq-node1.key",
    ]  # fmt: skip
    keys = {own.key for own in first.of.values()}
    assert len(keys) == 2, "each server has a key of its own"
    assert not any(key.splitlines()[1] in repr(first) for key in keys)


def test_only_certificates_that_no_longer_fit_are_replaced(tmp_path: Path) -> None:
    place = StateDir(tmp_path)
    first = certificates.gather(given(), [RABBIT, HORIZON], place)
    moved = CertificateRequest("rabbitmq", "node1", (*RABBIT.names, "198.18.0.77"))
    second = certificates.gather(given(), [moved, HORIZON], place)
    assert second.authority == first.authority
    assert second.of["horizon", HORIZON.host] == first.of["horizon", HORIZON.host]
    assert "198.18.0.77" in second.of["rabbitmq", "node1"].names
    (tmp_path / "certificates" / "horizon-2001_db8__10.key").write_text(second.of["rabbitmq", "node1"].key)
    third = certificates.gather(given(), [moved, HORIZON], place)
    handshake(third.of["horizon", HORIZON.host], trusting(third.authority), "web", tmp_path)
    for name in ("authority.crt", "authority.key"):
        (tmp_path / "certificates" / name).unlink()
    fourth = certificates.gather(given(), [moved, HORIZON], place)
    handshake(fourth.of["rabbitmq", "node1"], trusting(fourth.authority), "node1", tmp_path)


def test_certificates_that_end_within_a_month_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(generate, "_SERVER_LASTS", timedelta(days=29))
        first = certificates.gather(given(), [RABBIT], StateDir(tmp_path))
    second = certificates.gather(given(), [RABBIT], StateDir(tmp_path))
    assert second.of != first.of
    lasts = _loaded(second.of["rabbitmq", "node1"]).not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=700) < lasts < timedelta(days=825)


def _loaded(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.chain.encode())


def test_the_subject_is_as_answered(tmp_path: Path) -> None:
    said = given(
        CONFIG_SSL_CERT_SUBJECT_C="IN", CONFIG_SSL_CERT_SUBJECT_ST="Kerala", CONFIG_SSL_CERT_SUBJECT_L="Kochi",
        CONFIG_SSL_CERT_SUBJECT_O="Example", CONFIG_SSL_CERT_SUBJECT_OU="Cloud",
        CONFIG_SSL_CERT_SUBJECT_CN="node1.example.org", CONFIG_SSL_CERT_SUBJECT_MAIL="ops@example.org",
    )  # fmt: skip
    found = certificates.gather(said, [RABBIT], StateDir(tmp_path))
    own = _loaded(found.of["rabbitmq", "node1"])
    assert own.subject.rfc4514_string() == "CN=node1.example.org,OU=Cloud,O=Example,L=Kochi,ST=Kerala,C=IN"
    assert own.issuer.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS)[0].value == "ops@example.org"
    assert own.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == "node1.example.org"
    handshake(found.of["rabbitmq", "node1"], trusting(found.authority), "node1", tmp_path)
    plain = certificates.gather(given(), [RABBIT], StateDir(tmp_path / "plain"))
    assert _loaded(plain.of["rabbitmq", "node1"]).subject.rfc4514_string() == (
        "CN=node1.example.org,OU=stackwright,O=openstack,L=City,ST=State"
    )


def test_an_invalid_subject_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StackwrightError, match="Germany") as raised:
        certificates.gather(given(CONFIG_SSL_CERT_SUBJECT_C="Germany"), [RABBIT], StateDir(tmp_path))
    assert raised.value.code == ExitCode.ANSWERS


def test_nothing_is_written_to_places_that_answers_name(tmp_path: Path) -> None:
    chosen = {
        "CONFIG_SSL_CACERT_FILE": str(tmp_path / "ca" / "cloud.crt"),
        "CONFIG_SSL_CACERT_KEY_FILE": str(tmp_path / "ca" / "cloud.key"),
        "CONFIG_SSL_CERT_DIR": str(tmp_path / "servers"),
    }
    found = certificates.gather(given(**chosen), [RABBIT], StateDir(tmp_path / "state"))
    own = "state/certificates"
    assert found.file == str(tmp_path / own / "authority.crt")
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == {
        f"{own}/{name}" for name in ("authority.crt", "authority.key", "rabbitmq-node1.crt", "rabbitmq-node1.key")
    }
    assert certificates.gather(given(**chosen), [RABBIT], StateDir(tmp_path / "state")) == found
    defaults = given(**{**generate.DEFAULTS, "CONFIG_SSL_CERT_DIR": "~/packstackca"})
    assert certificates.gather(defaults, [RABBIT], StateDir(tmp_path / "own")).file.startswith(str(tmp_path / "own"))


def test_half_an_authority_is_none(tmp_path: Path) -> None:
    certificates.gather(given(), [RABBIT], StateDir(tmp_path))
    (tmp_path / "certificates" / "authority.key").unlink()
    with pytest.raises(StackwrightError, match=r"authority\.key: cannot be read") as raised:
        certificates.gather(given(), [RABBIT], StateDir(tmp_path))
    assert raised.value.code == ExitCode.ANSWERS


# ---------------------------------------------------------------------------------------------------------- brought

Brings = Callable[..., tuple[str, str]]


@pytest.fixture
def brings(tmp_path: Path) -> Brings:
    """Files as another authority makes them: (certificate, key)."""
    number = iter(range(100))

    def bring(
        names: tuple[str, ...] = ("cloud.example.com",),
        *,
        days: tuple[int, int] = (-1, 300),
        by: tuple[str, str] | None = None,
        authority: bool = False,
        passphrase: bytes = b"",
    ) -> tuple[str, str]:
        stem = tmp_path / f"brought{next(number)}"
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, stem.name)])
        now = datetime.now(UTC)
        signer = pem.certificates(Path(by[0]))[0] if by else None
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer.subject if signer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            general: list[x509.GeneralName] = []
            for name in names:
                try:
                    general.append(x509.IPAddress(ipaddress.ip_address(name)))
                except ValueError:
                    general.append(x509.DNSName(name))
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        own: Any = pem.key(Path(by[1])) if by else key
        file, key_file = stem.with_suffix(".crt"), stem.with_suffix(".key")
        file.write_text(pem.text(builder.sign(own, hashes.SHA256())))
        form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
        locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(*form, locked))
        return str(file), str(key_file)

    return bring


def said(pair: tuple[str, str], *, who: str = "HORIZON", **more: str) -> list[tuple[str, str, str]]:
    """What reading says of these files: (severity, key, what is wanted)."""
    texts = {"CONFIG_CONTROLLER_HOST": "198.18.0.10", "CONFIG_HORIZON_SSL": "y"}
    names = (f"CONFIG_{who}_SSL_CERT", f"CONFIG_{who}_SSL_KEY")
    if who == "CA":
        names = ("CONFIG_SSL_CACERT_FILE", "CONFIG_SSL_CACERT_KEY_FILE")
        texts["CONFIG_SSL_CACERT_SELFSIGN"] = "n"
    found = answers.load((), texts | dict(zip(names, pair, strict=True)) | more, {}).problems
    return [(str(p.severity), p.seen.split(" ")[0], p.wanted) for p in found]


@pytest.mark.parametrize("who", ["HORIZON", "VNC"])
def test_a_valid_pair_is_accepted(brings: Brings, who: str) -> None:
    assert said(brings(), who=who) == []


def test_what_is_wrong_with_a_pair_is_said_by_key(brings: Brings, tmp_path: Path) -> None:
    good, other = brings(), brings()
    none = tmp_path / "none"
    none.write_text("this is not PEM\n")
    certificate, key = "CONFIG_HORIZON_SSL_CERT", "CONFIG_HORIZON_SSL_KEY"
    cases = {
        (good[0], other[1]): ("error", key, "not the key of"),
        brings(days=(-20, -1)): ("error", certificate, "certificate expired on"),
        brings(days=(2, 300)): ("error", certificate, "certificate is not valid before"),
        brings(days=(-20, 9)): ("warning", certificate, "certificate expires on"),
        brings(()): ("warning", certificate, "subjectAltName"),
        brings(passphrase=b"open sesame"): ("error", key, "has a passphrase"),
        (str(none), good[1]): ("error", certificate, "no certificate in PEM format"),
        (good[0], str(none)): ("error", key, "no private key in PEM format"),
        (good[1], good[0]): ("error", certificate, "no certificate in PEM format"),
    }
    for pair, (severity, about, wanted) in cases.items():
        (problem,) = said(pair)
        assert problem[:2] == (severity, about)
        assert wanted in problem[2]
    (problem,) = said(good, CONFIG_HORIZON_SSL_CACERT=str(none))
    assert problem[:2] == ("error", "CONFIG_HORIZON_SSL_CACERT")


def test_an_authority_must_be_one(brings: Brings) -> None:
    assert said(brings((), authority=True), who="CA") == []
    (problem,) = said(brings(()), who="CA")
    assert problem[:2] == ("error", "CONFIG_SSL_CACERT_FILE")
    assert "sign others" in problem[2]


def test_what_is_brought_is_shown_with_those_above_it(brings: Brings, tmp_path: Path) -> None:
    root = brings((), authority=True)
    middle = brings((), authority=True, by=root)
    own = brings(("cloud.example.com",), by=middle)
    wanted = CertificateRequest("horizon", "node1", ("node1",), (*own, middle[0]))
    found = certificates.gather(given(), [wanted], StateDir(tmp_path / "state"))
    shown = found.of["horizon", "node1"]
    assert (shown.given, shown.names, found.authority) == (True, ("cloud.example.com",), "")
    assert not (tmp_path / "state").exists(), "there was nothing to make"
    context = ssl.create_default_context(cadata=Path(root[0]).read_text())
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    handshake(shown, context, "cloud.example.com", tmp_path)


def test_an_organisations_authority_signs(brings: Brings, tmp_path: Path) -> None:
    root = brings((), authority=True)
    middle = brings((), authority=True, by=root)
    bundle = tmp_path / "bundle.crt"
    bundle.write_text(Path(middle[0]).read_text() + Path(root[0]).read_text())
    of = given(CONFIG_SSL_CACERT_SELFSIGN="n", CONFIG_SSL_CACERT_FILE=str(bundle), CONFIG_SSL_CACERT_KEY_FILE=middle[1])
    found = certificates.gather(of, [RABBIT], StateDir(tmp_path / "state"))
    assert found.authority == bundle.read_text()
    context = ssl.create_default_context(cadata=Path(root[0]).read_text())
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    handshake(found.of["rabbitmq", "node1"], context, "node1", tmp_path)


def test_the_proof_takes_the_certificate_that_was_brought_and_no_other(brings: Brings, tmp_path: Path) -> None:
    """It may be from an authority, and for a name, that the hosts do not know."""
    own, other = brings(), brings()
    wanted = [CertificateRequest("horizon", "node1", (), pair) for pair in (own, other)]
    shown = [certificates.gather(given(), [one], StateDir(tmp_path)).of["horizon", "node1"] for one in wanted]
    pinned = api.context("", Path(own[0]).read_text())
    handshake(shown[0], pinned, "127.0.0.1", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(shown[1], pinned, "127.0.0.1", tmp_path)
    signed = brings(by=brings((), authority=True))
    again = certificates.gather(given(), [CertificateRequest("horizon", "node1", (), signed)], StateDir(tmp_path))
    handshake(again.of["horizon", "node1"], api.context("", Path(signed[0]).read_text()), "127.0.0.1", tmp_path)


# ------------------------------------------------------------------------------------------------------ in the plan


def uploads(case: golden.Case) -> dict[str, dict[str, File]]:
    """By host: the files of its step for certificates, by path."""
    steps = {s.host: s for s in case.plan().steps if s.id.endswith(":certificates")}
    return {h: {f.path: f for a in s.actions if isinstance(a, Upload) for f in a.files} for h, s in steps.items()}


def test_a_key_is_only_where_it_is_shown_and_only_its_service_can_read_it() -> None:
    case = golden.CASES["tls"]
    found = uploads(case)
    keys = {(h, f.path.rpartition("/")[2]): f for h, fs in found.items() for f in fs.values() if f.path.endswith("key")}
    assert {at: (f.mode, f.owner, f.secret) for at, f in keys.items()} == {
        ("control.lab.stackwright.test", "horizon.key"): (0o600, "root:root", True),
        ("control.lab.stackwright.test", "nova-vncproxy.key"): (0o600, "nova:nova", True),
        ("network.lab.stackwright.test", "rabbitmq.key"): (0o600, "rabbitmq:rabbitmq", True),
    }
    assert {f.content.decode() for f in keys.values()} <= case.plan().secrets
    authority = {h: fs["/usr/local/share/ca-certificates/stackwright.crt"].content for h, fs in found.items()}
    assert authority == dict.fromkeys(golden.hosts(case), b"authority.crt\n")


def test_a_cloud_without_tls_has_no_step_for_it() -> None:
    assert uploads(golden.CASES["three-hosts"]) == {}
    whole = planner.cloud(golden.CASES["three-hosts"].answers(), golden.CASES["three-hosts"].facts())
    assert certificate_steps.wanted(whole) == ()


def test_the_script_does_its_work_once_for_each_set_of_certificates(tmp_path: Path) -> None:
    """It is run by a real shell, with stand-ins for what it changes on a host."""
    case = golden.CASES["tls"]
    step = next(s for s in case.plan().steps if s.id == "control.lab.stackwright.test:certificates")
    (script,) = (a.script for a in step.actions if isinstance(a, Run))
    for path in ("/etc/stackwright", "/usr/local/share", "/usr/sbin/", "/var/lib/stackwright"):
        script = script.replace(path, f"{tmp_path}{path}")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    update = tmp_path / "usr/sbin/update-ca-certificates"
    for file in [*uploads(case)["control.lab.stackwright.test"], "/var/lib/stackwright/x"]:
        where = Path(f"{tmp_path}{file}")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(file)
    update.parent.mkdir(parents=True)
    update.write_text(f"#!/bin/sh\necho trust >> {tmp_path}/told\n")
    for program in (bin_folder / "systemctl", update):
        program.chmod(0o755)

    def run() -> str:
        environment = {"PATH": f"{bin_folder}:/usr/bin:/bin"}
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert run() == "stackwright: changed\n"
    assert (tmp_path / "told").read_text() == "trust\ntry-restart nova-novncproxy apache2\n"
    assert run() == ""
    Path(f"{tmp_path}/etc/stackwright/tls/horizon.crt").write_text("another")
    assert run() == "stackwright: changed\n"
    assert len((tmp_path / "told").read_text().splitlines()) == 4


def _brought(*names: str) -> tuple[Answers, Certificates]:
    case = golden.CASES["tls"]
    host = "control.lab.stackwright.test"
    own = Certificate("", "", names, given=True)
    return case.answers(), Certificates({("horizon", host): own, ("nova-vncproxy", host): own})


@pytest.mark.parametrize(
    ("names", "at"),
    [
        (("198.18.0.10", "cloud.example.com"), "198.18.0.10"),
        (("cloud.example.com", "www.example.com"), "cloud.example.com"),
        (("cloud.example.com", "control.lab.stackwright.test"), "control.lab.stackwright.test"),
        (("*.lab.stackwright.test",), "control.lab.stackwright.test"),
        (("*.example.com",), "198.18.0.10"),
        ((), "198.18.0.10"),
    ],
)
def test_people_are_sent_to_a_name_that_the_certificate_is_for(names: tuple[str, ...], at: str) -> None:
    given, brought = _brought(*names)
    whole = planner.cloud(given, golden.CASES["tls"].facts(), brought)
    assert whole.dashboard_url == f"https://{at}/horizon"
    assert whole.console_url == f"https://{at}:6080/"


def test_ports_follow() -> None:
    def ports(name: str) -> set[int]:
        case = golden.CASES[name]
        placed = planner.place(case.answers(), SERVICES)
        return {p.number for parts in placed.values() for part in parts for p in listening(part, case.answers())}

    assert ports("tls") - ports("three-hosts") == {443, 5671}
    assert ports("three-hosts") - ports("tls") == {5672}


def test_the_proof_trusts_the_authority() -> None:
    case = golden.CASES["tls"]
    config = verify.config(planner.cloud(case.answers(), case.facts()))
    assert config.dashboard_url == "https://198.18.0.10/horizon"
    assert config.ca_file == "/usr/local/share/ca-certificates/stackwright.crt"
    assert config.dashboard_certificate == ""


def certified(case: golden.Case, place: StateDir) -> Certificates:
    return certify(planner.cloud(case.answers(), case.facts()), place, write=True)


def test_the_way_of_a_run_makes_what_the_plan_needs(tmp_path: Path) -> None:
    case = golden.CASES["tls"]
    place = StateDir(tmp_path)
    found = certified(case, place)
    first = planner.plan(planner.cloud(case.answers(), case.facts(), found))
    again = planner.plan(planner.cloud(case.answers(), case.facts(), certified(case, place)))
    assert first.digests() == again.digests()
    own = found.of["rabbitmq", "network.lab.stackwright.test"]
    assert set(own.names) == {"network.lab.stackwright.test", "network", "198.18.0.11"}
    assert f"trusted with:  {found.file}" in text.summary(
        first, [], tmp_path, None, proved=True, authority=Path(found.file)
    )
    plain = golden.CASES["three-hosts"]
    assert certified(plain, StateDir(tmp_path / "none")) == Certificates()
    assert not (tmp_path / "none").exists()


def test_an_ipv6_address_is_no_server_name() -> None:
    """Apache takes it for a name with a port, and does not start."""
    given = answers.load(
        (), {"CONFIG_CONTROLLER_HOST": "2001:db8::10", "CONFIG_HORIZON_SSL": "y"}, {}, files=False
    ).answers
    plan = outcome.plan(given, outcome.facts(given))
    (data,) = (run.hieradata for run in golden.last_runs(plan).values())
    assert 'horizon::servername: "node10.example.org"' in data
    assert plan.summary["dashboard"] == "https://[2001:db8::10]/horizon"


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "long.pem"
    path.write_bytes(b"x" * (1024 * 1024 + 1))
    for read in (pem.certificates, pem.key):
        with pytest.raises(ValueError, match="longer than 1024 KiB"):
            read(path)
