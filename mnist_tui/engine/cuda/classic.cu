// One batch of the classic network, forwards and backwards, in float32: n images to n losses and every gradient. The
// second convolution multiplies in TF32, as torch has convolutions on GPUs do; sums are of float32 there too.
//
// Compiled when it is first needed, with macros: C1 is a multiple of 8, C2 of 16; TILE is 64, and CUTS the parts that the
// channels of the second convolution are cut into on the way back. `forward.cu` and `backward.cu` follow. Arrays are of
// float32 where nothing else is said, and their last index is the fastest. Convolutions' weights are channels-last:
// of the first (C1, 9), of the second (C2, 9, C1). Sums are always taken in the same order, so numbers are repeatable.
//
// Of a gradient that comes back through max-pooling and ReLU at least three numbers in four are zero. What is kept of a
// maximum is its place in its window, 0 to 3, or DEAD where the ReLU lets nothing through.

#define SIDE 28
#define MAPS 196     // 14 x 14: outputs of a channel of the first convolution, pooled
#define WINDOWS 49   // 7 x 7: of the second
#define FEATURES (C2 * WINDOWS)
#define DEAD 4
#define CLASSES 10
#define PITCH 68     // of a tile's rows: whole float4, and columns in different banks
#define SLICES ((FEATURES + TILE - 1) / TILE)
#define PLANE 264    // of a framed map of 16 x 16; eight more, so that a warp's reads meet in no bank
#define CHANNELS 16  // outputs that a block of `convolve` makes
#define WIDE 24      // between the weights of two inputs, for the same reason

typedef unsigned char byte;

// --------------------------------------------------------------------------------------------- tensor cores (sm_80)

#ifndef EMULATED
// The nearest number that has ten bits after the point, as tensor cores take float32: TF32.
__device__ __forceinline__ float rounded(float number)
{
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(number));
    return __uint_as_float(bits);
}

// Add to `sums` the product of a 16 x 8 and an 8 x 8 matrix of TF32, by a warp (PTX, "mma.m16n8k8"). With g = lane / 4
// and t = lane % 4 a thread has (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4) of the left one, (t, g), (t + 4, g) of the
// right one, and (g, 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1) of the sums.
__device__ __forceinline__ void multiply_add(float sums[4], const float left[4], const float right[2])
{
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(__float_as_uint(left[0])), "r"(__float_as_uint(left[1])), "r"(__float_as_uint(left[2])),
          "r"(__float_as_uint(left[3])), "r"(__float_as_uint(right[0])), "r"(__float_as_uint(right[1])));
}
#endif

// ------------------------------------------------------------------------------------------ both convolutions

// Add to `sums` what `depth` planes give, a multiple of 8: warp w makes rows 2 w and 2 w + 1, once columns 0 to 7 and once
// 6 to 13, of twice 8 channels. `weights` is (9, depth, WIDE).
__device__ __forceinline__ void convolve(float sums[2][2][4], const float* planes, const float* weights, int depth)
{
    const int row = threadIdx.x / 32 * 2, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    for (int k = t; k < depth; k += 8) {
#pragma unroll
        for (int tap = 0; tap < 9; tap++) {
            const float* at = planes + k * PLANE + (row + tap / 3) * 16 + tap % 3 + g;
            const float* weight = weights + (tap * depth + k) * WIDE + g;
            float left[2][4], right[2][2];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                left[half][0] = at[half * 6];
                left[half][1] = at[half * 6 + 16];
                left[half][2] = at[half * 6 + 4 * PLANE];
                left[half][3] = at[half * 6 + 4 * PLANE + 16];
                right[half][0] = weight[half * 8];
                right[half][1] = weight[half * 8 + 4 * WIDE];
            }
#pragma unroll
            for (int both = 0; both < 4; both++) multiply_add(sums[both / 2][both % 2], left[both / 2], right[both % 2]);
        }
    }
}

// ------------------------------------------------------------------------------------------- products of matrices

// Fill `tile` (64 k, PITCH) with (depth, width) numbers, element (k, m) of `from` being k_step and m_step apart; what is
// beyond is zero. 256 threads, along what is contiguous.
__device__ __forceinline__ void load_tile(float* tile, const float* from, int k_step, int m_step, int depth, int width)
{
    float kept[TILE * TILE / 256];  // all are read before one is waited for
#pragma unroll
    for (int i = 0; i < TILE * TILE / 256; i++) {
        const int at = threadIdx.x + i * 256;
        const int k = k_step == 1 ? at % TILE : at / TILE, m = k_step == 1 ? at / TILE : at % TILE;
        kept[i] = k < depth && m < width ? from[k * k_step + m * m_step] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < TILE * TILE / 256; i++) {
        const int at = threadIdx.x + i * 256;
        const int k = k_step == 1 ? at % TILE : at / TILE, m = k_step == 1 ? at / TILE : at % TILE;
        tile[k * PITCH + m] = kept[i];
    }
}

// Add to `sums` the 4 x 4 of this thread in the product of two tiles; 256 threads as 16 x 16.
__device__ __forceinline__ void multiply(float sums[4][4], const float* left, const float* right)
{
    const float *rows = left + threadIdx.x / 16 * 4, *columns = right + threadIdx.x % 16 * 4;
#pragma unroll 8
    for (int k = 0; k < TILE; k++) {
        const float4 a = *(const float4*)(rows + k * PITCH), b = *(const float4*)(columns + k * PITCH);
        const float row[4] = {a.x, a.y, a.z, a.w}, column[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < 16; i++) sums[i / 4][i % 4] = fmaf(row[i / 4], column[i % 4], sums[i / 4][i % 4]);
    }
}

// Write the 4 x 4 of this thread, times `scale`, where it lies within (rows, columns).
__device__ __forceinline__ void store(float* to, int pitch, const float sums[4][4], float scale, int rows, int columns)
{
#pragma unroll
    for (int i = 0; i < 16; i++) {
        const int row = threadIdx.x / 16 * 4 + i / 4, column = threadIdx.x % 16 * 4 + i % 4;
        if (row < rows && column < columns) to[row * pitch + column] = sums[i / 4][i % 4] * scale;
    }
}
