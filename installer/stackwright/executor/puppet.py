"""Everything about `puppet apply` that needs no connection: its input files, its output and its report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stackwright import shell, untrusted
from stackwright.model import PuppetApply

# Puppet's own report has megabytes of Ruby-tagged YAML for a catalog of 1,600 resources. This report processor writes
# only what is needed, as JSON. Puppet finds it in its libdir.
#
# Times are those of --evaltrace and not the report's evaluation_time, which does not include refreshes, and so no
# database migration. Most resources take milliseconds; for those, only the sum matters.
_REPORT_PROCESSOR = """\
require 'json'

Puppet::Reports.register_report(:stackwright) do
  desc 'Writes a summary of the run for Stackwright to the file that STACKWRIGHT_REPORT names.'

  def process
    statuses = resource_statuses.values
    names = statuses.to_h { |s| [s.source_description, s.resource] }
    took = logs.filter_map do |l|
      seconds = l.message.to_s[/\\AEvaluated in ([\\d.]+) seconds\\z/, 1]
      resource = seconds && names[l.source.to_s]
      [resource, (l.time - time - seconds.to_f).round(2), seconds.to_f] if resource
    end
    times = metrics['time'] ? metrics['time'].values.to_h { |name, _, value| [name, value] } : {}
    started = ENV['STACKWRIGHT_STARTED'].to_f
    bad = %i[warning err alert emerg crit]
    said = logs.select { |l| bad.include?(l.level) || l.source.to_s.end_with?('/returns') }
    out = {
      'version'   => 1,
      'puppet'    => puppet_version,
      'status'    => status,
      'total'     => statuses.length,
      'changed'   => statuses.select { |s| s.changed }.map(&:resource),
      'failed'    => statuses.select { |s| s.failed || s.failed_to_restart }.map do |s|
        { 'resource' => s.resource, 'file' => s.file, 'line' => s.line }
      end,
      'skipped'   => statuses.count { |s| s.skipped },
      'timeline'  => took.select { |_, _, seconds| seconds >= 0.05 },
      'by_type'   => took.group_by { |name, _, _| name[/\\A[^\\[]+/] }.transform_values { |t| t.sum(&:last).round(2) },
      'retrieval' => (times['config_retrieval'] || 0).round(2),
      'began'     => started.zero? ? 0 : (time - started).to_f.round(2),
      'applied'   => (Time.now - time).round(2),
      'logs'      => said.last(400).map { |l| [l.level.to_s, l.source.to_s, l.message.to_s] },
    }
    # Lists changes for the day when the cloud is removed. Names only: values may be secrets.
    File.open(File.join(ENV.fetch('STACKWRIGHT_BASE'), 'changes.log'), 'a', 0o600) do |f|
      statuses.select { |s| s.changed && s.resource_type != 'Notify' }.each do |s|
        made = s.events.any? { |e| e.property == 'ensure' && e.previous_value.to_s == 'absent' }
        what = s.resource_type == 'Exec' ? 'ran' : made ? 'made' : 'changed'
        f.puts("puppet #{what}: #{s.resource.tr("\n", ' ')}")
      end
    end
    path = ENV.fetch('STACKWRIGHT_REPORT')
    File.open("#{path}.new", 'w', 0o600) { |f| f.write(JSON.generate(out)) }
    File.rename("#{path}.new", path)
  end
end
"""

_HIERA = """\
version: 5
defaults:
  datadir: data
  data_hash: yaml_data
hierarchy:
  - name: this host
    path: host.yaml
"""


def inputs(action: PuppetApply) -> tuple[tuple[str, bytes, int], ...]:
    """The input files of a run: (name, content, mode) each; `script` is the one to run. All are written to the run's
    private input folder, which is removed when the run ends, also after a failure. No secret is in an argument."""
    script = shell.fill("executor/puppet_apply.sh", PUPPET=action.puppet, MODULEPATH=action.modulepath)
    return (
        ("script", script.encode(), 0o600),
        ("manifest.pp", action.manifest.encode(), 0o600),
        ("hiera.yaml", _HIERA.encode(), 0o600),
        ("data/host.yaml", action.hieradata.encode(), 0o600),
        ("stackwright.rb", _REPORT_PROCESSOR.encode(), 0o600),
    )


# ------------------------------------------------------------------------------------------------------- while it runs

_STARTING = re.compile(
    r"^Info: (?P<path>.+): Starting to evaluate the resource(?: \((?P<n>\d{1,9}) of (?P<m>\d{1,9})\))?$"
)
_EVALUATED = re.compile(r"^Info: (?P<path>.+): Evaluated in (?P<seconds>\d{1,9}(?:\.\d{1,9})?) seconds$")
_COMPILED = re.compile(r"^Notice: Compiled catalog for .* in (?P<seconds>\d{1,9}(?:\.\d{1,9})?) seconds$")


@dataclass(frozen=True)
class Progress:
    """The progress of a run: `done` of `total` resources, and the one that is being evaluated."""

    done: int
    total: int
    what: str


def progress(line: str) -> Progress | None:
    """The progress in a line of `--evaltrace` output; None for any other line."""
    if found := _STARTING.match(line):
        return Progress(int(found["n"] or 0), int(found["m"] or 0), resource_of(found["path"]))
    return None


def is_trace(line: str) -> bool:
    """Whether a line is only about progress, and so not shown to people."""
    return bool(_STARTING.match(line) or _EVALUATED.match(line))


def compile_seconds(line: str) -> float | None:
    """The seconds that compiling the catalog took, if this line contains them."""
    found = _COMPILED.match(line)
    return float(found["seconds"]) if found else None


def resource_of(path: str) -> str:
    """The resource in a containment path: `Service[nova-api]` of `/Stage[main]/Nova::Api/Service[nova-api]/ensure`.

    Titles may hold slashes (`File[/etc/nova]`), so the last `Type[` outside of brackets counts.
    """
    depth, start = 0, 0
    found = ""
    for n, letter in enumerate(path):
        if letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
            if depth == 0:
                found = path[start : n + 1]
        elif letter == "/" and depth == 0:
            start = n + 1
    return found or path


# The first pattern that matches gives the kind.
_KINDS = (
    (re.compile(r"^Package\["), "packages"),
    (re.compile(r"^Exec\[.*(db[ _-]?sync|migrat|map_cell0|bootstrap|db_load)", re.IGNORECASE), "database migrations"),
    (re.compile(r"^Nova_cell_v2\["), "database migrations"),
    (re.compile(r"^(Exec|Cron)\["), "commands"),
    (re.compile(r"^(Service|Stackwright_wait_services)\["), "service starts"),
    (re.compile(r"^(Mysql|Rabbitmq|Mongodb|Redis)_"), "databases and queues"),
    (
        re.compile(r"_config\[|^(File|File_line|Ini_setting|Augeas|Concat_file|Concat_fragment|Vs_config)\["),
        "configuration",
    ),
    (re.compile(r"^(Keystone|Neutron|Nova|Glance|Cinder|Stackwright|Heat|Magnum|Manila|Ironic|Trove)_"), "API objects"),
)


def kind_of(resource: str) -> str:
    """The kind of work that a resource does, for people: "service starts", "database migrations", ..."""
    return next((kind for pattern, kind in _KINDS if pattern.search(resource)), "other resources")


# ------------------------------------------------------------------------------------------------------- when it ended


@dataclass(frozen=True)
class FailedResource:
    """A failed resource, with the lines that Puppet wrote about it."""

    resource: str
    file: str = ""
    line: int = 0
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class PuppetReport:
    """The report of a Puppet run. Times are in seconds."""

    status: str
    total: int
    changed: tuple[str, ...] = ()
    failed: tuple[FailedResource, ...] = ()
    skipped: int = 0
    timeline: tuple[tuple[str, float, float], ...] = ()
    """Resources that took a noticeable time: name, when it began (after `began`), and how long it took."""
    by_type: dict[str, float] = field(default_factory=dict)
    """Time by resource type, of all resources."""
    retrieval: float = 0.0
    """Time to compile the catalog and to create resources from it."""
    began: float = 0.0
    """When Puppet began to apply resources, counted from its start; 0 if unknown."""
    applied: float = 0.0
    """Time to apply all resources."""
    errors: tuple[str, ...] = ()
    """Errors that belong to no resource."""
    warnings: tuple[str, ...] = ()
    puppet: str = ""


_MOST_FAILED = 200
"""Failed resources that are read, each with its lines. A catalog of ours has some 3,000 resources."""


def read_report(text: str) -> PuppetReport:
    """Parses the output of our report processor. Raises ValueError if it is not a report, or incomplete."""
    try:
        raw: dict[str, Any] = untrusted.from_json(text)
        logs = [(str(level), str(source), str(message)) for level, source, message in raw["logs"]]
        failed = tuple(
            FailedResource(
                resource=str(item["resource"]),
                file=str(item.get("file") or ""),
                line=int(item.get("line") or 0),
                lines=_lines_of(str(item["resource"]), logs),
            )
            for item in raw["failed"][:_MOST_FAILED]
        )
        return PuppetReport(
            status=str(raw["status"]),
            total=int(raw["total"]),
            changed=tuple(map(str, raw["changed"])),
            failed=failed,
            skipped=int(raw["skipped"]),
            timeline=tuple((str(name), float(at), float(seconds)) for name, at, seconds in raw["timeline"]),
            by_type={str(k): float(v) for k, v in raw["by_type"].items()},
            retrieval=float(raw["retrieval"]),
            began=float(raw["began"]),
            applied=float(raw["applied"]),
            errors=tuple(m for level, source, m in logs if level != "warning" and "[" not in source),
            warnings=tuple(dict.fromkeys(m for level, _, m in logs if level == "warning" and "Skipping" not in m)),
            puppet=str(raw.get("puppet", "")),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError(f"not the report of a Puppet run: {error}") from None


def _lines_of(resource: str, logs: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """The log lines about one resource, in order, without those about resources that it contains. If there are none,
    the lines about its type: when a provider cannot prefetch, all resources of the type fail without a message."""
    out: list[str] = []
    for level, source, message in logs:
        if resource_of(source) == resource and (level != "warning" or "Skipping" not in message):
            out += [line for line in message.splitlines() if line.strip()]
    if not out:
        listing = f"Could not prefetch {resource.partition('[')[0].lower()} provider "
        for _, _, message in logs:
            if message.startswith(listing):
                out += [line for line in message.splitlines() if line.strip()]
    return tuple(out)


def time_by_kind(report: PuppetReport) -> dict[str, float]:
    """Seconds by kind of work. Migrations are recognised by the title of their resource, which only the resources that
    took long have here; short migrations count as commands."""
    out: dict[str, float] = {}

    def add(kind: str, seconds: float) -> None:
        out[kind] = out.get(kind, 0.0) + seconds

    for name, seconds in report.by_type.items():
        add(kind_of(f"{name}[]"), seconds)
    for resource, _, seconds in report.timeline:
        add(kind_of(resource), seconds)
        add(kind_of(resource.partition("[")[0] + "[]"), -seconds)
    add("Puppet itself", report.applied - sum(report.by_type.values()))
    return {kind: seconds for kind, seconds in out.items() if seconds > 0}


def root_cause(report: PuppetReport) -> FailedResource | None:
    """The first resource that failed. Resources that depend on it are skipped and do not count as failed."""
    with_lines = [f for f in report.failed if f.lines]
    return next(iter(with_lines or report.failed), None)


# Messages of package managers after which another attempt may succeed. Sources: messages of apt and dnf.
_PASSING = (
    ("Could not get lock", "another process holds the lock of the package manager"),
    ("is another process using it", "another process holds the lock of the package manager"),
    ("Unable to acquire the dpkg frontend lock", "another process holds the lock of the package manager"),
    ("Temporary failure resolving", "a package mirror's name did not resolve"),
    ("Hash Sum mismatch", "a package mirror was being updated"),
    ("503  Service Unavailable", "a package mirror answered 503"),
    ("502  Bad Gateway", "a package mirror answered 502"),
    ("Status code: 503", "a package mirror answered 503"),
    ("Connection timed out", "a package mirror did not answer"),
    ("Cannot download", "a package could not be downloaded"),
    ("Failed to fetch", "a package could not be fetched"),
)


def passing_trouble(report: PuppetReport) -> str:
    """The reason to try again: only packages failed, and all for a temporary reason. Otherwise empty."""
    why = ""
    for failed in report.failed:
        text = "\n".join(failed.lines)
        reason = next((reason for words, reason in _PASSING if words in text), "")
        if not failed.resource.startswith("Package[") or not reason:
            return ""
        why = f"{failed.resource}: {reason}"
    return why


def verdict(code: int, report: PuppetReport | None, output: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """None if the run succeeded: exit code 0 or 2 (with --detailed-exitcodes, 2 means "changed"), a report, and no
    failed resource in it. Otherwise the cause in a few words, and the lines about it."""
    if report and (cause := root_cause(report)):
        more = len(report.failed) - 1
        return cause.resource + (f" (and {more} more)" if more else ""), cause.lines
    if code in (0, 2) and report and report.status != "failed":
        return None
    wrong = errors(output)
    if report and report.errors:
        wrong = report.errors
    if code in (0, 2) and report is None:
        return "Puppet ended without a report", wrong or tuple(output[-10:])
    if code > 128:
        return f"Puppet was killed by signal {code - 128}", wrong or tuple(output[-5:])
    compiled = any(compile_seconds(line) is not None for line in output)
    if code == 1 and report is None and wrong and not compiled:
        return "the catalog does not compile", wrong  # Puppet writes no report then
    return f"puppet apply ended with exit status {code}", wrong or tuple(output[-10:])


def errors(output: Sequence[str]) -> tuple[str, ...]:
    """The error lines of a run's output, each with the lines that continue it."""
    out: list[str] = []
    inside = False
    for line in output:
        if re.match(r"^(Error|Err|Alert|Critical|Emergency): ", line):
            inside = True
            out.append(line.split(": ", 1)[1])
        elif re.match(r"^(Info|Notice|Warning|Debug): ", line):
            inside = False
        elif inside and line.strip():
            out.append(line)
    return tuple(out)
