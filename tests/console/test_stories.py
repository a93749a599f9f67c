"""The console in a browser, against a real server with real training: `console/test/stories`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import RunningServer
from tests.console.conftest import CONSOLE, STORY_TIMEOUT_S, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(STORY_TIMEOUT_S)]


def test_a_person_signs_in_trains_pauses_comes_back_and_cancels(
    server: RunningServer, tmp_path: Path
) -> None:
    tell(server, tmp_path, "training.spec.ts")


@pytest.mark.slow
@pytest.mark.parametrize("story", ["forecast", "datasets", "playground", "keys", "hostile"])
def test_the_stories_of_the_other_pages(server: RunningServer, tmp_path: Path, story: str) -> None:
    tell(server, tmp_path, f"{story}.spec.ts")


def test_every_story_is_told_by_a_test_of_this_file() -> None:
    source = Path(__file__).read_text()
    stories = [
        path.name.removesuffix(".spec.ts") for path in (CONSOLE / "test" / "stories").glob("*.spec.ts")
    ]
    assert [story for story in stories if f'"{story}' not in source] == []


@pytest.mark.slow
def test_one_click_on_an_empty_server_leads_to_a_tuned_model_and_axe_finds_nothing_on_any_page(
    empty_server: RunningServer, tmp_path: Path
) -> None:
    tell(empty_server, tmp_path, "first-run.spec.ts")
    tell(empty_server, tmp_path, "a11y.spec.ts")
