"""CUDA kernels on the CPU: their source compiled as C++, the threads of a block as fibers that meet at barriers."""

import ctypes
import re
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mnist_tui.engine.cuda.compiler import source_of
from mnist_tui.engine.cuda.program import Argument, pack

HAS_COMPILER = shutil.which("g++") is not None

_BEFORE = """
#include <setjmp.h>
#include <ucontext.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>
using std::min; using std::max;
struct Three { int x, y, z; };
static Three threadIdx, blockIdx, blockDim, gridDim;
struct alignas(4) uchar4 { unsigned char x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
static jmp_buf outside; static jmp_buf* inside;  // unlike swapcontext, a jump asks the kernel for nothing
static void meet() { if (!_setjmp(*inside)) _longjmp(outside, 1); }
#define __global__
#define __device__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(n)
#define __align__(n) __attribute__((aligned(n)))
#define __syncthreads meet
#define __threadfence()
#define EMULATED
#include <cstring>
static float exchanged[1024][6];
static float __shfl_xor_sync(unsigned, float number, int other) {
  exchanged[threadIdx.x][0] = number; meet();
  float found = exchanged[threadIdx.x ^ other][0]; meet();
  return found;
}
static float rounded(float number) {  // half away from zero
  unsigned bits; memcpy(&bits, &number, 4);
  if (!EXACT && std::isfinite(number)) bits = (bits + 0x1000u) & 0xffffe000u;
  memcpy(&number, &bits, 4); return number;
}
static void multiply_add(float sums[4], const float left[4], const float right[2]) {
  float* mine = exchanged[threadIdx.x];
  for (int i = 0; i < 4; i++) mine[i] = left[i];
  for (int i = 0; i < 2; i++) mine[4 + i] = right[i];
  meet();
  int warp = threadIdx.x / 32 * 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 8; k++) {
      float *row = exchanged[warp + g * 4 + k % 4], *column = exchanged[warp + (t * 2 + i % 2) * 4 + k % 4];
      sums[i] += row[i / 2 + k / 4 * 2] * column[4 + k / 4];
    }
  meet();
}
static int atomicAdd(int* at, int by) { int was = *at; *at += by; return was; }
template <typename F> static void run(int x, int y, int z, int threads, F kernel) {
  static F* here; here = &kernel;
  static bool ended;
  const size_t size = 64 << 10;
  static std::vector<ucontext_t> fibers; fibers.resize(threads);
  static std::vector<jmp_buf> places(1024); std::vector<char> stacks(threads * size); std::vector<bool> over(threads);
  blockDim = {threads, 1, 1}; gridDim = {x, y, z};
  for (int block = 0; block < x * y * z; block++) {
    blockIdx = {block % x, block / x % y, block / x / y};
    std::fill(over.begin(), over.end(), false);
    for (int t = 0; t < threads; t++) {
      getcontext(&fibers[t]);
      fibers[t].uc_stack.ss_sp = &stacks[t * size]; fibers[t].uc_stack.ss_size = size; fibers[t].uc_link = 0;
      makecontext(&fibers[t], (void (*)())+[] { (*here)(); ended = true; _longjmp(outside, 1); }, 0);
    }
    static int left, t; static bool begun;
    for (left = threads, begun = false; left; begun = true)
      for (t = 0; t < threads; t++) {
        if (over[t]) continue;
        threadIdx = {t, 0, 0}; inside = &places[t]; ended = false;
        if (!_setjmp(outside)) { if (begun) _longjmp(*inside, 1); setcontext(&fibers[t]); }
        if (ended) { over[t] = true; left--; }
      }
  }
}
"""

_KERNEL = r'extern "C" __global__ void (?:__launch_bounds__\(.*?\) )?(\w+)\((.*?)\)\s*\{'


class Emulated:
    """The kernels of a source, for tensors on the CPU; slow, block after block.

    Tensor cores are given what is not rounded to TF32, unless `exact` is false: a rounding that makes another of two
    nearly equal numbers the maximum moves a gradient to another place.
    """

    def __init__(self, name: str, macros: Mapping[str, int], folder: Path, *, exact: bool = True) -> None:
        source = source_of(name).decode()
        text = _BEFORE + source + "\n".join(_trampolines(source))
        macros = {**macros, "EXACT": int(exact)}
        stem = "-".join([name, *map(str, macros.values())])
        (folder / f"{stem}.cpp").write_text(text)
        flags = [f"-D{macro}={value}" for macro, value in macros.items()]
        command = ["g++", "-std=c++17", "-O1", "-w", "-shared", "-fPIC", *flags, f"{stem}.cpp", "-o", f"{stem}.so"]
        subprocess.run(command, cwd=folder, check=True)
        self._library = ctypes.CDLL(str(folder / f"{stem}.so"))

    def launch(self, kernel: str, grid: tuple[int, int, int], threads: int, *arguments: Argument) -> None:
        values = pack(arguments)
        addresses = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        self._library[f"run_{kernel}"](addresses, *grid, threads)

    def beside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def join(self) -> None:
        """Everything was waited for."""


def _trampolines(source: str) -> list[str]:
    bare = re.sub(r"//[^\n]*", "", source)
    made = []
    for name, words in re.findall(_KERNEL, bare, re.DOTALL):
        types = [re.sub(r"\s*\w+$", "", word.strip()) for word in words.split(",")]
        given = ", ".join(f"*({kind}*)p[{number}]" for number, kind in enumerate(types))
        body = f"run(x, y, z, threads, [=] {{ {name}({given}); }});"
        made.append(f'extern "C" void run_{name}(void** p, int x, int y, int z, int threads) {{ {body} }}')
    return made
