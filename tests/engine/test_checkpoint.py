import io
import json
import os
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_tui.core.errors import ModelFileError
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.checkpoint import FORMAT, VERSION, load_model, save_checkpoint, save_weights
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.engine.optimizers import make_optimizer
from tests.engine.small import network


def torch_bytes(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def weights(**changes: Any) -> dict[str, Any]:
    """The state_dict of the tiny network, with tensors replaced; dots are written as `__`."""
    return {**network().state_dict(), **{name.replace("__", "."): value for name, value in changes.items()}}


def checkpoint(**changes: Any) -> bytes:
    return torch_bytes({"format": FORMAT, "version": VERSION, "model": weights(), **changes})


GOOD = torch_bytes(weights())


class Bomb:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch exploded",)


def bit_flipped(member: str) -> bytes:
    data = bytearray(GOOD)
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        info = next(info for info in archive.infolist() if info.filename.endswith(member))
        inside = archive.read(info)
    data[GOOD.index(inside[:64], info.header_offset)] ^= 4
    return bytes(data)


def plain_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "hello")
    return buffer.getvalue()


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "text": (b"hello world\n", "not a file written by torch.save"),
    "json": (json.dumps({"conv1.weight": [1.0]}).encode(), "not a file written by torch.save"),
    "random bytes": (random.Random(0).randbytes(5000), "not a file written by torch.save"),
    "zeros": (bytes(5000), "not a file written by torch.save"),
    "raw pickle": (pickle.dumps({"a": 1}), "not a file written by torch.save"),
    "raw bomb": (pickle.dumps(Bomb()), "not a file written by torch.save"),
    "bomb in an archive": (torch_bytes({"model": Bomb()}), "torch cannot read it safely"),
    "whole model": (torch_bytes(network()), "torch cannot read it safely"),
    "numpy arrays": (torch_bytes({"conv1.weight": np.zeros(3)}), "torch cannot read it safely"),
    "path": (torch_bytes({"format": Path("x")}), "torch cannot read it safely"),
    "dataclass": (torch_bytes({"format": Hyperparameters()}), "torch cannot read it safely"),
    "half": (GOOD[: len(GOOD) // 2], "the archive is damaged"),
    "one byte short": (GOOD[:-1], "the archive is damaged"),
    "header only": (GOOD[:4], "the archive is damaged"),
    "plain zip": (plain_zip(), "torch cannot read it safely"),
    "flipped pickle": (bit_flipped("data.pkl"), "data.pkl is damaged"),
    "flipped tensor": (bit_flipped("data/4"), "data/4 is damaged"),
    "list": (torch_bytes([1, 2]), "holds a list, not weights"),
    "tensor": (torch_bytes(torch.zeros(3)), "holds a Tensor, not weights"),
    "numbers as keys": (torch_bytes({1: 2}), "has no tensor 'conv1.weight'"),
    "nothing in it": (torch_bytes({}), "has no tensor 'conv1.weight'"),
    "extra tensor": (torch_bytes(weights(conv3__weight=torch.zeros(1))), "holds 'conv3.weight'"),
    "other shape": (torch_bytes(weights(fc2__weight=torch.zeros(26, 3))), "fc2.weight has shape"),
    "list for tensor": (torch_bytes(weights(fc2__bias=[0.0] * 10)), "has no tensor 'fc2.bias'"),
    "nan": (torch_bytes(weights(fc2__bias=torch.full((10,), torch.nan))), "fc2.bias has values that are not finite"),
    "inf": (torch_bytes(weights(fc2__bias=torch.full((10,), -torch.inf))), "fc2.bias has values that are not finite"),
    "sparse": (torch_bytes(weights(fc2__bias=torch.ones(10).to_sparse())), "fc2.bias"),
    "complex": (torch_bytes(weights(fc2__bias=torch.ones(10) * 1j)), "fc2.bias"),
    "no width": (
        torch_bytes(
            weights(
                conv1__weight=torch.zeros(0, 1, 3, 3), conv1__bias=torch.zeros(0), conv2__weight=torch.zeros(2, 0, 3, 3)
            )
        ),
        "holds an empty tensor",
    ),
    "other format": (torch_bytes({"format": "lightning", "model": weights()}), "its format is 'lightning'"),
    "tensor as format": (torch_bytes({"format": torch.zeros(3), "model": weights()}), "its format is"),
    "other version": (checkpoint(version=99), "another version of mnist-tui .file version 99"),
    "tensor as version": (checkpoint(version=torch.ones(2)), "another version of mnist-tui"),
    "no weights": (checkpoint(model=None), "holds no weights"),
    "weights of another": (checkpoint(model={"a": torch.zeros(1)}), "has no tensor 'conv1.weight'"),
}


def assert_one_sentence(error: ModelFileError, path: Path) -> None:
    sentence = str(error)
    assert str(path) in sentence
    assert len(sentence.splitlines()) == 1
    assert "weights_only" not in sentence
    assert "arbitrary code" not in sentence


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_sentence(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content, reason = BAD[case]
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=reason) as caught:
        load_model(path)
    assert_one_sentence(caught.value, path)
    assert not Path("exploded").exists()


def test_a_folder_and_a_missing_file_are_one_sentence(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "is a folder without a model"), (tmp_path / "a", "cannot read .* No such file")):
        with pytest.raises(ModelFileError, match=reason) as caught:
            load_model(path)
        assert_one_sentence(caught.value, path)


def test_too_old_a_torch_file_says_so(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(ModelFileError, match=r"torch.save \(1.6 or later\)"):
        load_model(tmp_path / "old.pth")


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes, like_zip: bool) -> None:
    path = scratch(tmp_path_factory)
    path.write_bytes(b"PK\x03\x04" + content if like_zip else content)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert_one_sentence(caught.value, path)


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)), min_size=1, max_size=3),
    st.integers(0, len(GOOD)) | st.just(0),
)
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_a_sentence_or_the_same_weights(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], cut_off: int
) -> None:
    check_damage(scratch(tmp_path_factory), flips, cut_off)


def test_damage_all_over_the_archives_directory_is_a_sentence_or_the_same_weights(tmp_path: Path) -> None:
    end = GOOD.index(b"PK\x01\x02")
    for position in range(end, len(GOOD), 3):
        check_damage(tmp_path / "model.pth", [(position, 8)], 0)


def check_damage(path: Path, flips: list[tuple[int, int]], cut_off: int) -> None:
    data = bytearray(GOOD)
    for position, mask in flips:
        data[position] ^= mask
    path.write_bytes(data[: len(data) - cut_off])
    try:
        model, _ = load_model(path)
    except ModelFileError as error:
        assert_one_sentence(error, path)
    else:
        for name, tensor in network().state_dict().items():
            assert torch.equal(model.state_dict()[name], tensor), name


def scratch(factory: pytest.TempPathFactory) -> Path:
    return factory.getbasetemp() / "scratch.pth"


# --- good files


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_checkpoint_comes_back_whole(tmp_path: Path, name: str) -> None:
    model = network(Architecture(3, 5, 7), seed=4)
    optimizer = make_optimizer(model.parameters(), Hyperparameters(optimizer=name))
    model(torch.rand(2, 1, 28, 28)).sum().backward()
    optimizer.step()
    path = tmp_path / "last.pt"
    facts = {"run": "mine", "step": 7, "hyperparameters": {"learning_rate": 0.5}}
    random_state = torch.get_rng_state()
    save_checkpoint(path, model, optimizer, facts)
    loaded, told = load_model(path)
    assert told == {"format": FORMAT, "version": VERSION, **facts}
    assert not loaded.training
    assert loaded.architecture == model.architecture
    for key, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor)
    content = torch.load(path, weights_only=True)
    assert torch.equal(content["rng"]["cpu"], random_state)
    make_optimizer(loaded.parameters(), Hyperparameters(optimizer=name)).load_state_dict(content["optimizer"])


def test_plain_weights_are_what_the_classic_script_saves(tmp_path: Path) -> None:
    model = network()
    save_weights(tmp_path / "cnn_model.pth", model)
    content = torch.load(tmp_path / "cnn_model.pth", weights_only=True)
    assert list(content) == list(model.state_dict())
    assert all(tensor.is_contiguous() for tensor in content.values())
    loaded, facts = load_model(tmp_path / "cnn_model.pth")
    assert facts == {}
    assert loaded.architecture == model.architecture


def test_a_file_of_the_classic_script_loads(tmp_path: Path) -> None:
    model = CNN()
    torch.save(model.state_dict(), tmp_path / "a.pth")
    loaded, _ = load_model(tmp_path / "a.pth")
    images = torch.rand(4, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(loaded(images), model.eval()(images))


def test_wider_numbers_become_float32(tmp_path: Path) -> None:
    torch.save({name: tensor.double() for name, tensor in weights().items()}, tmp_path / "a.pth")
    loaded, _ = load_model(tmp_path / "a.pth")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


def test_a_failing_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pth"
    save_weights(path, network())
    before = path.read_bytes()

    def fail(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        save_weights(path, network(seed=1))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
