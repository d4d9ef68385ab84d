"""All checks of one device, in one list: findings by severity, and each check's outcome.

Owns which checks there are and their order. What they look at is in ``checks_*.py``.
"""

from collections.abc import Callable

import msgspec

from mqtt_mcp.analysis.devices import (
    checks_commands,
    checks_health,
    checks_reach,
    checks_rhythm,
    checks_stored,
    checks_time,
    checks_values,
)
from mqtt_mcp.analysis.devices.advice import advice
from mqtt_mcp.analysis.devices.finding import SEVERITIES, Finding, Outcome, View

CHECKS: tuple[Callable[[View], Outcome], ...] = (
    checks_reach.device_offline,
    checks_reach.parent_offline,
    checks_reach.flapping,
    checks_reach.contradiction,
    checks_reach.device_leave,
    checks_reach.duplicate_client_id,
    checks_rhythm.silence_gap,
    checks_rhythm.jitter,
    checks_rhythm.burst,
    checks_rhythm.duplicates,
    checks_rhythm.bridge_loop,
    checks_rhythm.qos_mismatch,
    checks_rhythm.oversized,
    checks_stored.retained_command,
    checks_stored.stale_retained,
    checks_stored.state_not_retained,
    checks_stored.retained_event,
    checks_stored.discovery_inconsistent,
    checks_values.value_outlier,
    checks_values.stuck_value,
    checks_values.null_reading,
    checks_values.bad_quality,
    checks_values.malformed_payload,
    checks_values.schema_change,
    checks_time.clock_skew,
    checks_time.timestamp_stalled,
    checks_time.sequence_gap,
    checks_time.reordering,
    checks_time.rebirth_missing,
    checks_health.battery_low,
    checks_health.link_weak,
    checks_health.reboot,
    checks_health.alarm,
    checks_health.error_log,
    checks_health.prompt_injection,
    checks_commands.command_error,
    checks_commands.command_unanswered,
)


class Judgement(msgspec.Struct, frozen=True):
    """All checks of one device: findings by severity, and each check's verdict."""

    findings: list[Finding]
    checks: dict[str, str]


def judge(view: View) -> Judgement:
    """Run every check."""
    found: list[Finding] = []
    verdicts: dict[str, str] = {}
    for check in CHECKS:
        outcome = check(view)
        verdicts[check.__name__] = outcome.verdict
        found += outcome.findings
    found.sort(key=lambda one: (SEVERITIES.index(one.severity), one.code, one.topic))
    return Judgement([_advised(one, view.device.ecosystem) for one in found], verdicts)


def _advised(finding: Finding, ecosystem: str) -> Finding:
    special = advice(finding.code, ecosystem)
    return finding if special == finding.advice else msgspec.structs.replace(finding, advice=special)
