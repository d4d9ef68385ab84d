"""docs/how-it-works.md names times and numbers: they are the defaults of the program."""

import re
from pathlib import Path

import pytest

from mqtt_mcp.settings import DEFAULTS

PAGE = (Path(__file__).parents[2] / "docs/how-it-works.md").read_text(encoding="utf-8")
MINUTE_S, HOUR_S = 60, 3600


@pytest.mark.parametrize(
    "said",
    [
        f"session | {DEFAULTS.session_ttl_s / HOUR_S:g} hour after its last use",
        f"| {DEFAULTS.orphan_grace_s / MINUTE_S:g} minutes more |",
        f"| {DEFAULTS.max_sessions} in a hub | those",
        f"| {DEFAULTS.min_duration_s:g} to {DEFAULTS.max_duration_s:g} seconds |",
        f"| {DEFAULTS.default_wait_s:g} seconds, at most {DEFAULTS.max_wait_s:g} |",
        f"fetchable for {DEFAULTS.result_keep_s / MINUTE_S:g} minutes, the last {DEFAULTS.max_finished_collections} |",
        f"| {DEFAULTS.max_running_collections} in a hub | `busy`",
        "after {:g}, {:g} and {:g} seconds".format(*DEFAULTS.reconnect_delays_s),
        f"| {DEFAULTS.session_memory_bytes / 2**20:g} MiB |",
        f"at most {DEFAULTS.max_shown_messages} messages, in about {DEFAULTS.result_chars:,} characters",
    ],
)
def test_a_number_on_the_page_is_the_programs(said):
    """A default that changes has to change here, too."""
    assert said in PAGE


def test_the_three_time_limits_in_one_row_are_equal():
    """One row stands for connecting, subscribing and an acknowledgement."""
    limits = {DEFAULTS.connect_timeout_s, DEFAULTS.subscribe_timeout_s, DEFAULTS.publish_ack_timeout_s}

    assert limits == {float(one) for one in re.findall(r"acknowledgement \| (\d+) seconds each", PAGE)}
