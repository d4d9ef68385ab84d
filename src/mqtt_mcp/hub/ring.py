"""A bounded list of records by id, the oldest out first.

Owns the bound and the paging. Does not know what the records say.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """At most ``most`` records, in the order in which they were put first.

    Args:
        most: How many to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # A plain dict walks over all that was deleted before to find its first.
        self._records: OrderedDict[int, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[T]:
        return iter(self._records.values())

    def put(self, record_id: int, record: T) -> None:
        """Keep a record, or replace the one with this id in its place; ids of new ones grow.

        One that was let go already stays away.
        """
        if record_id not in self._records and self._records and record_id < next(reversed(self._records)):
            return
        self._records[record_id] = record
        if len(self._records) > self._most:
            self._records.popitem(last=False)

    def newest(
        self, most: int, before: int | None = None, wanted: Callable[[T], bool] = lambda _: True
    ) -> tuple[list[T], int | None]:
        """The newest records first, at most ``most``, with ids below ``before``, of those that are ``wanted``.

        Returns:
            The records, and the ``before`` of the next page; None when there is none.
        """
        older = (
            (record_id, record)
            for record_id, record in reversed(self._records.items())
            if (before is None or record_id < before) and wanted(record)
        )
        page = list(islice(older, most))
        more = next(older, None) is not None
        return [record for _, record in page], page[-1][0] if more else None

    def last(self, most: int) -> list[T]:
        """The newest records, the oldest of them first."""
        return self.newest(most)[0][::-1]
