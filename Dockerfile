# The image: one hub as its main process, and windows beside it by `docker exec -i NAME mqtt-mcp`. No entry point, so that
# `docker run -i --rm IMAGE mqtt-mcp` is a window of its own in the same words.
# Both stages have the same base: the virtual environment points to its interpreter.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY deploy/requirements.txt deploy/requirements-build.txt deploy/
# The environment that goes into the image has no pip: that of the build's own environment fills it. gmqtt's package also
# brings its tests, as a top-level package of that name.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/build \
    && python3 -m venv --without-pip /opt/venv \
    && /opt/build/bin/pip install --quiet --require-hashes --only-binary :all: -r deploy/requirements-build.txt \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --quiet --no-compile --require-hashes --only-binary :all: \
        -r deploy/requirements.txt \
    && rm -rf /opt/venv/lib/python3.*/site-packages/tests
COPY pyproject.toml README.md LICENSE ./
COPY src src
# Compiled here, because the root file system is read-only later, and by content, because copying may change times.
RUN /opt/build/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --quiet --no-compile --no-index --no-deps /dist/*.whl \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="mqtt-mcp" \
    org.opencontainers.image.description="MCP server that lets an AI assistant look into an MQTT broker, understand its devices and act on it safely." \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.source="https://github.com/bitsperity/mqtt-mcp" \
    org.opencontainers.image.url="https://github.com/bitsperity/mqtt-mcp" \
    io.modelcontextprotocol.server.name="io.github.bitsperity/mqtt-mcp"
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CONFIG_HOME=/data
# The official image's standard library comes without bytecode: every window and every health check would compile it anew.
RUN groupadd --gid 1000 mqtt-mcp \
    && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /data --shell /usr/sbin/nologin mqtt-mcp \
    && install -d -o 1000 -g 1000 -m 0750 /data \
    && env -u PYTHONDONTWRITEBYTECODE python3 -m compileall -q -j 0 \
        -x '/(test|tests|idlelib|lib2to3|tkinter|turtledemo|ensurepip|pydoc_data|site-packages|dist-packages)/' \
        "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/venv /opt/venv
USER 1000:1000
WORKDIR /data
EXPOSE 8090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["mqtt-mcp", "health"]
CMD ["mqtt-mcp", "serve"]
