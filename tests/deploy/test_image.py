"""The Dockerfile and its requirements: rules that need no engine. That it builds and runs: `deploy/prove-container`."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mqtt_mcp import __version__

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(
        r"\\\n", " ", "\n".join(x for x in DOCKERFILE.splitlines() if not x.startswith("#"))
    ).splitlines()
    if line.strip()
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    "requirements-build.txt": PROJECT["build-system"]["requires"],
}


def said(name):
    """What stands behind every instruction of a name."""
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def entries(name):
    """The requirements of a lock file, each with its hashes."""
    lines = (ROOT / "deploy" / name).read_text().replace("\\\n", " ").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_of_the_image_is_pinned_and_hashed(name):
    """What goes into the image is what was looked at, wherever it comes from: versions, hashes, and no address."""
    for pin, *rest in entries(name):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin), pin
        hashes = [word for word in rest if word.startswith("--hash=")]
        assert hashes, pin
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in hashes), pin
        assert not [word for word in rest if word.startswith("-") and word not in hashes], pin
    text = (ROOT / "deploy" / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_the_pins_are_within_the_bounds_of_the_project(name):
    """Stale? `just lock`."""
    pinned = {pin.split("==")[0]: pin.split("==")[1] for pin, *_ in entries(name)}

    for text in LOCKS[name]:
        wanted = Requirement(text)
        assert wanted.name in pinned, f"{text} is not in {name}: run `just lock`"
        assert wanted.specifier.contains(pinned[wanted.name]), f"{text}, but pinned is {pinned[wanted.name]}"


def test_the_image_says_what_it_is():
    """OCI labels; by the last one the MCP registry knows whose the image is."""
    labels = dict(re.findall(r'([\w.]+)="([^"]*)"', said("LABEL")[0]))

    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == PROJECT["project"]["license"]
    assert labels["org.opencontainers.image.description"] == PROJECT["project"]["description"]
    assert labels["org.opencontainers.image.source"] == "https://github.com/bitsperity/mqtt-mcp"
    assert labels["io.modelcontextprotocol.server.name"] == "io.github.bitsperity/mqtt-mcp"


def test_serve_is_the_main_process_and_a_window_reads_alike_in_exec_and_run():
    """No entry point: `docker exec -i NAME mqtt-mcp` and `docker run -i --rm IMAGE mqtt-mcp`."""
    assert said("ENTRYPOINT") == []
    assert said("CMD") == ['["mqtt-mcp", "serve"]']
    assert said("USER") == ["1000:1000"]
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert said("EXPOSE") == ["8090"]
    assert said("HEALTHCHECK")[0].endswith('CMD ["mqtt-mcp", "health"]')


def test_it_builds_with_and_without_a_docker_engine():
    """Buildah reads no heredocs and no front ends; mounts of type cache are what both know."""
    assert "# syntax=" not in DOCKERFILE
    assert not [rest for rest in said("RUN") if "<<" in rest]
    assert {kind for rest in said("RUN") for kind in re.findall(r"--mount=type=(\w+)", rest)} <= {"cache"}
    assert {rest.split()[0] for rest in said("FROM")} == {"${PYTHON_IMAGE}"}, "the environment needs its interpreter"


def test_what_is_copied_gets_through_dockerignore():
    """Nothing else reaches the builder, secrets least of all."""
    lines = [x for x in (ROOT / ".dockerignore").read_text().splitlines() if x and not x.startswith("#")]
    let_through = {line[1:] for line in lines if line.startswith("!")}
    copied = {word for rest in said("COPY") if "--from" not in rest for word in rest.split()[:-1]}

    assert lines[0] == "*"
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)
