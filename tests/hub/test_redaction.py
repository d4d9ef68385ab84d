"""What may get into a record: secrets out at any depth, the invisible visible, everything bounded, in linear time."""

import hashlib
import json
import time
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.hub.redaction import MAX_KNOWN_SECRETS, PAYLOAD_HEAD_BYTES, Redactor

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


def test_only_so_many_secrets_are_known():
    """Whoever calls with ever new passwords must not make every line slow."""
    redactor = Redactor()
    for number in range(10 * MAX_KNOWN_SECRETS):
        redactor.learn(f"secret-number-{number}")

    assert redactor.text(f"secret-number-{10 * MAX_KNOWN_SECRETS - 1}") == "***"
    assert redactor.text("my-number-0-x") == "my-number-0-x"


@pytest.mark.parametrize(
    "hostile",
    [
        "token" * 40_000,
        "password " * 25_000,
        "http" * 50_000,
        "://" * 60_000,
        'token="' + '\\"' * 90_000,
        "a@" * 90_000,
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
