from __future__ import annotations

import pytest

from studio_tui.data.sources import Sources, tables
from studio_tui.errors import NotFound, UsageFault
from studio_tui.settings import paths


def write(text: str) -> None:
    paths.data_file().write_text(text)


def test_the_usual_sources_are_there_without_a_file() -> None:
    assert Sources().names()["s3"] == "s3"


def test_a_source_of_the_file_is_found_and_made_once() -> None:
    write('[lake]\nkind = "s3"\nendpoint_url = "https://minio.example.org"\nkey_id = "K"\n')
    sources = Sources()
    assert sources.names()["lake"] == "s3"
    assert sources.find("lake") is sources.find("lake")


def test_a_source_that_was_changed_is_made_anew() -> None:
    sources = Sources()
    before = sources.find("s3")
    write('[s3]\nregion = "eu-west-1"\n')
    assert sources.find("s3") is not before


def test_an_unknown_source_names_those_that_there_are() -> None:
    with pytest.raises(NotFound) as said:
        Sources().find("s33")
    assert "s3, databricks" in said.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "lake = 1",
        "[lake]",
        '[lake]\nkind = "ftp"',
        '[lake]\nkind = "s3"\nendpoint = "x"',
        '[lake]\nkind = "s3"\nregion = 1',
        '[lake]\nkind = "s3"\nendpoint_url = "minio:9000"',
        '[lake]\nkind = "s3"\nendpoint_url = "https://me:pass@minio"',
        "[lake",
    ],
)
def test_what_makes_no_sense_is_said(text: str) -> None:
    write(text)
    with pytest.raises(UsageFault, match=r"data\.toml"):
        tables()


def test_a_secret_that_was_written_into_the_file_is_not_repeated() -> None:
    write('[lake]\nkind = "s3"\nsecret_key = "wJalr/XUt+nFEMI"\n')
    with pytest.raises(UsageFault) as said:
        tables()
    assert "wJalr" not in said.value.message + said.value.hint
    assert "studio-tui secret set" in said.value.hint
