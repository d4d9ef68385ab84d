"""Topics that differ only in the name of a thing share a template: ``fleet/3f2a/gps`` → ``fleet/{}/gps``.

Owns the rules (known conventions, levels that look like identifiers, interchangeable siblings). Looks at names and,
where given, structure signatures; never at payloads. Works for any number of topics in near-linear time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from sys import getsizeof, intern

from mqtt_mcp.analysis.topics import conventions
from mqtt_mcp.analysis.topics.likeness import FIELD_WORDS, like, numbered, tells, tells_number

_MAX_LEVELS = 32
_MAX_LEVEL_CHARS = 80
_MAX_CACHED_LEVELS = 200_000
_MAX_MERGED = 5_000
_PASSES = 4
_MIN_SIBLINGS = 4
_MIN_LEAF_SIBLINGS = 5
_MIN_PARENTS_OF_A_WORD = 3
_MIN_SHARED = 3
_SHARED_PART = 0.6
_MAX_COMPARED = 40
_MAX_CLUSTERS = 30

_ID = re.compile(
    r"\d+(?:[._-]\d+)*"
    r"|(?:0x)?(?=[a-fA-F]*\d)[0-9a-fA-F]{4,}"
    r"|[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){3,7}"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|[A-Za-z][A-Za-z_. -]{0,40}?[-_ .]?\d{1,12}"
    r"|[A-Za-z][A-Za-z0-9_-]{0,40}[-_:](?=[a-fA-F]*\d)[0-9a-fA-F]{4,16}"
)
_NOT_ID = re.compile(
    r"v\d{1,2}(?:\.\d{1,2})?|pm_?\d{1,2}|[cnso]o?\d|[A-Z]+\d"
    r"|base(?:16|32|36|58|62|64|85)|utf[_-]?(?:8|16|32)|iso[_-]?\d{3,5}|sha[_-]?\d{1,3}|crc\d{1,2}|rs\d{3}|windows[_-]?\d{1,4}"
    r"|cp\d{3,4}|u?int\d{1,2}|float\d{2}|h26\d|x509|ascii85|latin[_-]?\d{1,2}",
    re.IGNORECASE,
)
"""Words with a number of their own: versions, gases, particles, codes."""


def looks_like_id(level: str) -> bool:
    """Whether a topic level looks like an identifier: digits, hex, MAC, UUID, or a name with a number behind it."""
    if len(level) > _MAX_LEVEL_CHARS:
        return True
    return _ID.fullmatch(level) is not None and _NOT_ID.fullmatch(level) is None


class Masker:
    """Makes topics into first templates, one by one: conventions and identifiers, no comparison between topics."""

    def __init__(self) -> None:
        self._levels: dict[str, str] = {}
        self._level_bytes = 0
        self.conventions: dict[str, int] = {}

    def mask(self, topic: str) -> tuple[str, ...]:
        """The levels of ``topic`` with variable ones as ``{}`` or ``{name}``; counts the convention it follows."""
        levels = topic.split("/", _MAX_LEVELS)
        if len(levels) > _MAX_LEVELS:
            levels[_MAX_LEVELS] = "{…}"
        found = conventions.match(levels)
        if found is None:
            return tuple([self._masked(level) for level in levels])
        self.conventions[found.name] = self.conventions.get(found.name, 0) + 1
        behind = [self._masked(level) for level in levels[found.judged :]]
        return tuple([intern(level) for level in found.fixed] + behind)

    def _masked(self, level: str) -> str:
        known = self._levels.get(level)
        if known is None:
            known = "{}" if looks_like_id(level) else level
            if len(self._levels) < _MAX_CACHED_LEVELS and len(level) <= _MAX_LEVEL_CHARS:
                self._levels[level] = known
                self._level_bytes += getsizeof(level)
        return known

    @property
    def full(self) -> bool:
        """Whether equal levels of two topics may be two texts from here on."""
        return len(self._levels) >= _MAX_CACHED_LEVELS

    @property
    def held_bytes(self) -> int:
        """About what the remembered levels take, those in use by others included."""
        return self._level_bytes + getsizeof(self._levels)

    def forget(self, in_use: Iterable[tuple[str, ...]]) -> None:
        """Remember only the levels of ``in_use``: masked topics that somebody holds on to."""
        self._levels = {level: level for levels in in_use for level in levels}
        self._level_bytes = sum(map(getsizeof, self._levels))


def templates(topics: Iterable[str], shapes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The template of each topic.

    Args:
        topics: Topic names, any number.
        shapes: Structure signature per topic, where known. Siblings at the last level are only merged when theirs are
            equal and not too plain to tell; without signatures they are not merged.

    Returns:
        Topic → template. Variable levels are ``{}``, or ``{name}`` where a convention names them.
    """
    masker = Masker()
    masked = {topic: masker.mask(topic) for topic in topics}
    merged = merge(masked.values(), _shapes_of(masked, shapes or {}))
    return {topic: "/".join(merged.get(levels, levels)) for topic, levels in masked.items()}


def _shapes_of(masked: Mapping[str, tuple[str, ...]], shapes: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for topic, levels in masked.items():
        shape = shapes.get(topic)
        if shape is not None:
            found.setdefault(levels, shape)
    return found


def merge(
    masked: Iterable[tuple[str, ...]], shapes: Mapping[tuple[str, ...], str]
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Merge interchangeable siblings among masked topics.

    Args:
        masked: What ``Masker.mask`` gave; more than 5,000 different ones are left as they are.
        shapes: Structure signature of each, where known.

    Returns:
        Masked levels → template levels, for those that changed.
    """
    distinct = sorted(set(masked))
    if len(distinct) > _MAX_MERGED:
        return {}
    free = [levels for levels in distinct if conventions.match(list(levels)) is None and "{…}" not in levels]
    current = {levels: levels for levels in free}
    for _ in range(_PASSES):
        words = _vocabulary(current.values())
        changed = False
        for position in range(max((len(levels) for levels in free), default=0)):
            changed |= _merge_at(position, current, words, shapes)
        if not changed:
            break
    return {levels: template for levels, template in current.items() if levels != template}


def _vocabulary(masked: Iterable[tuple[str, ...]]) -> set[str]:
    """Words that occur under several different things: names of fields, not of things.

    A parent that is a field itself proves nothing: in ``home/light/kitchen`` and ``home/heating/kitchen`` the kitchen
    is the thing.
    """
    parents: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for levels in set(masked):
        for position, level in enumerate(levels):
            if not position or level[:1] == "{" or tells_number(level):
                continue
            if levels[position - 1].lower() not in FIELD_WORDS:
                parents[level].add(levels[:position])
    return {word for word, under in parents.items() if len(under) >= _MIN_PARENTS_OF_A_WORD}


def _merge_at(
    position: int,
    current: dict[tuple[str, ...], tuple[str, ...]],
    words: set[str],
    shapes: Mapping[tuple[str, ...], str],
) -> bool:
    """Make the level at ``position`` variable where topics differ in nothing else; tells whether any did."""
    under: dict[tuple[str, ...], dict[tuple[str, ...], list[tuple[str, ...]]]] = defaultdict(lambda: defaultdict(list))
    for original, levels in current.items():
        if position < len(levels):
            level = levels[position]
            if level[:1] not in {"{", "$"} and level not in words and level.lower() not in FIELD_WORDS:
                under[levels[:position]][levels[position + 1 :]].append(original)
    changed = False
    for by_rest in under.values():
        alike = _same_things(position, by_rest, current, shapes)
        for rest, members in by_rest.items():
            for cluster in _clusters(members, shapes):
                names = {current[original][position] for original in cluster}
                enough = _MIN_SIBLINGS if rest else _MIN_LEAF_SIBLINGS
                if len(names) >= enough and (rest or all(tells(shapes.get(one, "")) for one in cluster)):
                    going = cluster
                else:
                    going = [one for one in cluster if current[one][position] in alike] if len(names) > 1 else []
                for original in going:
                    levels = current[original]
                    current[original] = (*levels[:position], "{}", *levels[position + 1 :])
                    changed = True
    return changed


def _clusters(members: list[tuple[str, ...]], shapes: Mapping[tuple[str, ...], str]) -> list[list[tuple[str, ...]]]:
    """Topics whose messages look alike, each compared with the first of a cluster."""
    clusters: list[list[tuple[str, ...]]] = []
    for one in members:
        shape = shapes.get(one, "")
        for cluster in clusters[:_MAX_CLUSTERS]:
            if like(shapes.get(cluster[0], ""), shape):
                cluster.append(one)
                break
        else:
            clusters.append([one])
    return clusters


def _same_things(
    position: int,
    by_rest: Mapping[tuple[str, ...], list[tuple[str, ...]]],
    current: Mapping[tuple[str, ...], tuple[str, ...]],
    shapes: Mapping[tuple[str, ...], str],
) -> set[str]:
    """Names of few siblings that are still the same kind of thing: nearly all of their topics have a counterpart."""
    children: dict[str, dict[tuple[str, ...], str]] = defaultdict(dict)
    for rest, members in by_rest.items():
        for original in members:
            if rest or tells_number(current[original][position]):
                children[current[original][position]][rest] = shapes.get(original, "")
    if not 2 <= len(children) <= _MAX_COMPARED:
        return numbered(children)
    found = numbered(children)
    names = sorted(children)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            mine, others = children[one], children[other]
            shared = sum(like(shape, others[rest]) for rest, shape in mine.items() if rest in others)
            if shared >= _MIN_SHARED and shared >= _SHARED_PART * max(len(mine), len(others)):
                found |= {one, other}
    return found
