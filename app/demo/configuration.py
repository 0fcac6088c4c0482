"""The demo's configuration file: the shipped template with the receiver's address and the scale filled in."""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from app.settings import load_configuration
from domain.money import EXACT, to_text
from domain.pricing import PriceBook

if TYPE_CHECKING:
    from pathlib import Path

# Known to everybody and good for loopback only: both ends of this webhook are the demo.
SECRET: Final = "whsec_" + base64.b64encode(b"a secret for the demo, no other!").decode()
_WEBHOOKS: Final = re.compile(r"^\[\[webhooks\]\]\n(?:.+\n)+\n", re.MULTILINE)
_LIMIT: Final = re.compile(r'^limit = "([0-9.]+)"', re.MULTILINE)


def write_configuration(data_dir: Path, webhook_url: str, scale: float) -> Path:
    """Write `costguard.toml` below `data_dir`; budgets shrink and grow with the company's `scale`."""
    path = data_dir / "costguard.toml"
    path.write_text(configuration(_template(), webhook_url, Decimal(str(scale))))
    return path


def write_prices(path: Path, scale: float) -> None:
    """Write the demo's prices, owners and budgets for a system of one's own: without the demo's webhook."""
    path.write_text(configuration(_WEBHOOKS.sub("", _template()), "", Decimal(str(scale))))


def _template() -> str:
    return files("app.demo").joinpath("costguard.toml").read_text()


def configuration(template: str, webhook_url: str, scale: Decimal) -> str:
    """Fill in `@url@` and `@secret@`, and multiply every budget's limit."""

    def scaled(match: re.Match[str]) -> str:
        return f'limit = "{to_text(EXACT.multiply(Decimal(match[1]), scale))}"'

    return _LIMIT.sub(scaled, template.replace("@url@", webhook_url).replace("@secret@", SECRET))


def price_book(config: Path) -> PriceBook:
    """Return the prices that the system works with under this configuration."""
    read = load_configuration(config)
    return PriceBook.load(read.prices, read.currency)
