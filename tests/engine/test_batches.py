import torch

from mnist_tui.core.dataset import Split
from mnist_tui.engine.batches import Batches, normalise, permutation
from tests.datafiles import cut
from tests.engine.small import CPU


def test_every_byte_is_normalised_as_torchvision_does_bit_for_bit() -> None:
    from torchvision import transforms  # here: every process collects this file

    recipe = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    values = torch.arange(256, dtype=torch.uint8)
    theirs = recipe(values.reshape(16, 16, 1).numpy()).flatten()
    ours = normalise(values.reshape(256, 1, 1, 1)).flatten()
    assert ours.dtype == theirs.dtype == torch.float32
    assert torch.equal(ours, theirs)
    assert (ours.min().item(), ours.max().item()) == (-1.0, 1.0)


def test_the_bytes_of_a_split_become_images_and_labels() -> None:
    split = cut(5)
    batches = Batches(split, CPU)
    assert len(batches) == 5
    assert batches.images.shape == (5, 1, 28, 28)
    assert batches.images.flatten().tolist() == list(split.images)
    assert batches.labels.tolist() == list(split.labels)
    assert batches.labels.dtype == torch.int64


def test_a_part_of_a_split() -> None:
    split = cut(10)
    part = Batches(split, CPU, 3, 7)
    assert len(part) == 4
    assert part.labels.tolist() == list(split.labels[3:7])
    assert part.images.flatten().tolist() == list(split.images[3 * 784 : 7 * 784])
    assert len(Batches(split, CPU, 3)) == 7


def test_images_are_gathered_with_their_own_labels() -> None:
    split = Split(b"".join(bytes([10 * i]) * 784 for i in range(10)), bytes(range(10)))
    batches = Batches(split, CPU)
    images, labels = batches.gather(torch.tensor([7, 0, 7, 3]))
    assert labels.tolist() == [7, 0, 7, 3]
    assert torch.equal(images[:, 0, 5, 5], normalise(torch.tensor([70, 0, 70, 30], dtype=torch.uint8)))
    images, labels = batches.slice(8, 500)
    assert labels.tolist() == [8, 9]
    assert torch.equal(images[:, 0, 0, 0], normalise(torch.tensor([80, 90], dtype=torch.uint8)))


def test_the_data_are_a_copy_that_training_cannot_spoil() -> None:
    split = cut(2)
    before = split.images
    Batches(split, CPU).images.zero_()
    assert split.images == before == cut(2).images


def test_an_order_sees_every_image_once() -> None:
    order = permutation(3, 1, 1000, CPU)
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() != list(range(1000))


def test_an_order_follows_from_seed_and_epoch_alone() -> None:
    before = torch.get_rng_state()
    first = permutation(3, 1, 100, CPU)
    torch.rand(1)
    assert torch.equal(permutation(3, 1, 100, CPU), first)
    torch.set_rng_state(before)
    others = [permutation(3, 2, 100, CPU), permutation(4, 1, 100, CPU), permutation(2**31 - 1, 10_000, 100, CPU)]
    assert not any(torch.equal(other, first) for other in others)
    assert torch.equal(torch.get_rng_state(), before)
