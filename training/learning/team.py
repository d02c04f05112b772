"""Detect, without loading TensorFlow, whether several machines are to train together."""

from __future__ import annotations

import json
import os

from jamd.errors import UserError


class TeamError(UserError):
    """The workers cannot train together, or one of them was lost."""


def is_configured() -> bool:
    """Whether TF_CONFIG names a cluster of two workers or more.

    Raises:
        TeamError: It is not valid JSON of the form that TensorFlow expects.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return False
    try:
        cluster = json.loads(text).get("cluster", {})
        return sum(len(cluster.get(kind, ())) for kind in ("chief", "worker")) > 1
    except (ValueError, AttributeError, TypeError) as error:
        raise TeamError(
            'TF_CONFIG: expected JSON like {"cluster": {"worker": ["one:2222", "other:2222"]}, '
            f'"task": {{"type": "worker", "index": 0}}}}, found {text[:80]!r} ({error})'
        ) from None
