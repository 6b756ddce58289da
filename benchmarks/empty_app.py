"""The rival of `first_frame`: the least program Textual can draw, one empty screen."""

from textual.app import App


class EmptyApp(App[None]):
    """Nothing at all."""


if __name__ == "__main__":
    EmptyApp().run()
