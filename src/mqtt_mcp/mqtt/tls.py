"""From TLS settings to an ``SSLContext``, with errors that name the file.

Owns reading CA, certificate and key files. Does not open connections; what goes wrong in a handshake is put into
words by ``connect_errors.py``.
"""

import ssl
from pathlib import Path

from mqtt_mcp.mqtt.broker_url import Tls
from mqtt_mcp.mqtt.errors import TlsFailed


def make_context(tls: Tls) -> ssl.SSLContext:
    """Make the TLS settings of one connection. Reads files: call it in a thread.

    Args:
        tls: With a ``ca_file`` only that is trusted, otherwise the system's store.

    Raises:
        TlsFailed: A file is missing, unreadable or does not hold what it should.
    """
    for what, path in (("CA file", tls.ca_file), ("client certificate", tls.cert_file), ("client key", tls.key_file)):
        if path:
            _check_readable(what, path)
    if tls.key_file and not tls.cert_file:
        raise TlsFailed("A client key is configured without a client certificate.", "Set cert_file as well.")
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
    except ssl.SSLError:
        raise TlsFailed(f"The CA file {tls.ca_file!r} holds no certificate in PEM format.", "Check the file.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file:
        _load_client_certificate(context, tls)
    return context


def _load_client_certificate(context: ssl.SSLContext, tls: Tls) -> None:
    asked = False

    def key_password() -> str:
        # Without a callable OpenSSL would ask on the terminal.
        nonlocal asked
        asked = True
        return tls.key_password.reveal() if tls.key_password else ""

    try:
        context.load_cert_chain(tls.cert_file, tls.key_file or None, key_password)
    except (ssl.SSLError, ValueError) as error:
        where = repr(tls.key_file or tls.cert_file)
        if asked:
            missing = tls.key_password is None
            raise TlsFailed(
                f"The client key {where} is encrypted and "
                + ("no password is set." if missing else "its password is wrong."),
                "Set the key password of this broker.",
            ) from None
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            raise TlsFailed(f"The client key {where} does not belong to the certificate {tls.cert_file!r}.") from None
        raise TlsFailed(
            f"The client certificate {tls.cert_file!r} and key {where} are not a certificate and a key in PEM format.",
            "Check both files.",
        ) from None


def _check_readable(what: str, path: str) -> None:
    try:
        with Path(path).open("rb"):
            pass
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a file name"
        raise TlsFailed(f"The {what} {path!r} cannot be read: {why}.", "Check the path and its permissions.") from None
