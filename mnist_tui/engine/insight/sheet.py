"""A contact sheet: digits as a grid of pictures with a caption under each, as a PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from mnist_tui.core.errors import UserError
from mnist_tui.core.files import write_atomically
from mnist_tui.core.sheet import Caption
from mnist_tui.engine.network import SIDE
from mnist_tui.inspecting import Answer, SheetWritten, Working, WriteSheet

SCALE = 3
COLUMNS = 20

_PICTURE = SIDE * SCALE
_FRAME = 4  # around a picture, wrong or right, so that both stand in line
_GAP = 10
_LINE = 17
_SLICE = 40  # captions drawn in about 20 ms
_PAPER, _INK, _MUTED, _WRONG = (255, 255, 255), (20, 20, 24), (110, 110, 118), (200, 60, 0)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write_sheet(question: WriteSheet) -> Iterator[Answer | None]:
    """Answer `question`.

    Raises:
        UserError: the file cannot be written.
    """
    for part in draw_sheet(question.pixels, question.captions, question.heading):
        if isinstance(part, float):
            yield Working(question, part)
        else:
            save_sheet(Path(question.path), part)
            yield SheetWritten(question)


def save_sheet(path: Path, png: bytes) -> None:
    """Write the sheet in one piece.

    Raises:
        UserError: it cannot be written.
    """
    try:
        write_atomically(path, png)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def draw_sheet(pixels: bytes, captions: Sequence[Caption], heading: Sequence[str]) -> Iterator[float | bytes]:
    """Draw a sheet in slices: how much is done (0..1), at last the bytes of the PNG.

    A wrong digit has a frame, a cross in a corner and both classes in its caption; a right one has one class.

    Args:
        pixels: n * 784 uint8, in the order of `captions`.
        captions: of the n digits, n > 0.
        heading: lines above the grid.
    """
    from torchvision.utils import make_grid  # its import costs as much again as that of torch

    small, large = ImageFont.load_default(13), ImageFont.load_default(20)
    width = max(_PICTURE + 2 * _FRAME, *(_caption_width(caption, small) for caption in captions))
    cells: list[Tensor] = []
    for place, caption in enumerate(captions):
        picture = Image.frombytes("L", (SIDE, SIDE), pixels[place * SIDE * SIDE : (place + 1) * SIDE * SIDE])
        cells.append(_tensor(_draw_cell(picture, caption, width, small)))
        if place % _SLICE == _SLICE - 1:
            yield (place + 1) / len(captions)
    grid = make_grid(torch.stack(cells), nrow=_columns(len(cells)), padding=_GAP, pad_value=255)
    if len(cells) == 1:  # torchvision leaves the margin of a single picture out
        grid = torch.nn.functional.pad(grid, (_GAP,) * 4, value=255)
    yield 1.0
    body = Image.fromarray(grid.permute(1, 2, 0).contiguous().numpy())
    yield _png(_with_heading(body, heading, large, small))


def _columns(count: int) -> int:
    """So many that few digits make a block rather than a line."""
    return max(min(count, 8), min(COLUMNS, math.ceil(math.sqrt(1.5 * count))))


def _draw_cell(picture: Image.Image, caption: Caption, width: int, font: Font) -> Image.Image:
    cell = Image.new("RGB", (width, _PICTURE + 2 * _FRAME + 2 * _LINE + 4), _PAPER)
    draw = ImageDraw.Draw(cell)
    left = (width - _PICTURE) // 2
    if caption.wrong:
        outer = (left - _FRAME, 0, left + _PICTURE + _FRAME - 1, _PICTURE + 2 * _FRAME - 1)
        draw.rectangle(outer, fill=_WRONG)
    cell.paste(picture.resize((_PICTURE, _PICTURE), Image.Resampling.NEAREST), (left, _FRAME))
    if caption.wrong:
        _draw_cross(draw, left + _PICTURE + _FRAME - 17, 0)
    top = _PICTURE + 2 * _FRAME + 3
    _draw_verdict(draw, caption, width, top, font)
    draw.text((width / 2, top + _LINE), _second_line(caption), _MUTED, font, anchor="ma")
    return cell


def _draw_cross(draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
    draw.rectangle((left, top, left + 16, top + 16), fill=_WRONG)
    for start, end in (((4, 4), (12, 12)), ((4, 12), (12, 4))):
        draw.line([(left + start[0], top + start[1]), (left + end[0], top + end[1])], _PAPER, 3)


def _draw_verdict(draw: ImageDraw.ImageDraw, caption: Caption, width: int, top: int, font: Font) -> None:
    """The class, or `true → predicted`; Pillow's own font has no arrow, so it is drawn."""
    if not caption.wrong:
        draw.text((width / 2, top), caption.true, _INK, font, anchor="ma")
        return
    x = (width - _verdict_width(caption, font)) / 2
    draw.text((x, top), caption.true, _INK, font)
    x += font.getlength(caption.true) + 4
    y = top + 8
    draw.line([(x, y), (x + 10, y)], _WRONG, 1)
    draw.polygon([(x + 11, y), (x + 7, y - 3), (x + 7, y + 3)], _WRONG)
    draw.text((x + 16, top), caption.predicted, _WRONG, font)


def _verdict_width(caption: Caption, font: Font) -> float:
    if not caption.wrong:
        return font.getlength(caption.true)
    return font.getlength(caption.true) + 20 + font.getlength(caption.predicted)


def _second_line(caption: Caption) -> str:
    return f"{caption.percent}  #{caption.index}"


def _caption_width(caption: Caption, font: Font) -> int:
    return 2 + int(max(_verdict_width(caption, font), font.getlength(_second_line(caption))))


def _with_heading(body: Image.Image, heading: Sequence[str], large: Font, small: Font) -> Image.Image:
    fonts = [large, *[small] * (len(heading) - 1)]
    widths = [font.getlength(line) for font, line in zip(fonts, heading, strict=False)]
    top = 14 + 26 + 22 * (len(heading) - 1) if heading else 0
    sheet = Image.new("RGB", (max(body.width, 2 * _GAP + int(max(widths, default=0))), top + body.height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, (line, font) in enumerate(zip(heading, fonts, strict=False)):
        draw.text((_GAP, 14 + (8 if place else 0) + 22 * place), line, _MUTED if place else _INK, font)
    sheet.paste(body, (0, top))
    return sheet


def _tensor(picture: Image.Image) -> Tensor:
    flat = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return flat.reshape(picture.height, picture.width, 3).permute(2, 0, 1)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
