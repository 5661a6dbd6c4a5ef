from __future__ import annotations

import pytest

from studio_tui.document.pattern import Pattern, edited
from studio_tui.errors import StudioError, UsageFault

TEXT = "loss = Loss(x)\nlosses.append(loss)  # 日本 loss\n"


def found(pattern: Pattern, text: str = TEXT) -> list[str]:
    return [text[start:end] for start, end in pattern.spans(text)]


def test_plain_text_is_no_expression() -> None:
    assert found(Pattern("Loss(x)")) == ["Loss(x)"]
    assert found(Pattern("s.a")) == ["s.a"]


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        (Pattern("loss"), 5),
        (Pattern("loss", case=True), 4),
        (Pattern("loss", word=True), 4),
        (Pattern("loss", case=True, word=True), 3),
        (Pattern("^loss", regex=True), 2),
        (Pattern(r"l\w+s\b", regex=True, case=True), 4),
        (Pattern("absent"), 0),
    ],
)
def test_case_words_and_expressions(pattern: Pattern, count: int) -> None:
    assert len(pattern.spans(TEXT)) == count


def test_places_are_code_points() -> None:
    assert Pattern("日本").spans(TEXT) == [(TEXT.index("日"), TEXT.index("日") + 2)]


def test_replacing_is_a_list_of_small_edits() -> None:
    edits = Pattern("loss", case=True, word=True).replacements(TEXT, "error")
    assert [(end - start, new) for start, end, new in edits] == [(4, "error")] * 3
    assert edited(TEXT, edits) == "error = Loss(x)\nlosses.append(error)  # 日本 error\n"


def test_groups_fill_the_template_of_an_expression_alone() -> None:
    pattern = Pattern(r"(\w+)\((\w+)\)", regex=True)
    assert edited("f(x)", pattern.replacements("f(x)", r"\2.\1()\n")) == "x.f()\n"
    assert edited("f(x)", Pattern("f").replacements("f(x)", r"\1")) == r"\1(x)"


def test_an_empty_match_is_a_place_too() -> None:
    assert edited("a\nb", Pattern("^", regex=True).replacements("a\nb", "# ")) == "# a\n# b"


@pytest.mark.parametrize(
    "pattern", [Pattern(""), Pattern("(", regex=True), Pattern("*", regex=True)]
)
def test_what_makes_no_sense_is_said(pattern: Pattern) -> None:
    with pytest.raises(UsageFault) as raised:
        pattern.spans("text")
    assert raised.value.hint


@pytest.mark.parametrize("template", [r"\9", r"\g<nobody>", "\\"])
def test_a_template_that_makes_no_sense_is_said(template: str) -> None:
    with pytest.raises(UsageFault, match="replacement"):
        Pattern("(a)", regex=True).replacements("a", template)


def test_an_expression_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio_tui.document.pattern.PATIENCE", 0.02)
    with pytest.raises(StudioError, match="too long"):
        Pattern(r"(?:a|aa|a?)+(?:a|aa)+$", regex=True, case=True).spans("a" * 400 + "!")
