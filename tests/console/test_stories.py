"""The console in a browser, against a real server with real training: `console/test/stories`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import RunningServer
from tests.console.conftest import STORY_TIMEOUT_S, tell

pytestmark = [pytest.mark.browser, pytest.mark.timeout(STORY_TIMEOUT_S)]


def test_a_person_signs_in_trains_pauses_comes_back_and_cancels(
    server: RunningServer, tmp_path: Path
) -> None:
    tell(server, tmp_path, "training.spec.ts")


@pytest.mark.slow
def test_one_click_on_an_empty_server_leads_to_a_tuned_model_and_axe_finds_nothing_on_any_page(
    empty_server: RunningServer, tmp_path: Path
) -> None:
    tell(empty_server, tmp_path, "first-run.spec.ts")
    tell(empty_server, tmp_path, "a11y.spec.ts")
