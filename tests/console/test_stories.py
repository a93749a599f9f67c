"""The console in a browser, against a real server with real training: `console/test/stories`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import RunningServer
from tests.console.conftest import CONSOLE, STORY_TIMEOUT_S, Operator, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(STORY_TIMEOUT_S)]


def test_a_person_signs_in_trains_pauses_comes_back_and_cancels(
    server: RunningServer, tmp_path: Path
) -> None:
    tell(server, tmp_path, "training.spec.ts")


@pytest.mark.slow
@pytest.mark.parametrize(
    "story",
    [
        "forecast",
        "create",
        "datasets",
        "models",
        "playground",
        "drafts",
        "keys",
        "hostile",
        "quick",
        "others",
        "signin",
        "senses",
        "links",
        "reopen",
        "job",
        "upload",
        "keyboard",
        "order",
        "unaided",
    ],
)
def test_the_stories_of_the_other_pages(server: RunningServer, tmp_path: Path, story: str) -> None:
    tell(server, tmp_path, f"{story}.spec.ts")


@pytest.mark.slow
def test_five_people_do_in_the_console_what_they_wrote_down(
    dear_server: RunningServer, tmp_path: Path
) -> None:
    tell(dear_server, tmp_path, "acceptance.spec.ts")


@pytest.mark.slow
def test_a_killed_worker_and_a_server_that_goes_away_are_shown_and_overcome(
    operator: Operator, tmp_path: Path
) -> None:
    tell(operator.server, tmp_path, "broken.spec.ts", OPERATOR=str(operator.asked))


def test_every_story_is_told_by_a_test_of_this_folder() -> None:
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    stories = [
        path.name.removesuffix(".spec.ts") for path in (CONSOLE / "test" / "stories").glob("*.spec.ts")
    ]
    assert [story for story in stories if f'"{story}' not in source] == []


@pytest.mark.slow
def test_fewer_than_ten_clicks_lead_from_an_empty_server_to_an_answer_of_ones_own_model(
    empty_server: RunningServer, tmp_path: Path
) -> None:
    tell(empty_server, tmp_path, "first-run.spec.ts")


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light, en", "light, zh-CN", "dark, en", "dark, zh-CN"])
def test_axe_finds_nothing_on_any_page_full_empty_loading_or_failing(
    operator: Operator, tmp_path: Path, look: str
) -> None:
    tell(operator.server, tmp_path, "a11y.spec.ts", "-g", f"nothing, {look}", OPERATOR=str(operator.asked))
