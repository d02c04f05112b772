"""Bar lines that nobody tells, found and mistaken, with the shipped model end to end."""

from __future__ import annotations

import pytest

from jamd.bundle import bundle as bundles
from jamd.bundle.bundle import Bundle
from jamd.daemon.model.requests import LikelihoodRequest, Likelihoods
from jamd.measure.performances import shipped, written
from jamd.measure.pickups import FoundPickup, figures, find_pickup
from jamd.measure.report import Figure


@pytest.fixture(scope="module")
def measured() -> dict[str, Figure]:
    bundle = Bundle.read(bundles.resolve("default"))
    return {figure.name: figure for figure in figures(bundle)}


def test_most_pickups_are_found_and_few_downbeats_mistaken(measured: dict[str, Figure]) -> None:
    assert measured["all: pickups found"].of == 113
    assert measured["all: pickups found"].value >= 60
    assert measured["song: pickups found"].value >= 70
    assert measured["jazz: pickups found"].value >= 65
    assert measured["all: downbeats mistaken"].of == 129
    assert measured["all: downbeats mistaken"].ok


def test_without_a_model_the_signs_find_some() -> None:
    def silent(request: LikelihoodRequest) -> list[Likelihoods]:
        return [Likelihoods(request.id, ())]

    found = [find_pickup(opening, silent) for opening in shipped("openings.txt")]
    right = sum(each.pickup > 0 and each.found == each.pickup for each in found)
    assert 30 <= right <= 80
    assert {each.kind for each in found} == {"jazz", "song", "piano"}
    assert found[0] == FoundPickup("jazz", 0, 0)


def test_the_openings_are_written_as_they_are_read() -> None:
    for opening in shipped("openings.txt"):
        assert 8 <= len(opening.notes) <= 24
        assert ("pickup" in opening.name) == (opening.notes[0].onset > 0)
        assert written(opening).endswith("|")
