"""Reading certificates that nobody verified: true on real ones, quiet on anything else."""

import datetime as dt
import ipaddress
import ssl
import time

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_mcp.mqtt.certificate import MAX_BYTES, MAX_NAMES, read_certificate

CA = trustme.CA(organization_name="Test Works", organization_unit_name="Yard")


def der(*names, ca=CA, **more):
    leaf = ca.issue_cert(*names, **more)
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize("key_type", list(trustme.KeyType))
def test_names_validity_and_key_of_a_certificate_are_read(key_type):
    """Certificates made by the cryptography package, by way of trustme."""
    certificate = read_certificate(
        der("broker.test", "*.home.test", "192.0.2.7", "2001:db8::1", common_name="Brökér", key_type=key_type)
    )
    assert certificate is not None
    assert certificate.names == ("broker.test", "*.home.test", "192.0.2.7", "2001:db8::1")
    assert "CN=Brökér" in certificate.subject
    assert "O=Test Works, OU=Yard" in certificate.issuer
    assert certificate.key == {"RSA": "RSA 2048", "ECDSA": "EC"}[key_type.name]
    assert certificate.not_before_epoch_s < time.time() < certificate.not_after_epoch_s


def test_an_expired_certificate_has_negative_days_left():
    """Days left are what a person wants to know."""
    past = dt.datetime(2020, 1, 2, tzinfo=dt.UTC)
    certificate = read_certificate(der("a.test", not_before=past - dt.timedelta(days=1), not_after=past))
    assert certificate is not None
    assert certificate.not_after_epoch_s == past.timestamp()
    assert certificate.days_left(past.timestamp() + 86_400 * 2.5) == -2.5


def test_many_names_are_cut():
    """A certificate is foreign data: its lists have a bound."""
    certificate = read_certificate(der(*[f"n{i}.test" for i in range(80)]))
    assert certificate is not None
    assert len(certificate.names) == MAX_NAMES


REAL = der("broker.test", str(ipaddress.ip_address("192.0.2.7")))


@given(st.binary(max_size=300))
def test_noise_is_no_certificate(noise):
    """Anything may come from an unverified peer."""
    assert read_certificate(noise) is None


@settings(max_examples=300)
@given(st.integers(0, len(REAL) - 1), st.binary(min_size=1, max_size=8), st.integers(0, 40))
def test_a_damaged_certificate_never_raises(at, junk, cut):
    """Every byte may be wrong: the reader answers None or what it could read, in bounded time."""
    read_certificate(REAL[:at] + junk + REAL[at + len(junk) : len(REAL) - cut])


def test_what_is_too_large_or_claims_to_be_is_not_read():
    """Lengths come from the peer."""
    assert read_certificate(REAL + bytes(MAX_BYTES)) is None
    assert read_certificate(b"\x30\x84\xff\xff\xff\xff") is None
    assert read_certificate(b"\x30\x80\x00\x00") is None
    assert read_certificate(b"") is None
