"""Broker addresses as people write them.

Provenance: the decisions on brokers and credentials (URL user-info is moved out at parse time and never shown).
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import Broker, Secret, Tls, parse_broker_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mqtt://broker", "mqtt://broker:1883"),
        ("mqtts://broker", "mqtts://broker:8883"),
        ("MQTT://broker:99/", "mqtt://broker:99"),
        ("tcp://10.0.0.1", "mqtt://10.0.0.1:1883"),
        ("ssl://h", "mqtts://h:8883"),
        ("tls://h:1", "mqtts://h:1"),
        ("mqtt+ssl://h", "mqtts://h:8883"),
        ("  broker.local ", "mqtt://broker.local:1883"),
        ("broker:1884", "mqtt://broker:1884"),
        ("broker:8883", "mqtts://broker:8883"),
        ("mqtt://broker:8883", "mqtt://broker:8883"),
        ("mqtt://[::1]:1884", "mqtt://[::1]:1884"),
        ("[2001:db8::1]", "mqtt://[2001:db8::1]:1883"),
        ("::1", "mqtt://[::1]:1883"),
        ("mqtt://u:p@h", "mqtt://h:1883"),
    ],
)
def test_addresses_are_understood(url: str, shown: str) -> None:
    """Schemes, aliases, default ports, bare hosts and IPv6."""
    assert parse_broker_url(url).url == shown


@pytest.mark.parametrize(
    ("url", "username", "password"),
    [
        ("mqtt://u@h", "u", None),
        ("mqtt://u:p%40%2F%3A@h", "u", "p@/:"),
        ("mqtt://u:p@ss/w?o#d@h:1", "u", "p@ss/w?o#d"),
        ("u:p@h", "u", "p"),
        ("mqtt://%C3%A4:%20@h", "ä", " "),
        ("mqtt://u:@h", "u", None),
    ],
)
def test_user_info_is_moved_out_of_the_url(url: str, username: str, password: str | None) -> None:
    """Percent-encoding is undone; an unescaped reserved character in a password is understood as well."""
    broker = parse_broker_url(url)
    assert broker.username == Secret(username)
    assert broker.password == (Secret(password) if password else None)
    assert broker.host == "h"


def test_arguments_win_over_user_info() -> None:
    """A password of the URL does not go with another user's name."""
    broker = parse_broker_url("mqtt://u:p@h", username="other")
    assert (broker.username, broker.password) == (Secret("other"), None)


def test_tls_settings_make_a_bare_host_encrypted_and_contradict_mqtt() -> None:
    """Certificates for an unencrypted scheme are a mistake somebody has to hear of."""
    tls = Tls(ca_file="ca.pem")
    assert parse_broker_url("h", tls=tls) == Broker(host="h", port=8883, tls=tls)
    with pytest.raises(ToolError, match="unencrypted"):
        parse_broker_url("mqtt://h", tls=tls)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no host"),
        ("mqtt://", "no host"),
        ("mqtt://:1883", "no host"),
        ("ws://h:9001", "WebSocket is not supported"),
        ("wss://h/mqtt", "WebSocket is not supported"),
        ("https://h", "WebSocket is not supported"),
        ("ftp://h", "does not begin with mqtt"),
        ("mqtt://h:0", "port"),
        ("mqtt://h:65536", "port"),
        ("mqtt://h:", "port"),
        ("mqtt://h:٣", "port"),
        ("mqtt://h/path", "path"),
        ("mqtt://h?x=1", "path"),
        ("mqtt://h h", "not a valid host"),
        ("mqtt://h\n", None),
        ("mqtt://[::1", "IPv6"),
        ("mqtt://[nonsense]", "IPv6"),
        ("mqtt://a:b:c", "colons"),
        ("mqtt://:secret@h", "without a user name"),
        ("mqtt://u%00:p@h", "user name"),
    ],
)
def test_bad_addresses_are_refused_in_words(url: str, words: str | None) -> None:
    """Each fault has its own sentence; white space around an address is none."""
    if words is None:
        assert parse_broker_url(url).host == "h"
        return
    with pytest.raises(ToolError, match=words) as error:
        parse_broker_url(url, kind=ErrorKind.CONFIG)
    assert error.value.kind == ErrorKind.CONFIG
    assert error.value.hint


hosts = st.sampled_from(["h", "", "::1", "[::1]", "h:99999", "h:x", "h h", "h/p", "[x", "a:b:c"])


@given(st.sampled_from(["mqtt", "mqtts", "ws", "x"]), st.text(max_size=20), hosts)
def test_no_error_and_no_repr_shows_credentials(scheme: str, noise: str, host: str) -> None:
    """Whatever stands before the last @ may be a password and is never repeated."""
    url = f"{scheme}://us3rname:pa55word{noise}@{host}"
    try:
        shown = repr(parse_broker_url(url)) + parse_broker_url(url).url
    except ToolError as error:
        shown = str(error)
    assert "us3rname" not in shown
    assert "pa55word" not in shown


def test_a_forgotten_host_does_not_show_the_password() -> None:
    """``mqtt://user:secret`` reads as host and port; the error must not echo either."""
    with pytest.raises(ToolError) as error:
        parse_broker_url("mqtt://us3rname:pa55word")
    assert "pa55word" not in str(error.value)
    assert "us3rname" not in str(error.value)
