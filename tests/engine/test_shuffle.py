from collections import Counter

import pytest
import torch

from mnist_tui.engine.shuffle import BLOCK, GROUP, BlockShuffle


def order(shuffle: BlockShuffle) -> list[int]:
    """The images of the epoch, as they are seen."""
    seen: list[int] = []
    for number, blocks in enumerate(shuffle.groups):
        lying = [image for start, stop in blocks for image in range(start, stop)]
        seen += [lying[at] for at in shuffle.shuffled(number).tolist()]
    return seen


@pytest.mark.parametrize("size", [1, 15, 16, 17, 999, 1000, 1024])
def test_every_image_is_seen_once(size: int) -> None:
    for epoch in range(1, 4):
        shuffle = BlockShuffle(0, epoch, size, block=16, group=8)
        assert len(shuffle) == shuffle.firsts[-1] == size
        assert sorted(order(shuffle)) == list(range(size))
        assert max(len(shuffle.shuffled(number)) for number in range(len(shuffle.groups))) <= 16 * 8


def test_a_place_is_found_in_its_group() -> None:
    shuffle = BlockShuffle(3, 1, 1000, block=16, group=8)
    for number, (first, end) in enumerate(zip(shuffle.firsts, shuffle.firsts[1:], strict=False)):
        assert {shuffle.group_at(place) for place in (first, end - 1)} == {number}


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    before = torch.get_rng_state()
    first = order(BlockShuffle(3, 1, 1000, 16, 8))
    torch.rand(1)
    assert order(BlockShuffle(3, 1, 1000, 16, 8)) == first
    torch.set_rng_state(before)
    others = [order(BlockShuffle(*key, 1000, 16, 8)) for key in ((3, 2), (4, 1), (2**31 - 1, 10_000), (3, -7))]
    assert all(other != first for other in others)
    assert torch.equal(torch.get_rng_state(), before)
    assert order(BlockShuffle(3, 1, 1000, 16, 8).next_epoch) == others[0]


def test_blocks_are_cut_elsewhere_in_every_epoch() -> None:
    edges = {
        min(stop for start, stop in shuffle.groups[0] + shuffle.groups[-1] if start == 0)
        for epoch in range(20)
        for shuffle in [BlockShuffle(0, epoch, 200, 16, 8)]
    }
    assert len(edges) > 5


def test_groups_are_shuffled_each_in_its_own_way() -> None:
    shuffle = BlockShuffle(0, 1, 10 * 128, 16, 8)
    orders = [tuple(shuffle.shuffled(number).tolist()) for number in range(10)]
    whole = [order for order in orders if len(order) == 128]
    assert len(set(whole)) == len(whole) >= 5


def test_a_batch_of_a_sorted_file_shows_every_class() -> None:
    size = 10_000_000
    shuffle = BlockShuffle(0, 1, size)
    assert len(shuffle.groups) == -(-(size // BLOCK + 1) // GROUP)
    worst = 1.0
    for number in range(0, len(shuffle.groups) - 1, 10):  # the last may be of a few blocks
        shares = Counter[int]()
        for start, stop in shuffle.groups[number]:
            shares[start * 10 // size] += stop - start
        worst = min(worst, min(shares[digit] for digit in range(10)) / shares.total())
    assert worst >= 0.01  # 10 % but for 2.4 standard deviations of sqrt(0.1 * 0.9 / 64)
