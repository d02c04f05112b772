"""An address on a network, as config.toml names it."""

from __future__ import annotations

import re
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
"""The computer itself, which nobody on a network can reach."""

_TEXT = re.compile(r"(?:(\[[\w:.%]+\]|[^\s:\[\]]+):)?(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A UDP port of a computer.

    Attributes:
        host: The computer, by name or by address.
        port: 1..65535.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read `"9000"`, on this computer, or `"192.168.1.5:9000"`, or `"[::1]:9000"`.

        Raises:
            ValueError: It is none of these.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None or not 1 <= int(found[2]) <= 65535:
            raise ValueError(text)
        return cls((found[1] or LOOPBACK).strip("[]"), int(found[2]))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
