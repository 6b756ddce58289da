import pytest

from mnist_tui.core.speed import GpuLoad, MachineLoad
from mnist_tui.render.load import load_lines

OWN = MachineLoad(2, 1.87, 0.1, 1_234_000_000)
GPU = GpuLoad("NVIDIA H200", 41.0, 1_200_000_000, 141_000_000_000, 54.0, 123.4)
BOTH = MachineLoad(2, 1.87, 0.1, 1_234_000_000, GPU)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (40, "6 512 img/s  cpu 187 %  1.2 GB"),
        (28, "6 512 img/s cpu 187 % 1.2 GB"),
        (25, "6 512 img/s  cpu 187 %"),
        (12, "6 512 img/s"),
        (5, "6 512"),
    ],
)
def test_what_does_not_fit_goes(width: int, line: str) -> None:
    assert load_lines(6512.3, OWN, width) == [line]


def test_before_the_first_batch_there_is_no_rate() -> None:
    assert load_lines(None, OWN, 30) == ["cpu 187 %  1.2 GB"]


def test_a_gpu_has_a_line_of_its_own() -> None:
    assert load_lines(6512, BOTH, 30)[1] == "gpu 41 %  1.2/141G  54°C  123W"
    assert load_lines(6512, BOTH, 30, ascii_only=True)[1] == "gpu 41 %  1.2/141G  54C  123W"
    assert load_lines(6512, BOTH, 25)[1] == "gpu 41 %  1.2/141G  54°C"


def test_what_the_driver_does_not_tell_is_left_out() -> None:
    load = MachineLoad(2, 1.0, 0.0, 10**9, GpuLoad("GPU", busy=7.0))
    assert load_lines(None, load, 30)[1] == "gpu 7 %"
