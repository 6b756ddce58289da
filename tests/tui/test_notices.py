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


async def test_news_takes_the_place_of_older_news_and_warnings_stay() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        app.say("after step 10", "compare")
        app.say("after step 20", "compare")
        app.say("of no title")
        app.say("disk full", "not saved", severity="warning")
        app.say("disk still full", "not saved", severity="warning")
        app.say("of no title")
        await pilot.pause()
        assert said(app) == ["after step 20", "disk full", "disk still full", "of no title"]
