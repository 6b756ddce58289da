"""What is written to ring somebody, by whatever terminal."""

from mnist_tui.tui.bell import notification


def test_a_bell_and_both_kinds_of_notification() -> None:
    text = notification("run", "done", inside_tmux=False)
    assert text == "\a\x1b]9;run: done\x1b\\\x1b]777;notify;run;done\x1b\\"


def test_no_text_can_end_a_sequence_or_begin_another() -> None:
    text = notification("a;b\x1b]0;x\a", "c\x07\n\x9c" + "d" * 500, inside_tmux=False)
    assert text.count("\x1b") == 4
    assert text.count("\a") == 1
    assert "a,b]0,x" in text
    assert len(text) < 600


def test_tmux_is_asked_to_hand_them_on() -> None:
    text = notification("run", "done", inside_tmux=True)
    assert "\x1bPtmux;\x1b\x1b]9;run: done\x1b\x1b\\\x1b\\" in text
