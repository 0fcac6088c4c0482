"""Reading a Dockerfile, and carrying out a stage of it without an engine, below a directory."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = PROJECT / "docker" / "Dockerfile"
BUILD_SECONDS: Final = 600
_REFERENCE: Final = re.compile(r"\$\{?(\w+)\}?")


class Instruction(NamedTuple):
    """`RUN`, and what stands behind it."""

    name: str
    text: str


@dataclass(frozen=True)
class Stage:
    """What stands between one FROM and the next."""

    image: str
    instructions: Sequence[Instruction]

    def all(self, name: str) -> list[str]:
        """Return the texts of one kind of instruction."""
        return [instruction.text for instruction in self.instructions if instruction.name == name]


def stages(text: str) -> list[Stage]:
    """Split a Dockerfile into its stages."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found: list[tuple[str, list[Instruction]]] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        if name == "FROM":
            found.append((rest.split()[0], []))
        else:
            found[-1][1].append(Instruction(name, rest))
    return [Stage(image, instructions) for image, instructions in found]


@dataclass
class Build:
    """Carries out instructions with `root` in place of `/`, for the paths below `/opt` and `/src`."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    directory: Path = field(init=False)

    def __post_init__(self) -> None:
        self.directory = self.root
        binaries = self.root / "bin"
        binaries.mkdir(parents=True)
        (binaries / "python").symlink_to(sys.executable)
        # Package clients keep the settings that this machine gives them.
        inherited = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        self.environment = {
            **inherited,
            "PATH": f"{binaries}:/usr/bin:/bin",
            "HOME": os.environ["HOME"],
        }

    def carry_out(self, instruction: Instruction) -> None:
        """Do what an instruction says, as far as it has an effect without an engine."""
        if instruction.name in ("ARG", "ENV"):
            self.environment |= self._assigned(instruction.text)
        elif instruction.name == "WORKDIR":
            self.directory = Path(self._rooted(instruction.text))
            self.directory.mkdir(parents=True, exist_ok=True)
        elif instruction.name == "COPY":
            self._copy(*instruction.text.split())
        elif instruction.name == "RUN":
            self._run(instruction.text)
        else:
            raise NotImplementedError(instruction.name)

    def _assigned(self, text: str) -> dict[str, str]:
        pairs = (word.split("=", 1) for word in shlex.split(text))
        return {name: _substituted(self._rooted(value), self.environment) for name, value in pairs}

    def _copy(self, *words: str) -> None:
        for source in words[:-1]:
            found = PROJECT / source
            target = self.directory / words[-1]
            if found.is_dir():
                shutil.copytree(found, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(found, target / found.name if target.is_dir() else target)

    def _run(self, command: str) -> None:
        done = subprocess.run(
            ("/bin/sh", "-ec", self._rooted(command)),
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"RUN {command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"

    def _rooted(self, text: str) -> str:
        return re.sub(r"(?<![\w.])/(opt|src)\b", rf"{self.root}/\1", text)


def _substituted(text: str, values: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: values[found[1]], text)
