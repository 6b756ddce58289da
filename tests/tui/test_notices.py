"""Notices: what is said once stands once."""

from __future__ import annotations

from tests.tui.scripted import make_app, mid_run, said
from tests.tui.test_app import SIZE
from tests.tui.test_watching import settled


async def test_a_key_of_inspect_says_on_the_dashboard_where_it_works() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        await pilot.press("C", "C")
        await pilot.pause()
        assert said(app) == ["C (compare with) works on Inspect, which i opens."]
        await pilot.press("i", "C")
        await pilot.pause()
        assert len(said(app)) == 1


async def test_a_notice_takes_the_place_of_one_that_says_the_same() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        for text, title in (("step 10", "compare"), ("step 20", "compare"), ("untitled", ""), ("step 10", "fixed")):
            app.say(text, title)
        await pilot.pause()
        assert said(app) == ["step 20", "untitled", "step 10"]
