"""The keys that hold everywhere; the bottom line, the help and the palette are made from this list."""

from __future__ import annotations

from textual.binding import Binding

KEYS: list[Binding] = [
    Binding("space", "toggle_training", "train/pause", tooltip="start, pause, resume"),
    Binding("i,2", "inspect", "inspect", key_display="i", tooltip="Inspect: gallery and confusion matrix"),
    Binding("m", "toggle_wrong", "mistakes", tooltip="only misclassified digits, or all"),
    Binding("question_mark", "help", "help", key_display="?", tooltip="this list of keys"),
    Binding("q", "leave", "quit", tooltip="leave; while training, after a question"),
    Binding("3", "runs", "runs", tooltip="Runs: every run, its curves and settings beside others"),
    Binding("d", "draw", "draw", tooltip="draw a digit, and see what the network makes of it"),
    Binding("o", "open_picture", "open", tooltip="open a picture of a digit; on the Runs screen, the run"),
    Binding("left_square_bracket", "scale_rate(0.5)", "halve lr", key_display="[", tooltip="halve the learning rate"),
    Binding("right_square_bracket", "scale_rate(2)", "double lr", key_display="]", tooltip="double the learning rate"),
    Binding("u", "undo", "undo", tooltip="take the last edit back, with what was learnt since"),
    Binding("full_stop", "step", "one batch", key_display=".", tooltip="train one batch, look into it, then wait"),
    Binding("tab", "next_panel(1)", "next panel", tooltip="settings, charts, digits, in turn"),
    Binding("ctrl+p", "command_palette", "all commands", key_display="^p", tooltip="every command, by name"),
    Binding("f", "find_rate", "find lr", tooltip="find a learning rate, on a copy of the network"),
    Binding("g", "recover", "go back", tooltip="twice: go back to the last checkpoint and halve the learning rate"),
    Binding("l", "toggle_log", "log y", tooltip="logarithmic or linear charts"),
    Binding("w", "toggle_window", "recent/whole", tooltip="newest batches, or the whole run"),
    Binding("a", "cycle_unit", "x axis", tooltip="steps, epochs or time along the charts"),
    Binding("less_than_sign", "smooth(-1)", "rougher", key_display="<", tooltip="smooth the average less"),
    Binding("greater_than_sign", "smooth(1)", "smoother", key_display=">", tooltip="smooth the average more"),
    Binding("z", "maximise", "one chart", tooltip="the loss alone, the accuracy alone, everything"),
    Binding("e", "evaluate", "evaluate", tooltip="evaluate the test set now"),
    Binding("s", "save", "save", tooltip="write a checkpoint now"),
    Binding("x", "stop", "stop", tooltip="twice: stop the run after this batch, saved"),
    Binding("X", "stop_after_epoch", "stop later", tooltip="stop the run after this epoch, or call that off"),
    Binding("r", "restart", "restart", tooltip="twice: stop, saved, and begin a run with the values on the rows"),
    Binding(
        "W", "speed", "why slow?", tooltip="why is it slow? where the time of a batch goes, and what bounds the speed"
    ),
    Binding("t", "toggle_theme", "theme", tooltip="dark or light"),
    Binding("1", "train", "charts", tooltip="Train: charts and hyperparameters"),
    Binding("escape", "leave_layer", "back", show=False, tooltip="one layer back"),
    Binding("shift+tab", "next_panel(-1)", "panel before", show=False),
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
