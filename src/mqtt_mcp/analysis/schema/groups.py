"""Topics of one template joined: their profiles by encoding, and which encoding is the one to describe.

Owns the choice of the majority and when one template is told as two groups. Does not listen (``listening.py`` does) and
does not render (``report.py`` does).
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from mqtt_mcp.analysis.schema.encodings import family
from mqtt_mcp.analysis.schema.layouts import Layout
from mqtt_mcp.analysis.schema.profile import Profile
from mqtt_mcp.analysis.schema.units import Path

MAJORITY = 0.95
"""A format counts as the one of a topic without reserve when so much of it has it."""
_PURE = 0.8


class TopicFacts(msgspec.Struct, kw_only=True):
    """What is known of one topic.

    Attributes:
        messages, stored: All that were seen, and how many of these were stored ones.
        profiled: Messages that were looked into.
        encodings: Of these, by the name of the encoding.
        min_bytes, max_bytes: Payload sizes.
        qos: Highest QoS of a delivery.
        shape: Structure signature of the first value.
        profiles: By ``family`` of encodings.
        layout: Payloads that have no value.
        unit, written: Behind a number, and how the last such number was written.
        let_go: Its profiles had to go: it is only counted from then on.
    """

    messages: int = 0
    stored: int = 0
    profiled: int = 0
    encodings: Counter[str] = msgspec.field(default_factory=Counter)
    min_bytes: int = 1 << 60
    max_bytes: int = 0
    qos: int = 0
    shape: str = ""
    profiles: dict[str, Profile] = msgspec.field(default_factory=dict)
    layout: Layout | None = None
    unit: str = ""
    written: str = ""
    let_go: bool = False

    @property
    def nodes(self) -> int:
        """Nodes of all profiles."""
        return sum(one.nodes for one in self.profiles.values())

    def let_profiles_go(self) -> None:
        """Only count from here on."""
        self.profiles = {}
        self.layout = None
        self.profiled = 0
        self.shape = self.written = ""
        self.let_go = True


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """All topics of one template, or those of them with one encoding, merged; ``topics`` is sorted."""

    template: str
    topics: tuple[str, ...]
    messages: int
    stored: int
    encodings: Counter[str]
    profiles: dict[str, Profile]
    layout: Layout
    sizes: tuple[int, int]
    profiled: int
    qos: int
    unit: str
    written: str
    announced: dict[Path, str]

    @property
    def encoding(self) -> str:
        """The encoding of the majority."""
        return majority(self.encodings)[0]

    @property
    def profile(self) -> Profile:
        """The values of the majority encoding; an empty profile when it has none."""
        return self.profiles.get(family(self.encoding)) or Profile()


def majority(encodings: Mapping[str, int]) -> tuple[str, float]:
    """The commonest encoding and its share; empty payloads count only when there is nothing else."""
    counts: Counter[str] = Counter()
    for name, count in encodings.items():
        counts[family(name)] += count
    filled = Counter({name: count for name, count in counts.items() if name != "empty"}) or counts
    if not filled:
        return "unknown", 0.0
    name, count = min(filled.items(), key=lambda item: (-item[1], item[0]))
    return name, round(count / counts.total(), 3)


def split(template: str, names: Iterable[str], topics: Mapping[str, TopicFacts]) -> list[tuple[str, list[str]]]:
    """The topics of one template, apart where each has one encoding and these differ; sorted, with a template for each.

    The largest part keeps the template; in those of the others the last variable level says the encoding, as in
    ``home/{device:number}/state``.
    """
    names = sorted(names)
    together: Counter[str] = Counter()
    by_encoding: dict[str, list[str]] = {}
    pure = True
    for name in names:
        encodings = topics[name].encodings
        together.update(encodings)
        found, share = majority(encodings)
        pure = pure and (share >= _PURE or found in {"empty", "unknown"})
        by_encoding.setdefault(found, []).append(name)
    for vague in ("empty", "unknown"):
        if vague in by_encoding and len(by_encoding) > 1:
            largest = max(sorted(by_encoding.keys() - {vague}), key=lambda one: len(by_encoding[one]))
            by_encoding[largest] = sorted(by_encoding[largest] + by_encoding.pop(vague))
    if not pure or len(by_encoding) < 2 or majority(together)[1] >= MAJORITY:
        return [(template, names)]
    ordered = sorted(by_encoding.items(), key=lambda part: (-len(part[1]), part[0]))
    return [(template if not at else _named(template, found), part) for at, (found, part) in enumerate(ordered)]


def _named(template: str, encoding: str) -> str:
    begin, brace, end = template.rpartition("}")
    return f"{begin}:{encoding.replace('/', '-')}{brace}{end}" if brace else template


def joined(template: str, names: list[str], topics: Mapping[str, TopicFacts], announced: dict[Path, str]) -> Group:
    """One group; the topics' own profiles stay as they are."""
    members = [topics[name] for name in names]
    profiles: dict[str, Profile] = {}
    encodings: Counter[str] = Counter()
    layout = Layout()
    for member in members:
        for found, profile in member.profiles.items():
            profiles.setdefault(found, Profile()).merge(profile)
        if member.layout:
            layout.merge(member.layout)
        encodings.update(member.encodings)
    units = {member.unit for member in members if member.unit}
    return Group(
        template=names[0] if len(names) == 1 else template,
        topics=tuple(names),
        messages=sum(member.messages for member in members),
        stored=sum(member.stored for member in members),
        encodings=encodings,
        profiles=profiles,
        layout=layout,
        sizes=(min(member.min_bytes for member in members), max(member.max_bytes for member in members)),
        profiled=sum(member.profiled for member in members),
        qos=max(member.qos for member in members),
        unit=units.pop() if len(units) == 1 else "",
        written=next((member.written for member in members if member.written), ""),
        announced=announced,
    )
