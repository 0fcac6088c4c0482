"""Parquet in batches of rows: structs are columns with dots in their names, numbers are texts, lists and maps stay.

A double is written as the shortest decimal that reads back as the same double, which is the number its writer had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from app.adapters.billing_files import Batch, UnreadableBillError
from domain.billing.header import Header
from domain.billing.tags import is_tag_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROWS: Final = 8192


class ParquetTable:
    """A parquet file; the number of a row stands for its line."""

    decimal_comma = False

    def __init__(self, stream: BinaryIO) -> None:
        """Read the columns; raise `UnreadableBillError` when it is damaged."""
        try:
            self._file = pq.ParquetFile(stream)
            schema = self._file.schema_arrow
        except pa.ArrowException as error:
            raise UnreadableBillError(f"not a parquet file: {error}") from error
        self._flat = _flat_schema(schema)
        self.header = Header([name for name, _ in self._flat])

    def batches(self, positions: Sequence[int], needed: Sequence[int]) -> Iterator[Batch]:
        """Yield the rows, some thousands at a time."""
        del needed
        roots = list(dict.fromkeys(self._flat[position][1][0] for position in positions))
        first = 1
        try:
            for batch in self._file.iter_batches(batch_size=ROWS, columns=roots):
                columns = [_cells(_walk(batch, self._flat[position][1])) for position in positions]
                yield Batch(columns, batch.num_rows, _line_counter(first))
                first += batch.num_rows
        except pa.ArrowException as error:
            raise UnreadableBillError(f"damaged after row {first - 1}: {error}") from error


def _line_counter(first: int) -> Callable[[int], int]:
    return lambda position: first + position


def _flat_schema(schema: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Return every leaf that is not inside a list or map, or a struct that is tags: its dotted name and path."""
    found: list[tuple[str, tuple[str, ...]]] = []

    def visit(fields: Any, path: tuple[str, ...]) -> None:
        for field in fields:
            here = (*path, field.name)
            if pa.types.is_struct(field.type) and not is_tag_map(field.name):
                visit([field.type.field(i) for i in range(field.type.num_fields)], here)
            else:
                found.append((".".join(here), here))

    visit(schema, ())
    return found


def _walk(batch: Any, path: tuple[str, ...]) -> Any:
    column = batch.column(path[0])
    for name in path[1:]:
        # `flatten` hands a null struct down to its fields; `field` would not.
        index = column.type.get_field_index(name)
        column = column.flatten()[index]
    return column


def _cells(column: Any) -> list[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _cells(column.dictionary_decode())
    if pa.types.is_nested(kind):
        return ["" if value is None else _structure(value, kind) for value in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        # Nanoseconds do not fit Python's datetime, and no charge begins at one.
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
        return ["" if value is None else value.isoformat() for value in column.to_pylist()]
    values = column.to_pylist()
    if pa.types.is_floating(kind):
        return ["" if value is None else repr(value) for value in values]
    if pa.types.is_date(kind):
        return ["" if value is None else value.isoformat() for value in values]
    return ["" if value is None else value if isinstance(value, str) else str(value) for value in values]


def _structure(value: Any, kind: Any) -> Any:
    return dict(value) if pa.types.is_map(kind) else value
