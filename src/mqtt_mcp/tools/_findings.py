"""What results tell is wrong, as the journal takes it: one shape for the issues and findings of three tools.

Owns the translation only. What is wrong is decided in ``analysis``; what is shown and kept of it, by the journal.
"""

from collections.abc import Iterable, Iterator

from mqtt_mcp.analysis.devices.finding import Finding as DeviceFinding
from mqtt_mcp.analysis.devices.report import DeviceLine
from mqtt_mcp.analysis.performance.findings import Finding as PerformanceFinding
from mqtt_mcp.analysis.sample.tables import Issue, IssueGroup
from mqtt_mcp.hub.records import Found


def found_in_messages(issues: Iterable[Issue], more: Iterable[IssueGroup]) -> Iterator[Found]:
    """Issues of a sample, each of one topic; and those that are not listed one by one, by their kind."""
    for issue in issues:
        when = f"{issue.first_s:.1f} s into" if issue.count == 1 else f"{issue.first_s:.1f} to {issue.last_s:.1f} s of"
        yield Found(
            severity=issue.severity,
            code=issue.code,
            text=f"{_words(issue.code)}, {when} the watch" + (f": {issue.why}" if issue.why else "."),
            topic=issue.topic,
            at_s=issue.first_s,
            count=issue.count,
        )
    for group in more:
        topics = "one more topic" if group.topics == 1 else f"{group.topics} more topics"
        yield Found(
            severity=group.severity, code=group.code, text=f"{_words(group.code)} on {topics}.", count=group.count
        )


def found_on_devices(findings: Iterable[DeviceFinding], devices: Iterable[DeviceLine]) -> Iterator[Found]:
    """The findings of the one device that was asked for, or the worst of each of all devices."""
    for one in findings:
        yield Found(
            severity=one.severity, code=one.code, text=one.title, topic=one.topic, at_s=one.at_s, count=one.count
        )
    for line in devices:
        if line.severity and line.findings:
            yield Found(severity=line.severity, code=line.findings[0], text=line.worst, device=line.name)


def found_in_traffic(findings: Iterable[PerformanceFinding]) -> Iterator[Found]:
    """Findings about the broker and its traffic as a whole."""
    for one in findings:
        yield Found(severity=one.severity, code=one.code, text=one.evidence)


def _words(code: str) -> str:
    words = code.replace("_", " ")
    return words[:1].upper() + words[1:]
