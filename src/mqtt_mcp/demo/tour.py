"""The guided tour: what a person would ask, which tool answers, and whether the answer is true.

Owns the order of the questions and the verdict. Talks to a real ``mqtt-mcp`` window, a subprocess that relays to the
demo's hub, through ``client.py``, and knows the simulated home, so that it can tell a true answer from a plausible one.
How an answer is told and judged is in ``accounts.py`` and ``accounts_listening.py``.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import trio

from mqtt_mcp.demo import accounts
from mqtt_mcp.demo import accounts_listening as listening
from mqtt_mcp.demo.checks import Check
from mqtt_mcp.demo.client import Answer, McpClient, open_client
from mqtt_mcp.demo.home_zigbee import BASE, CLIMATE, FAILING, PLUG
from mqtt_mcp.demo.terminal import Terminal

LISTEN_S = 10.0
"""The shortest watch the tools allow."""

TOOLS = (
    "close_connection",
    "collection_result",
    "debug_device",
    "establish_connection",
    "get_topic_schema",
    "list_active_connections",
    "list_topics",
    "monitor_performance",
    "publish_message",
    "subscribe_and_collect",
    "test_connection",
)


class Question(msgspec.Struct, frozen=True):
    """One question of a person.

    Attributes:
        text: As the person would ask it.
        tool: The tool that answers.
        arguments: What the assistant calls it with.
        account: Makes a few lines for a person of the answer.
        checks: Sentences about the answer and whether each is true.
    """

    text: str
    tool: str
    arguments: Mapping[str, object]
    account: Callable[[dict[str, Any]], list[str]]
    checks: Callable[[dict[str, Any]], list[Check]]


Witness = Callable[[Question, Answer], None]
"""Sees a question and the whole answer: for the recording that the documents quote."""


class Score(msgspec.Struct):
    """How the tour went so far."""

    passed: int = 0
    failed: int = 0
    answered: set[str] = msgspec.field(default_factory=set)

    @property
    def ok(self) -> bool:
        """True when every tool was asked and every check held."""
        return self.failed == 0 and self.answered == set(TOOLS)


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tour takes place.

    Attributes:
        command: Command line of a window.
        socket_path: The hub that it has to join.
        broker_url: The broker with the simulated home.
        monitor_url: Where the hub is to be watched.
    """

    command: Sequence[str]
    socket_path: str
    broker_url: str
    monitor_url: str


async def take_tour(scene: Scene, terminal: Terminal, witness: Witness | None = None) -> Score:
    """Run the tour once.

    Args:
        scene: Where.
        terminal: Where the account goes.
        witness: Told of every question and its answer, in order.

    Raises:
        ServerFailed: The server ended or broke the protocol.

    Cancellation: the server is ended.
    """
    with tempfile.TemporaryDirectory(prefix="mqtt-mcp-demo-") as folder:
        async with open_client(scene.command, window_environment(scene.socket_path, folder)) as client:
            tour = _Tour(client, terminal, scene, witness)
            await tour.run()
            return tour.score


def window_environment(socket_path: str, config_home: str) -> dict[str, str]:
    """A window's environment: this one, without any setting of mqtt-mcp that the person may have.

    Args:
        socket_path: The hub that it has to join.
        config_home: An empty folder in place of the person's configuration.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MQTT_")}
    return inherited | {"MQTT_MCP_SOCKET": socket_path, "XDG_CONFIG_HOME": config_home}


class _Tour:
    """One conversation."""

    def __init__(self, client: McpClient, terminal: Terminal, scene: Scene, witness: Witness | None) -> None:
        self.score = Score()
        self._witness = witness
        self._client = client
        self._scene = scene
        self._terminal = terminal

    async def run(self) -> None:
        """Ask everything, in an order in which each answer is there to be found."""
        self._introduce()
        (_, connected) = await self._ask(
            Question(
                "Is my broker reachable?",
                "test_connection",
                {},
                listening.diagnosis,
                listening.check_diagnosis,
            ),
            Question(
                "Connect to my broker.",
                "establish_connection",
                {},
                accounts.connection,
                lambda data: accounts.check_connection(data, self._scene.broker_url),
            ),
        )
        session = {"session_id": connected.get("session_id", "")}
        await self._look_around(session)
        await self._use_the_devices(session)
        await self._find_the_fault(session)
        await self._leave(session)

    def _introduce(self) -> None:
        names = [tool["name"] for tool in self._client.tools]
        self._terminal.title(
            "The tour: a real MCP client talks to a real mqtt-mcp window, which shares the hub you can watch"
        )
        self._terminal.answer([f"{len(names)} tools: {', '.join(names)}"])
        self._judge([Check(f"tools/list names all {len(TOOLS)} tools", sorted(names) == sorted(TOOLS))])

    async def _look_around(self, session: dict[str, object]) -> None:
        watch = session | {"duration": LISTEN_S, "pattern": "#"}
        await self._ask(
            Question("Which topics are there?", "list_topics", watch, listening.topics, listening.check_topics),
            Question(
                "How busy is the broker, and how quick?",
                "monitor_performance",
                watch,
                listening.performance,
                listening.check_performance,
            ),
        )

    async def _use_the_devices(self, session: dict[str, object]) -> None:
        plug, climate = f"{BASE}/{PLUG}", f"{BASE}/{CLIMATE}"
        watch = session | {"duration": LISTEN_S}
        (started,) = await self._ask(
            Question(
                "Keep an eye on the kitchen plug while we go on.",
                "subscribe_and_collect",
                watch | {"topic_pattern": plug, "wait_s": 0},
                accounts.started,
                accounts.check_started,
            )
        )
        command = {"topic": f"{plug}/set", "payload": '{"state":"OFF"}', "qos": 1, "confirm_topic": plug}
        await self._ask(
            Question(
                "Switch the kitchen plug off, and tell me whether it did.",
                "publish_message",
                session | command,
                accounts.published,
                accounts.check_published,
            )
        )
        await self._ask(
            Question(
                "What is the living room sensor sending?",
                "subscribe_and_collect",
                watch | {"topic_pattern": climate},
                listening.messages,
                listening.check_messages,
            ),
            Question(
                "What do its messages look like, as a schema?",
                "get_topic_schema",
                watch | {"topic_pattern": climate},
                listening.schema,
                listening.check_schema,
            ),
        )
        await self._ask(
            Question(
                "And what did you see of the plug?",
                "collection_result",
                {"collection_id": started.get("collection_id", ""), "wait_s": LISTEN_S},
                accounts.collected,
                accounts.check_collected,
            )
        )

    async def _find_the_fault(self, session: dict[str, object]) -> None:
        watch = session | {"duration": LISTEN_S}
        await self._ask(
            Question(
                "Which device is offline, and why?",
                "debug_device",
                watch | {"device": "*"},
                listening.devices,
                listening.check_devices,
            ),
            Question(
                f"What is wrong with {FAILING}?",
                "debug_device",
                watch | {"device": FAILING},
                listening.device,
                listening.check_device,
            ),
        )

    async def _leave(self, session: dict[str, object]) -> None:
        await self._ask(
            Question(
                "Which connections are open?",
                "list_active_connections",
                {},
                accounts.sessions,
                lambda data: accounts.check_sessions(data, str(session["session_id"]), self._scene.monitor_url),
            )
        )
        await self._ask(
            Question(
                "Close it, please.",
                "close_connection",
                session,
                accounts.closed,
                accounts.check_closed,
            )
        )

    async def _ask(self, *questions: Question) -> list[dict[str, Any]]:
        """Ask several questions side by side and tell the answers in order."""
        answers: dict[int, Answer] = {}

        async def ask(number: int, question: Question) -> None:
            answers[number] = await self._client.call(question.tool, question.arguments, self._terminal.progress)

        async with trio.open_nursery() as nursery:
            for number, question in enumerate(questions):
                nursery.start_soon(ask, number, question)
        self._terminal.progress_done()
        for number, question in enumerate(questions):
            self._tell(question, answers[number])
        return [answers[number].data for number in range(len(questions))]

    def _tell(self, question: Question, answer: Answer) -> None:
        if self._witness is not None:
            self._witness(question, answer)
        arguments = ", ".join(
            f"{name}={_shown(value)}" for name, value in question.arguments.items() if name != "session_id"
        )
        self._terminal.question(question.text, f"{question.tool}({arguments})  {answer.seconds:.1f} s")
        if answer.is_error:
            self._terminal.answer([answer.text])
            self._judge([Check(f"{question.tool} answers without an error", ok=False)])
            return
        try:
            lines, checks = question.account(answer.data), question.checks(answer.data)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            # The server answered in another shape than the tour knows: that is a failure of the tour, to be shown.
            lines, checks = [], [Check(f"the answer has the expected shape ({error!r})", ok=False)]
        self._terminal.answer(lines)
        self._judge(checks)
        self.score.answered.add(question.tool)

    def _judge(self, checks: Sequence[Check]) -> None:
        for check in checks:
            self._terminal.checked(check.sentence, ok=check.ok)
            if check.ok:
                self.score.passed += 1
            else:
                self.score.failed += 1


def _shown(value: object) -> str:
    """An argument as a person would write it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
