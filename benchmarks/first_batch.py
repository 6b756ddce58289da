"""Time from fork to the first trained batch of `mnist-tui train`, against the classic script in the same environment.

The script finds its data unpacked below a folder, as torchvision leaves it; ours inflates the files of the package.
Both start from compiled bytecode and an import cache that one unmeasured start has warmed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.children import environment, python
from benchmarks.measure import report, starts

SAME = ("--device", "cpu", "--precision", "fp32")
SCRIPT = """
from pathlib import Path
import sys
from benchmarks import classic_script
classic_script.lay_out = lambda root: None
classic_script.torch.save = lambda *_: None
print("trained", classic_script.train(1, 1, 0, 64, root=Path(sys.argv[1])).loader, flush=True)
"""


def seconds_to_line(command: Sequence[str], directory: Path, is_it: Callable[[str], bool]) -> float:
    """From fork to the line that `is_it`; the program is ended then.

    Raises:
        AssertionError: it ended without one.
    """
    more = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(directory / "bytecode")}
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=directory,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            found = any(is_it(line) for line in process.stdout)
            seconds = time.perf_counter() - began
        finally:
            process.kill()
    assert found, command
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        from benchmarks.classic_script import lay_out

        lay_out(Path(folder) / "unpacked")
        train = python("mnist_tui", "train", "--json", *SAME, "--runs-dir", Path(folder) / "runs")
        script = [sys.executable, "-c", SCRIPT, str(Path(folder) / "unpacked")]

        def ours(pair: int) -> float:
            return seconds_to_line(train, Path(folder), lambda line: '"BatchesTrained"' in line)

        def theirs(pair: int) -> float:
            return seconds_to_line(script, Path(folder), lambda line: line == "trained torchvision\n")

        read = starts(flags.pairs, ours, theirs, "the script")
    report(
        "fork to the first trained batch, `train`",
        "the classic script",
        "-",
        read,
    )


if __name__ == "__main__":
    main()
