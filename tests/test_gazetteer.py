"""Names of places, papers and agencies, in every script, inflected and joined to other words; never a word of the person's own."""

import pytest

from bot.nlu.gazetteer import Gazetteer
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load(ROOT / "content" / "gazetteer.yml")


FOUND = [
    ("vivo en jackson heights y tengo mi pasaporte", {"jackson_heights", "passport"}, "Spanish"),
    ("я живу в Бруклине", {"brooklyn"}, "Russian, inflected"),
    ("mieszkam na Brooklynie", {"brooklyn"}, "Polish, inflected"),
    ("我住在法拉盛", {"flushing"}, "Chinese, inside a run of characters"),
    ("플러싱에 살아요", {"flushing"}, "Korean, with an ending"),
    ("আমি জ্যাকসন হাইটসে থাকি", {"jackson_heights"}, "Bengali, with an ending"),
    ("i live in newark new jersey", {"newark"}, "outside the state"),
    ("my cousin in yonkers was stopped", {"yonkers"}, "outside the city"),
    ("ice and new york police came", {"ice"}, "a short name beside a longer one"),
    ("what is a u visa", set(), "no name"),
]


@pytest.mark.parametrize(("text", "ids", "reason"), FOUND, ids=[row[2] for row in FOUND])
def test_names(text: str, ids: set[str], reason: str, gazetteer: Gazetteer) -> None:
    found = {name.id for name in gazetteer.find(text)}
    assert ids <= found and (ids or not found), (reason, found)


LAYERS = [
    ("11372", "nyc"),
    ("zip 10701", "ny"),
    ("hempstead long island", "ny"),
    ("philadelphia", "us"),
    ("astoria queens", "nyc"),
]


@pytest.mark.parametrize(("text", "layer"), LAYERS)
def test_layers(text: str, layer: str, gazetteer: Gazetteer) -> None:
    assert {name.layer for name in gazetteer.find(text) if name.section == "places"} == {layer}


def test_an_amount_is_no_zip_code(gazetteer: Gazetteer) -> None:
    assert gazetteer.find("he took 5000 dollars in 2024") == []
