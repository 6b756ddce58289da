import torch

from mnist_tui.engine.components import components, paint

PICTURE = """
##...#...
.##..#..#
...#.####
.........
.###.....
.#.#.....
.###...##
"""


def mask_of(picture: str) -> torch.Tensor:
    return torch.tensor([[cell == "#" for cell in row] for row in picture.split()])


def test_what_touches_hangs_together_corners_too_and_the_heaviest_comes_first() -> None:
    mask = mask_of(PICTURE)
    weights = torch.ones(mask.shape)
    weights[6, 7:] = 10
    found = components(mask, weights)
    assert [component.mass for component in found] == [20, 8, 7, 5]
    assert [component.box for component in found] == [(6, 7, 7, 9), (4, 7, 1, 4), (0, 3, 5, 9), (0, 3, 0, 4)]
    assert [component.edge for component in found] == [2, 3, 3, 2]
    assert torch.equal(paint(found, mask.shape), mask)


def test_runs_that_join_below_are_one() -> None:
    (one,) = components(mask_of("#.#.#\n#.#.#\n#####"), torch.ones(3, 5))
    assert one.mass == 11


def test_nothing_has_no_components() -> None:
    assert components(torch.zeros(3, 4, dtype=torch.bool), torch.ones(3, 4)) == []
