"""The lessons: what is in them is sound, and what is not is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_tui.errors import NotFound, StudioError
from studio_tui.training import templates
from studio_tui.training.lessons import SUBJECTS, Check, find, lessons, read_check, read_lesson

STEP = """
[[steps]]
say = "Start it"
do = "ctrl+r"
why = "To see it."
check = { job = "started", precision = "bf16-mixed" }
"""
HEAD = 'title = "t"\nabout = "a"\ntemplate = "char-gpt"\nplace = 1\n'


def test_the_lessons_in_the_order_in_which_one_learns() -> None:
    assert [lesson.name for lesson in lessons()] == [
        "first-run", "loss-curve", "precision", "data-loading", "many-gpus", "many-machines",
        "together", "deploying",
    ]  # fmt: skip


def test_a_lesson_is_about_files_of_its_template() -> None:
    known = {template.name: template for template in templates.templates()}
    for lesson in lessons():
        template = known[lesson.template]
        assert set(lesson.files) <= set(template.files), lesson.name
        for step in lesson.steps:
            script = step.check.options.get("script", template.script)
            assert script == template.script or any(script in s.do for s in lesson.steps)
        if (needs := lesson.needs) is not None:
            text = (templates.SOURCE / template.name / needs.value).read_text()
            assert needs.options["has"] in text


def test_why_is_short_enough_for_the_list_of_lessons() -> None:
    for lesson in lessons():
        for step in lesson.steps:
            assert len(" ".join(step.why.split())) <= 330, step.say


@pytest.mark.parametrize(
    ("lesson", "file", "words"),
    [
        ("loss-curve", "train.py", "RATE = 4e-3"),
        ("together", "train.py", "WIDTH = 96"),
        ("data-loading", "data.py", "DataLoader(self.train, batch_size=self.batch, shuffle=True)"),
        ("many-gpus", "train.py", "BATCH ="),
    ],
)
def test_what_a_lesson_says_to_change_is_there(lesson: str, file: str, words: str) -> None:
    assert words in (templates.SOURCE / find(lesson).template / file).read_text()


def test_code_that_is_to_be_written_is_python() -> None:
    codes = [step.code for lesson in lessons() for step in lesson.steps if step.code]
    assert len(codes) == 2
    for code in codes:
        compile(code, "code", "exec")


def test_every_kind_of_check_is_of_use() -> None:
    used = {step.check.subject for lesson in lessons() for step in lesson.steps}
    assert used | {"mark"} == set(SUBJECTS)


def test_a_lesson_is_read() -> None:
    lesson = read_lesson("x", HEAD + STEP)
    assert (lesson.name, lesson.title, len(lesson.steps)) == ("x", "t", 1)
    assert lesson.steps[0].check == Check("job", "started", {"precision": "bf16-mixed"})
    assert lesson.plain()["steps"][0]["check"]["value"] == "started"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title =", "lesson x: Invalid"),
        (STEP, "lesson x: title is missing"),
        (HEAD + "steps = []", "lesson x: it has no steps"),
        (HEAD + "steps = [1]", "lesson x, step 1: it is no table"),
        (HEAD + "needs = { weather = 1 }" + STEP, "lesson x, needs: a check of 'weather'"),
        (HEAD + "colour = 1" + STEP, "lesson x: unknown key 'colour'"),
        (HEAD.replace("1", "true") + STEP, "lesson x: place is True"),
        (HEAD + STEP.replace("why =", "how ="), "lesson x, step 1: unknown key 'how'"),
        (HEAD + STEP.replace('"To see it."', '""'), "lesson x, step 1: why is missing"),
        (HEAD + STEP.replace("Start", "S" * 60), "step 1: say is no line of at most 62"),
        (HEAD + STEP.replace("ctrl+r", "\\u001b[2J"), "step 1: do is no line of at most 76"),
    ],
)
def test_what_is_no_lesson_is_refused(text: str, why: str) -> None:
    with pytest.raises(StudioError) as caught:
        read_lesson("x", text)
    assert why in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({}, "is not known"),
        ({"weather": "fine"}, "a check of 'weather' is not known"),
        ({"people": "2"}, "people is '2'"),
        ({"people": True}, "people is True"),
        ({"people": 2, "precision": "x"}, "unknown key 'precision'"),
        ({"job": "happy"}, "job is 'happy', not started"),
        ({"metric": "loss"}, "neither above, below nor points"),
    ],
)
def test_what_is_no_check_is_refused(table: dict[str, object], why: str) -> None:
    with pytest.raises(StudioError) as caught:
        read_check("x", table)
    assert why in caught.value.message


def test_a_missing_lesson_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="no lesson 'firstrun'") as caught:
        find("firstrun")
    assert caught.value.hint == "did you mean first-run?"
    with pytest.raises(NotFound) as caught:
        find("zzz")
    assert caught.value.hint.startswith("lessons: first-run, loss-curve")


def test_a_folder_without_lessons_has_none(tmp_path: Path) -> None:
    assert lessons(tmp_path) == []
