"""The keys that hold everywhere; the bottom line, the help and the palette are made from this list."""

from __future__ import annotations

from textual.binding import Binding

KEYS: list[Binding] = [
    Binding("space", "toggle_training", "train/pause", tooltip="start, pause, resume"),
    Binding("i,2", "inspect", "inspect", key_display="i", tooltip="Inspect: gallery and confusion matrix"),
    Binding("m", "toggle_wrong", "mistakes", tooltip="only misclassified digits, or all"),
    Binding("tab", "app.focus_next", "settings", tooltip="next field"),
    Binding("question_mark", "help", "help", key_display="?", tooltip="this list of keys"),
    Binding("q", "leave", "quit", tooltip="leave; while training, after a question"),
    Binding("full_stop", "step", "one batch", key_display=".", tooltip="train one batch, then wait"),
    Binding("left_square_bracket", "scale_rate(0.5)", "halve lr", key_display="[", tooltip="halve the learning rate"),
    Binding("right_square_bracket", "scale_rate(2)", "double lr", key_display="]", tooltip="double the learning rate"),
    Binding("l", "toggle_log", "log y", tooltip="logarithmic or linear charts"),
    Binding("w", "toggle_window", "recent/whole", tooltip="newest batches, or the whole run"),
    Binding("e", "evaluate", "evaluate", tooltip="evaluate the test set now"),
    Binding("s", "save", "save", tooltip="write a checkpoint now"),
    Binding("t", "toggle_theme", "theme", tooltip="dark or light"),
    Binding("1", "train", "charts", tooltip="Train: charts and hyperparameters"),
    Binding("ctrl+p", "command_palette", "palette", show=False, tooltip="every command, by name"),
    Binding("escape", "leave_layer", "back", show=False, tooltip="one layer back"),
    Binding("shift+tab", "app.focus_previous", "field before", show=False),
    Binding(
        "ctrl+c,ctrl+q",
        "interrupt",
        "quit",
        show=False,
        priority=True,
        tooltip="as q; again: save and leave; a third time: leave at once",
    ),
    Binding("ctrl+z", "suspend_process", "suspend", show=False, tooltip="back to the shell until fg; training waits"),
]
