"""What may get into a record: secrets out at any depth, the invisible visible, everything bounded, in linear time."""

import base64
import hashlib
import json
import time
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.hub.redaction import MAX_CALL_CHARS, PAYLOAD_HEAD_BYTES, Redactor
from mqtt_mcp.hub.secrets import MAX_LEARNED

SECRET = 'hunter2"ü/%'


@pytest.mark.parametrize(
    "text",
    [
        f"it said {SECRET}, it did",
        f"mqtt://bob:{SECRET}@broker.test",
        json.dumps({"answer": SECRET}),
        json.dumps({"answer": SECRET}, ensure_ascii=False),
        ascii(SECRET),
        "mqtt://broker.test/?k=hunter2%22%C3%BC%2F%25",
    ],
)
def test_a_known_secret_is_gone_in_every_spelling(text):
    """monitor.md §4.4: key names miss free text."""
    shown = Redactor([SECRET]).text(text)

    assert "hunter2" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ('{"wifi_password": "s3cret", "ssid": "home"}', "home"),
        ('{\\"api_key\\":\\"s3cret\\",\\"a\\":1}', '\\"a\\":1'),
        ('{"token":"s3cr\\"s3cret","a":1}', '"a":1'),
        ("password=s3cret user=me", "user=me"),
        ("Authorization: Bearer s3cret-s3cret", "Authorization"),
        ("sent with Bearer s3cret.s3cret today", "today"),
        ("connect to mqtt://bob:s3cret@host:1883 failed", "host:1883 failed"),
        ("pwd: s3cret; next", "next"),
    ],
)
def test_what_stands_behind_a_telling_name_is_gone(text, stays):
    """monitor.md §4.4: by key name, in JSON, in assignments, in headers and URLs."""
    shown = Redactor().text(text)

    assert "s3cret" not in shown
    assert stays in shown


@pytest.mark.parametrize("text", ['{"compass": 12}', "bypass=on", "passage: 3", "a/token/b", "temperature=21.5"])
def test_ordinary_words_stay(text):
    """A monitor that blackens readings is of no use."""
    assert Redactor().text(text) == text


def test_arguments_lose_their_secrets_at_any_depth_and_later_text_does_too():
    """What a client typed into a password field must not come back in an error text."""
    redactor = Redactor()

    shown = redactor.arguments(
        msgspec.json.encode(
            {
                "url": "mqtt://a:b-secret@h",
                "password": "typed-secret",
                "username": "bob",
                "deep": [{"private_key": "k-secret", "fine": 1}],
                "payload": '{"token":"t-secret","state":"ON"}',
            }
        )
    )

    assert "secret" not in json.dumps(shown)
    assert shown["username"] == "***"
    assert shown["deep"] == [{"private_key": "***", "fine": 1}]
    assert "ON" in shown["payload"]
    assert redactor.text("refused typed-secret") == "refused ***"


@pytest.mark.parametrize("raw", [b"", b"null", b"[1]", b"{", b"\xff\xfe", b'"text"', b"[" * 5000])
def test_arguments_that_are_no_object_are_shown_as_text(raw):
    """The journal hears of a call before its arguments are checked."""
    shown = Redactor().arguments(raw)

    assert shown == {} or list(shown) == ["(not an object)"]


def test_arguments_are_bounded_in_depth_width_and_length():
    """A call may carry 4 MiB."""
    deep: dict[str, object] = {}
    for _ in range(200):
        deep = {"k": deep}

    shown = Redactor().arguments(msgspec.json.encode({"deep": deep, "wide": list(range(10_000)), "long": "x" * 10**6}))

    assert len(json.dumps(shown)) < 4_000


@pytest.mark.parametrize("hostile", ["a\x1b[31mb", "a\u202eb", "a\u200bb", "a\x00b", "a\nb", "a\U000e0041b"])
def test_what_is_invisible_becomes_visible(hostile):
    """monitor.md §4.3."""
    shown = Redactor().text(hostile)

    assert shown.isprintable()
    assert "\\" in shown


def test_a_secret_across_the_cut_is_still_found():
    """Cutting first would show half of it."""
    shown = Redactor(["abcdefghij" * 10]).text("x" * 95 + "abcdefghij" * 10, 100)

    assert "abcde" not in shown


def test_a_payload_is_shown_by_its_head_cut_between_characters():
    """monitor.md §4.3: 512 bytes, on a character boundary, truncation said."""
    text, encoding, truncated = Redactor().payload("ü".encode() * 400)

    assert (encoding, truncated) == ("utf-8", True)
    assert text == "ü" * (PAYLOAD_HEAD_BYTES // 2)


def test_bytes_that_are_no_text_are_base64():
    """monitor.md §4.3."""
    assert Redactor().payload(b"\xff\x00") == ("/wA=", "base64", False)


def test_payloads_can_be_hashed_or_hidden():
    """monitor.md §4.4: payloads may hold secrets."""
    hashed, hidden = Redactor(payloads="hash"), Redactor(payloads="none")

    assert hashed.payload(b"ON") == (hashlib.sha256(b"ON").hexdigest(), "sha256", False)
    assert hidden.payload(b"ON") == ("", "hidden", True)
    assert "ON" not in str(hashed.arguments(b'{"payload":"ON"}'))
    assert "ON" not in str(hidden.arguments(b'{"payload":"ON"}'))


def test_a_hash_of_a_part_is_not_shown_as_one_of_all():
    """The table of topics keeps only heads."""
    assert Redactor(payloads="hash").payload(b"x" * 513, 100_000) == ("", "hidden", True)


def test_only_so_many_learned_secrets_are_known_and_the_configured_ones_stay():
    """Whoever calls with ever new passwords must neither make every line slow nor make us forget our own."""
    redactor = Redactor(["the-configured-one"])
    for number in range(3 * MAX_LEARNED):
        redactor.arguments(msgspec.json.encode({"password": f"secret-number-{number}"}))

    assert redactor.text(f"secret-number-{3 * MAX_LEARNED - 1}") == "***"
    assert redactor.text("my secret-number-0 x") == "my secret-number-0 x"
    assert redactor.text("it is the-configured-one") == "it is ***"


def test_a_client_cannot_blind_a_person_by_calling_ordinary_words_secret():
    """Topics stay, whatever was called a password; and only passwords are learned, not every token."""
    redactor = Redactor()
    redactor.arguments(b'{"password":"zigbee2mqtt","token":"kitchen","secret":"home"}')

    assert redactor.topic("zigbee2mqtt/kitchen/set") == "zigbee2mqtt/kitchen/set"
    assert redactor.text("home and kitchen") == "home and kitchen"
    assert redactor.arguments(b'{"topic":"zigbee2mqtt/lamp"}') == {"topic": "zigbee2mqtt/lamp"}


def test_a_short_secret_is_found_only_where_it_stands_alone():
    """A broker password `home` must not blacken every word it is a part of."""
    redactor = Redactor(["home"])

    assert redactor.text("homeassistant uses home") == "homeassistant uses ***"


@pytest.mark.parametrize(
    "address",
    [
        "mqtt://user:pa/hunter2@host",
        "mqtt://user:p@hunter2@host",
        "mqtts://user:hunter2@host:8883/x",
        "user:hunter2@broker.local",
        "user:hunter2/x@nohost.invalid",
        "user:hunter%32@host",
    ],
)
def test_no_spelling_of_an_address_shows_its_password(address):
    """The very spellings that are understood as an address (mqtt/broker_url.py)."""
    redactor = Redactor()
    in_text = redactor.text(f"cannot connect to {address} now")
    for key in ("url", "profile"):
        shown = str(redactor.arguments(msgspec.json.encode({key: address})))
        assert "hunter" not in shown
        assert address.rpartition("@")[2] in shown

    assert "hunter" not in in_text


@pytest.mark.parametrize("before", [490, 498, 505, 511])
def test_a_secret_across_the_end_of_a_payloads_head_is_found(before):
    """Cutting first would show most of it."""
    redactor = Redactor(["S3cretBrokerPw!"])

    shown = redactor.payload(b"x" * before + b"S3cretBrokerPw! and more")[0]
    address = redactor.payload(b"x" * (before - 60) + b" mqtt://u:hunter2longpassword0123456789" + b"y" * 40 + b"@h")[0]

    assert "S3c" not in shown
    assert "hunter2" not in address


@pytest.mark.parametrize(
    "text",
    [
        '{"secrets":["hunter2","hunter2"],"a":1}',
        '{"credentials": {"user":"bob","pw":"hunter2"},"a":1}',
        '{"password": {"value":"hunter2 ]} "},"a":1}',
        '{"mqttPass":"hunter2","a":1}',
        '{"wifiPwd":"hunter2","a":1}',
        "Authorization=Digest hunter2 hunter2",
        '{"token":[[["hunter2"',
    ],
)
def test_what_is_nested_behind_a_telling_name_is_gone(text):
    """monitor.md §4.4: at any depth; the rest stays readable."""
    shown = Redactor().payload(text.encode())[0]

    assert "hunter2" not in shown
    assert '"a":1' in shown or '"a":1' not in text


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("cmnd/plug/MqttPassword", "hunter2"),
        ("cmnd/plug/Password1", "hunter2"),
        ("home/api_key/set", "hunter2"),
        ("cmnd/plug/Backlog", "Backlog Password1 hunter2; Restart 1"),
        ("cmnd/plug/Backlog", "MqttPassword hunter2"),
    ],
)
def test_commands_that_set_a_password_do_not_show_it(topic, payload):
    """Tasmota: the telling name is a level of the topic, or a word of the command."""
    redactor = Redactor()

    assert "hunter2" not in str(redactor.payload(payload.encode(), topic=topic))
    assert "hunter2" not in str(redactor.arguments(msgspec.json.encode({"payload": payload, "topic": topic})))


def test_a_user_property_loses_all_of_its_secret():
    """MQTT 5 user properties are written key=value."""
    shown = Redactor().arguments(b'{"user_properties":["password=correct horse","source=me"]}')

    assert shown == {"user_properties": ["password=***", "source=me"]}


def test_base64_carries_no_known_secret():
    """Neither of a payload that is no text, nor of an argument that is written so."""
    redactor = Redactor(["S3cretBrokerPw!"])
    encoded = base64.b64encode(b"S3cretBrokerPw!").decode()

    assert redactor.payload(b"\xff\x00S3cretBrokerPw!") == ("", "hidden", True)
    for encoding, payload in (("base64", encoded), ("hex", b"S3cretBrokerPw!".hex())):
        shown = redactor.arguments(msgspec.json.encode({"payload": payload, "payload_encoding": encoding}))
        assert shown["payload"] == "***"


def test_without_payloads_a_mistyped_argument_is_hidden_too():
    """`message` in place of `payload` is what people write."""
    hidden = Redactor(payloads="none").arguments(b'{"message":"the door code","topic":"a"}')

    assert hidden == {"message": "***", "topic": "a"}


def test_rows_of_control_characters_are_shown_as_bytes():
    """Valid UTF-8, but no text; escaping each would cost more than it tells."""
    assert Redactor().payload(b"\x00" * 300)[1] == "base64"
    assert Redactor().payload(b"a\tb\nc")[1] == "utf-8"


@pytest.mark.parametrize(
    "arguments",
    [
        {"x": [[["y" * 900] * 50] * 50] * 20},
        {f"k{n}": "v" * 900 for n in range(50)},
        {"x": "\x00" * 100_000},
        {"x": [None] * 100_000},
        {"k" * 100_000: 1},
    ],
    ids=["deep", "wide", "controls", "many", "name"],
)
def test_one_call_costs_a_bounded_record_and_little_time(arguments):
    """4 MiB of arguments must neither fill the memory nor push the past out of the audit, nor hold up the others."""
    raw = msgspec.json.encode(arguments)
    redactor = Redactor(["some-secret"])
    began_s = time.process_time()

    shown = redactor.arguments(raw)

    assert time.process_time() - began_s < 0.5
    assert len(msgspec.json.encode(shown)) < 3 * MAX_CALL_CHARS


@pytest.mark.parametrize(
    "hostile",
    [
        "token" * 40_000,
        "password " * 25_000,
        "http" * 50_000,
        "://" * 60_000,
        'token="' + '\\"' * 90_000,
        "a@" * 90_000,
        "a:b" * 60_000 + "@c",
        "token:[" * 25_000,
        '{"token":{' * 20_000,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_more_than_linear_time(hostile):
    """A regular expression that backtracks would hand the whole hub to a device."""
    redactor = Redactor(["some-secret"])
    redactor.text("warm up")
    began_s = time.process_time()

    redactor.text(hostile, len(hostile))

    assert time.process_time() - began_s < 2.0


@given(st.text(max_size=300), st.integers(min_value=1, max_value=200))
def test_every_text_becomes_harmless_and_short(text, most):
    """Whatever a device writes."""
    shown = Redactor(["abc"]).text(text, most)

    assert len(shown) <= most
    for safe in (shown, *Redactor().lines(text).split("\n")):
        assert not {unicodedata.category(char) for char in safe} & {"Cc", "Cs", "Zl", "Zp"}
