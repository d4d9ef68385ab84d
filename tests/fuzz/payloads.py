"""Coverage-guided fuzzing of everything that reads a payload; started by ``scripts/fuzz``, not by pytest.

Each input is examined as one payload on ordinary and on Sparkplug topics. It must not raise, its value must be JSON,
its renderings must fit, and it must not take longer than its size explains.

    python tests/fuzz/payloads.py CORPUS_FOLDER [libFuzzer options]
"""

import json
import random
import sys
import time
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["mqtt_mcp.analysis"]):
    from mqtt_mcp.analysis.payloads.decoder import Decoder
    from mqtt_mcp.analysis.payloads.decoding import FORMATS
    from mqtt_mcp.analysis.payloads.rendering import Rendering
    from mqtt_mcp.analysis.payloads.shape import discriminator, structure_of
    from testkit.messages import signals_of
from testkit.encodings import ENCODINGS

TOPICS = ("home/kitchen/status", "spBv1.0/plant/DDATA/edge/dev", "spBv1.0/plant/NBIRTH/edge", "spBv1.0/STATE/host")
EXAMPLES = 6
MAX_S_PER_KIB = 0.05
"""Instrumented code on a busy machine takes some milliseconds; a square of a few KiB takes seconds."""


def examine(payload: bytes) -> None:
    """All that the analysis does with a payload by itself, and with two of them in a stream."""
    began = time.process_time()
    for topic in TOPICS:
        decoder = Decoder()
        decoder.decode(payload, topic)
        decoded = decoder.decode(payload, topic)
        assert decoded.format in FORMATS, decoded.format
        assert decoder.held_bytes >= 0
        json.dumps(decoded.value, allow_nan=False).encode()
        signals_of(topic, decoded)
        assert len(structure_of(decoded) + discriminator(decoded.value)) <= 1_000
        rendering = Rendering(decoded, payload)
        for chars in (2_000, 400, 60, 20):
            shown = rendering.at(chars)
            assert len(shown.payload) <= chars, (shown, chars)
            shown.payload.encode()
            assert not any(ord(char) < 32 for char in shown.payload), shown
    spent_s = time.process_time() - began
    assert spent_s < 1.0 + MAX_S_PER_KIB * len(payload) / 1024, f"{spent_s:.2f} s for {len(payload)} bytes"


def fill(corpus: Path) -> None:
    """Realistic payloads of every encoding to start from."""
    corpus.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in ENCODINGS.items():
        for seed in range(EXAMPLES):
            (corpus / f"{name.replace(' ', '_').replace('/', '_')}-{seed}").write_bytes(make(random.Random(seed)))


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
    atheris.Setup(sys.argv, examine)
    atheris.Fuzz()
