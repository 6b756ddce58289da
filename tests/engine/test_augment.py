import attrs
import pytest
import torch
import torch.nn.functional as F

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.augment import as_bytes, augment, augments, draw, strengths
from tests.engine.small import splits

PLAIN = Hyperparameters()
IMAGES, _ = splits(40).train.slice(0, 40)


def dot(row: int, column: int) -> torch.Tensor:
    image = torch.full((1, 1, 28, 28), -1.0)
    image[0, 0, row, column] = 1.0
    return image


def centre(image: torch.Tensor) -> tuple[float, float]:
    """Row and column of the centre of the ink."""
    ink = (image[0, 0] + 1).double()
    places = torch.arange(28, dtype=torch.double)
    return float((ink.sum(1) * places).sum() / ink.sum()), float((ink.sum(0) * places).sum() / ink.sum())


def test_nothing_is_asked_for_by_default() -> None:
    assert not augments(PLAIN)
    for name, value in (("shift", 0.5), ("rotate", 5.0), ("scale", 0.05)):
        assert augments(attrs.evolve(PLAIN, **{name: value}))  # type: ignore[arg-type]


def test_without_strength_the_images_are_as_they_were() -> None:
    torch.testing.assert_close(augment(IMAGES, PLAIN, 0), IMAGES, rtol=0, atol=1e-5)


def test_the_same_place_in_the_run_gives_the_same_images_and_another_does_not() -> None:
    strong = attrs.evolve(PLAIN, shift=3.0, rotate=20.0, scale=0.2)
    state = torch.get_rng_state()
    first = augment(IMAGES, strong, 640)
    assert torch.equal(first, augment(IMAGES, strong, 640))
    assert not torch.equal(first, augment(IMAGES, strong, 704))
    assert not torch.equal(first, augment(IMAGES, attrs.evolve(strong, seed=1), 640))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_shift_stays_within_its_pixels_and_differs_between_samples() -> None:
    strong = attrs.evolve(PLAIN, shift=4.0)
    batch = dot(14, 14).repeat(200, 1, 1, 1)
    moved = [centre(image[None]) for image in augment(batch, strong, 0)]
    rows, columns = [row - 14 for row, _ in moved], [column - 14 for _, column in moved]
    for distances in (rows, columns):
        assert max(distances) == pytest.approx(4, abs=0.2)
        assert min(distances) == pytest.approx(-4, abs=0.2)


def test_a_rotation_turns_about_the_middle_of_the_image() -> None:
    strong = attrs.evolve(PLAIN, rotate=90.0)
    batch = dot(4, 13).repeat(300, 1, 1, 1)  # ten rows above the middle, between columns 13 and 14
    places = [centre(image[None]) for image in augment(batch, strong, 0)]
    radii = [((row - 13.5) ** 2 + (column - 13.5) ** 2) ** 0.5 for row, column in places]
    assert min(radii) == pytest.approx(9.5, abs=0.3)
    assert max(radii) == pytest.approx(9.5, abs=0.3)
    assert max(row for row, _ in places) == pytest.approx(13.5, abs=0.8)
    assert min(column for _, column in places) < 5
    assert max(column for _, column in places) > 22


def test_a_scale_grows_and_shrinks() -> None:
    strong = attrs.evolve(PLAIN, scale=0.5)
    batch = dot(7, 13).repeat(300, 1, 1, 1)
    distances = [13.5 - centre(image[None])[0] for image in augment(batch, strong, 0)]
    assert max(distances) == pytest.approx(6.5 * 1.5, rel=0.05)
    assert min(distances) == pytest.approx(6.5 / 1.5, rel=0.05)


def test_what_comes_in_from_outside_is_background() -> None:
    moved = augment(torch.ones(50, 1, 28, 28), attrs.evolve(PLAIN, shift=10.0), 0)
    assert moved.min() == -1
    assert moved.max() == pytest.approx(1.0)


def test_all_together_are_the_affine_map_of_torch() -> None:
    moved = Hyperparameters(shift=3.0, rotate=25.0, scale=0.3, seed=4)
    across, down, turn, grow = draw(4, 640, len(IMAGES)).double()
    shift, most, growth = strengths(moved).double()
    zoom = torch.exp(-grow * growth)
    cosine, sine = torch.cos(turn * most) * zoom, torch.sin(turn * most) * zoom
    maps = torch.stack([cosine, -sine, across * shift, sine, cosine, down * shift], 1).view(-1, 2, 3)
    grid = F.affine_grid(maps, [len(IMAGES), 1, 28, 28], align_corners=False)
    expected = F.grid_sample(IMAGES.double() + 1, grid, padding_mode="zeros", align_corners=False) - 1
    torch.testing.assert_close(augment(IMAGES, moved, 640).double(), expected, rtol=0, atol=2e-4)


def test_input_as_bytes_is_what_was_stored() -> None:
    train = splits(40).train
    assert as_bytes(train.slice(0, 40)[0]) == train.images.numpy().tobytes()
