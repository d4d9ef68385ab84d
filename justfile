# The habits of this project; `just --list` shows them. Everything runs in .venv, which `just setup` makes.

python := env("PYTHON", "python3")
bin := justfile_directory() / ".venv/bin"

# Show the recipes
default:
    @just --list

# Make the virtual environment with everything development needs
setup:
    {{python}} -m venv .venv
    {{bin}}/python -m pip install -q -e '.[dev]'

# Run the linters and the type checker, changing nothing
check:
    {{bin}}/ruff format --check src tests benchmarks
    {{bin}}/ruff check src tests benchmarks
    {{bin}}/mypy
    {{bin}}/mqtt-mcp docs --check
    {{bin}}/python scripts/vendor --check
    {{bin}}/python scripts/manifests --check
    {{bin}}/python scripts/stamp --check

# Format and mend what can be mended by itself
fix:
    {{bin}}/ruff check --fix -q src tests benchmarks
    {{bin}}/ruff format -q src tests benchmarks

# Run every test, installing mosquitto, Chromium and the MCP SDKs where that is possible
test *args:
    scripts/test {{args}}

# Run only the tests that need neither mosquitto nor a browser nor a subprocess nor the SDKs
quick *args:
    {{bin}}/python -m pytest -q -m "not broker and not process and not sdk and not browser" {{args}}

# Run the main job on an embedded broker: a simulated home and a tour of all tools
demo *args:
    {{bin}}/mqtt-mcp demo {{args}}

# Run the hub with its web page
serve *args:
    {{bin}}/mqtt-mcp serve {{args}}

# Bring the page's front-end libraries into the tree, in the pinned versions (needs npm)
vendor:
    {{bin}}/python scripts/vendor

# Measure, side by side with what we are compared to
bench *args:
    scripts/bench {{args}}

# Examine the analysis with labelled traffic: every bar, beside simple baselines (--explain says what was missed)
bench-analysis *args:
    scripts/bench-analysis {{args}}

# Write the generated parts of the README, server.json and the bundle's manifest
docs:
    {{bin}}/mqtt-mcp docs
    {{bin}}/python scripts/manifests

# Let every tool answer again, on the simulated home, and write docs/tools.md of it
record:
    {{bin}}/python scripts/record-tools
    {{bin}}/mqtt-mcp docs

# Write the version wherever it is repeated; with a version: set it first
stamp *args:
    {{bin}}/python scripts/stamp {{args}}

# Build the bundle that Claude Desktop installs by a click (--try starts it as a host does; needs uv)
mcpb *args:
    {{bin}}/python scripts/mcpb {{args}}

# Build everything that is released and try it, installed, on every Python that is here (minutes; needs the network)
release-check *args:
    {{bin}}/python scripts/release-check {{args}}

# Pin anew what the container image is made of, with hashes (needs uv; --upgrade: the newest that is allowed)
lock *args:
    {{bin}}/python scripts/lock {{args}}

# Build the container image, run it and prove what is promised of it (minutes; without Docker as root, see --help)
prove-container *args:
    {{bin}}/python deploy/prove-container {{args}}
