// One batch of the classic network, forwards and backwards, in float32: n images to n losses and every gradient. The
// second convolution multiplies in TF32, as torch has convolutions on GPUs do; sums are of float32 there too.
//
// Compiled when it is first needed, with C1, C2 and HIDDEN as macros: C1 a multiple of 8, C2 of 16. Arrays are of
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
#define TILE 64
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

// The first convolution with pooling and ReLU. Grid (n, C1 / 8), 196 threads: a window each.
extern "C" __global__ void __launch_bounds__(196) first(
    const float* images,  // (n, 28, 28)
    const float* weight, const float* bias,
    float* maps,          // (n, C1, 196)
    byte* places)         // the same
{
    __shared__ float image[30 * 32];
    __shared__ float weights[8 * 9];
    const int sample = blockIdx.x, channel = blockIdx.y * 8, window = threadIdx.x;
    for (int i = window; i < 30 * 32; i += 196) {
        const int y = i / 32 - 1, x = i % 32 - 1;
        const bool inside = y >= 0 && y < SIDE && x >= 0 && x < SIDE;
        image[i] = inside ? images[sample * SIDE * SIDE + y * SIDE + x] : 0.0f;
    }
    if (window < 8 * 9) weights[window] = weight[channel * 9 + window];
    __syncthreads();

    float patch[4][4];
#pragma unroll
    for (int i = 0; i < 16; i++) patch[i / 4][i % 4] = image[(window / 14 * 2 + i / 4) * 32 + window % 14 * 2 + i % 4];
#pragma unroll
    for (int c = 0; c < 8; c++) {
        float best = 0.0f;
        int place = 0;
#pragma unroll
        for (int at = 0; at < 4; at++) {
            float sum = 0.0f;
#pragma unroll
            for (int tap = 0; tap < 9; tap++)
                sum = fmaf(patch[at / 2 + tap / 3][at % 2 + tap % 3], weights[c * 9 + tap], sum);
            if (at == 0 || sum > best) {
                best = sum;
                place = at;
            }
        }
        best += bias[channel + c];
        const bool dead = best <= 0.0f;  // what is no number lives on
        const int to = (sample * C1 + channel + c) * MAPS + window;
        maps[to] = dead ? 0.0f : best;
        places[to] = dead ? DEAD : place;
    }
}

#define DEPTH (C1 % 16 ? 8 : 16)  // planes at a time

// The second convolution with pooling and ReLU. Grid (n, C2 / 16), 224 threads.
extern "C" __global__ void __launch_bounds__(224) second(
    const float* maps,  // (n, C1, 196)
    const float* weight, const float* bias,
    float* features,    // (n, C2, 49)
    byte* places)       // the same
{
    __shared__ float planes[DEPTH * PLANE], weights[9 * DEPTH * WIDE];
    const int sample = blockIdx.x, channel = blockIdx.y * CHANNELS, thread = threadIdx.x;
    for (int i = thread; i < DEPTH * PLANE; i += 224) planes[i] = 0.0f;
    float sums[2][2][4] = {};
    for (int from = 0; from < C1; from += DEPTH) {
        __syncthreads();
#pragma unroll 7
        for (int i = thread; i < DEPTH * MAPS; i += 224) {
            const int at = i % MAPS;
            planes[i / MAPS * PLANE + (at / 14 + 1) * 16 + at % 14 + 1] =
                rounded(maps[(sample * C1 + from) * MAPS + i]);
        }
#pragma unroll 4
        for (int i = thread; i < CHANNELS * 9 * DEPTH; i += 224) {
            const int k = i % DEPTH, tap = i / DEPTH % 9, c = i / DEPTH / 9;
            weights[(tap * DEPTH + k) * WIDE + c] = rounded(weight[((channel + c) * 9 + tap) * C1 + from + k]);
        }
        __syncthreads();
        convolve(sums, planes, weights, DEPTH);
    }
    // A thread has both rows of a column, for two channels; its neighbour has the other column of the windows. One makes
    // the maxima of the one channel, the other those of the other.
    const int row = thread / 32, g = thread % 32 / 4, t = thread % 4, odd = g % 2;
#pragma unroll
    for (int both = 0; both < 4; both++) {
        const float* mine = sums[both / 2][both % 2];
        const float above = __shfl_xor_sync(0xffffffff, odd ? mine[0] : mine[1], 4);
        const float below = __shfl_xor_sync(0xffffffff, odd ? mine[2] : mine[3], 4);
        const float window[4] = {odd ? above : mine[0], odd ? mine[1] : above, odd ? below : mine[2], odd ? mine[3] : below};
        if (both / 2 && g < 2) continue;  // the first half made these
        float best = window[0];
        int place = 0;
#pragma unroll
        for (int at = 1; at < 4; at++)
            if (window[at] > best) {
                best = window[at];
                place = at;
            }
        const int c = channel + both % 2 * 8 + t * 2 + odd;
        best += bias[c];
        const bool dead = best <= 0.0f;
        const int to = (sample * C2 + c) * WINDOWS + row * 7 + both / 2 * 3 + g / 2;
        features[to] = dead ? 0.0f : best;
        places[to] = dead ? DEAD : place;
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

// The products for the hidden layer, in SLICES parts along the features. Grid (SLICES, HIDDEN / 64, n / 64), 256 threads.
extern "C" __global__ void __launch_bounds__(256) hidden_parts(
    const float* features,  // (n, FEATURES)
    const float* weight,    // (HIDDEN, FEATURES)
    float* parts,           // (SLICES, n, HIDDEN)
    int n)
{
    __shared__ __align__(16) float left[TILE * PITCH], right[TILE * PITCH];
    const int from = blockIdx.x * TILE, unit = blockIdx.y * TILE, sample = blockIdx.z * TILE;
    load_tile(left, features + sample * FEATURES + from, 1, FEATURES, FEATURES - from, n - sample);
    load_tile(right, weight + unit * FEATURES + from, 1, FEATURES, FEATURES - from, HIDDEN - unit);
    __syncthreads();
    float sums[4][4] = {};
    multiply(sums, left, right);
    store(parts + (blockIdx.x * n + sample) * HIDDEN + unit, HIDDEN, sums, 1.0f, n - sample, HIDDEN - unit);
}

// Hidden outputs, logits, loss and what comes back to the hidden layer. Grid n, 128 threads.
//
// The block that is through last adds up the losses and the hits, in the order of the images.
extern "C" __global__ void __launch_bounds__(128) judge(
    const float* parts,       // (SLICES, n, HIDDEN)
    const float* bias1,
    const float* weight,      // (10, HIDDEN)
    const float* bias2,
    const float* mask,        // (n, HIDDEN) what dropout multiplies with, or nothing
    const long long* labels,  // (n) int64
    float* hidden,            // (n, HIDDEN)
    float* logits,            // (n, 10)
    float* of_hidden,         // (n, HIDDEN) the gradient before its ReLU
    float* of_logits,         // (n, 10)
    float* losses,            // (2, n): of each image, and 1 where its label has the highest logit
    float* loss,              // mean of them, in nats
    long long* hits,          // int64
    int* through,             // int32, 0 before and after
    float smoothing, int n)
{
    __shared__ float outputs[HIDDEN];
    __shared__ float shares[CLASSES * 8], scores[CLASSES], slopes[CLASSES];
    __shared__ float all[2][128];
    __shared__ int is_last;
    const int sample = blockIdx.x, t = threadIdx.x;
    for (int unit = t; unit < HIDDEN; unit += 128) {
        float sum = bias1[unit];
#pragma unroll 49
        for (int slice = 0; slice < SLICES; slice++) sum += parts[(slice * n + sample) * HIDDEN + unit];
        sum = sum <= 0.0f ? 0.0f : sum;
        if (mask) sum *= mask[sample * HIDDEN + unit];
        outputs[unit] = sum;
        hidden[sample * HIDDEN + unit] = sum;
    }
    __syncthreads();
    if (t < CLASSES * 8) {
        float sum = 0.0f;
        for (int unit = t % 8; unit < HIDDEN; unit += 8) sum = fmaf(outputs[unit], weight[t / 8 * HIDDEN + unit], sum);
        shares[t] = sum;
    }
    __syncthreads();
    if (t < CLASSES) {
        float sum = bias2[t];
        for (int i = 0; i < 8; i++) sum += shares[t * 8 + i];
        scores[t] = sum;
        logits[sample * CLASSES + t] = sum;
    }
    __syncthreads();
    const int label = (int)labels[sample];
    float highest = scores[0];
    int winner = 0;
    for (int k = 1; k < CLASSES; k++)
        if (scores[k] > highest) {
            highest = scores[k];
            winner = k;
        }
    if (t < CLASSES) {
        float total = 0.0f;
        for (int k = 0; k < CLASSES; k++) total += expf(scores[k] - highest);
        const float wanted = smoothing / CLASSES + (t == label ? 1.0f - smoothing : 0.0f);
        const float slope = (expf(scores[t] - highest) / total - wanted) / n;
        slopes[t] = slope;
        of_logits[sample * CLASSES + t] = slope;
        if (t == 0) {
            const float norm = highest + logf(total);
            float any = 0.0f;
            for (int k = 0; k < CLASSES; k++) any += norm - scores[k];
            losses[sample] = (1.0f - smoothing) * (norm - scores[label]) + smoothing / CLASSES * any;
            losses[n + sample] = winner == label;
        }
    }
    __syncthreads();
    for (int unit = t; unit < HIDDEN; unit += 128) {
        float sum = 0.0f;
        for (int k = 0; k < CLASSES; k++) sum = fmaf(slopes[k], weight[k * HIDDEN + unit], sum);
        if (mask) sum *= mask[sample * HIDDEN + unit];
        of_hidden[sample * HIDDEN + unit] = outputs[unit] == 0.0f ? 0.0f : sum;
    }

    __threadfence();
    __syncthreads();
    if (t == 0) is_last = atomicAdd(through, 1) == n - 1;
    __syncthreads();
    if (!is_last) return;
    __threadfence();
    for (int what = 0; what < 2; what++) {
        float sum = 0.0f;
        for (int i = t; i < n; i += 128) sum += ((volatile float*)losses)[what * n + i];
        all[what][t] = sum;
    }
    __syncthreads();
    for (int half = 64; half; half /= 2) {
        if (t < half) {
            all[0][t] += all[0][t + half];
            all[1][t] += all[1][t + half];
        }
        __syncthreads();
    }
    if (t == 0) {
        *loss = all[0][0] / n;
        *hits = (long long)all[1][0];
        *through = 0;
    }
}

// --------------------------------------------------------------------------------------------------- backwards

#define COLUMNS ((FEATURES + TILE - 1) / TILE)
#define UNITS ((HIDDEN + TILE - 1) / TILE)
#define STRIPS ((HIDDEN + 31) / 32)

// Gradients of the features and of both linear layers, times `upstream`. 256 threads; from `skipped` on, the blocks are
// COLUMNS x (n / 64) for the features, COLUMNS x UNITS for the hidden weights, 11 x STRIPS for the hidden bias and the
// output's weights, 1 for the output's bias.
extern "C" __global__ void __launch_bounds__(256) back_of_hidden(
    const float* upstream,      // 1
    const float* features,      // (n, FEATURES)
    const float* weight,        // (HIDDEN, FEATURES)
    const float* hidden,        // (n, HIDDEN)
    const float* of_hidden,     // (n, HIDDEN)
    const float* of_logits,     // (n, 10)
    float* of_features,         // (n, FEATURES)
    float* of_weight1, float* of_bias1, float* of_weight2, float* of_bias2, int n, int skipped)
{
    __shared__ __align__(16) float left[TILE * PITCH], right[TILE * PITCH];
    const float scale = *upstream;
    const int t = threadIdx.x, rows = (n + TILE - 1) / TILE;
    int block = blockIdx.x + skipped;
    float sums[4][4] = {};
    if (block < COLUMNS * rows) {
        const int column = block % COLUMNS * TILE, sample = block / COLUMNS * TILE;
        for (int unit = 0; unit < HIDDEN; unit += TILE) {
            __syncthreads();
            load_tile(left, of_hidden + sample * HIDDEN + unit, 1, HIDDEN, HIDDEN - unit, n - sample);
            load_tile(right, weight + unit * FEATURES + column, FEATURES, 1, HIDDEN - unit, FEATURES - column);
            __syncthreads();
            multiply(sums, left, right);
        }
        store(of_features + sample * FEATURES + column, FEATURES, sums, scale, n - sample, FEATURES - column);
        return;
    }
    block -= COLUMNS * rows;
    if (block < COLUMNS * UNITS) {
        const int column = block % COLUMNS * TILE, unit = block / COLUMNS * TILE;
        for (int sample = 0; sample < n; sample += TILE) {
            __syncthreads();
            load_tile(left, of_hidden + sample * HIDDEN + unit, HIDDEN, 1, n - sample, HIDDEN - unit);
            load_tile(right, features + sample * FEATURES + column, FEATURES, 1, n - sample, FEATURES - column);
            __syncthreads();
            multiply(sums, left, right);
        }
        store(of_weight1 + unit * FEATURES + column, FEATURES, sums, scale, HIDDEN - unit, FEATURES - column);
        return;
    }
    block -= COLUMNS * UNITS;
    float sum = 0.0f;
    if (block < (CLASSES + 1) * STRIPS) {
        const int row = block / STRIPS, unit = block % STRIPS * 32 + t % 32;
        if (unit < HIDDEN)
            for (int i = t / 32; i < n; i += 8)
                sum += row == CLASSES ? of_hidden[i * HIDDEN + unit]
                                      : of_logits[i * CLASSES + row] * hidden[i * HIDDEN + unit];
        left[t] = sum;
        __syncthreads();
        if (t >= 32 || unit >= HIDDEN) return;
        for (int i = 1; i < 8; i++) sum += left[i * 32 + t];
        *(row == CLASSES ? of_bias1 + unit : of_weight2 + row * HIDDEN + unit) = sum * scale;
        return;
    }
    if (t < 250)
        for (int i = t / CLASSES; i < n; i += 25) sum += of_logits[i * CLASSES + t % CLASSES];
    left[t] = sum;
    __syncthreads();
    if (t >= CLASSES) return;
    for (int i = 1; i < 25; i++) sum += left[i * CLASSES + t];
    of_bias2[t] = sum * scale;
}

#define CUTS 2              // parts that the channels of the second convolution are cut into
#define CUT (C2 / CUTS)
#define INNER (C1 % 16 ? 8 : 16)  // channels of the first that a block makes

#define STEP (CUT % 16 ? 8 : 16)  // planes at a time

// Gradient of the first maps, in CUTS parts. Grid (n, C1 / INNER, CUTS), 224 threads.
extern "C" __global__ void __launch_bounds__(224) back_of_second(
    const float* of_features,  // (n, C2, 49)
    const byte* places,
    const float* weight,
    float* parts,              // (CUTS, n, C1, 196)
    int n)
{
    __shared__ float planes[STEP * PLANE], weights[9 * STEP * WIDE];
    const int sample = blockIdx.x, channel = blockIdx.y * INNER, thread = threadIdx.x;
    for (int i = thread; i < STEP * PLANE; i += 224) planes[i] = 0.0f;
    float sums[2][2][4] = {};
    for (int from = blockIdx.z * CUT; from < (blockIdx.z + 1) * CUT; from += STEP) {
        __syncthreads();
#pragma unroll 4
        for (int i = thread; i < STEP * WINDOWS; i += 224) {
            const int at = (sample * C2 + from) * WINDOWS + i, place = places[at], window = i % WINDOWS;
            float* to = planes + i / WINDOWS * PLANE + (window / 7 * 2 + 1) * 16 + window % 7 * 2 + 1;
            const float gradient = rounded(of_features[at]);
            to[0] = place == 0 ? gradient : 0.0f;
            to[1] = place == 1 ? gradient : 0.0f;
            to[16] = place == 2 ? gradient : 0.0f;
            to[17] = place == 3 ? gradient : 0.0f;
        }
#pragma unroll 4
        for (int i = thread; i < STEP * 9 * CHANNELS; i += 224) {
            const int c = i % CHANNELS, tap = i / CHANNELS % 9, k = i / CHANNELS / 9;
            weights[(tap * STEP + k) * WIDE + c] =
                c < INNER ? rounded(weight[((from + k) * 9 + 8 - tap) * C1 + channel + c]) : 0.0f;
        }
        __syncthreads();
        convolve(sums, planes, weights, STEP);
    }
    const int row = thread / 32 * 2, g = thread % 32 / 4, t = thread % 4;
#pragma unroll
    for (int i = 0; i < 16; i++) {
        const int half = i / 8, c = i / 4 % 2 * 8 + t * 2 + i % 2;
        if (c >= INNER || (half && g < 2)) continue;  // the first half made these
        const int at = (row + i % 4 / 2) * 14 + half * 6 + g;
        parts[((blockIdx.z * n + sample) * C1 + channel + c) * MAPS + at] = sums[half][i / 4 % 2][i % 4];
    }
}

#define SHEET 260    // of the maps here: framed, and four more, so that a warp's reads meet in no bank
#define STRETCH 228  // of the gradients: 14 rows of 16, and four

// Gradient of the second convolution's weights and bias, of `images` images each.
// Grid (n / images, C2 / 16, C1 / 32), 288 threads: a place of the 3 x 3 weights a warp.
extern "C" __global__ void __launch_bounds__(288) weights_of_second(
    const float* maps,         // (n, C1, 196)
    const float* of_features,  // (n, C2, 49)
    const byte* places,
    float* parts,              // (n / images, 9 C1 C2 + C2)
    int images, int n)
{
    __shared__ float sheets[32 * SHEET], stretches[16 * STRETCH];
    const int thread = threadIdx.x, tap = thread / 32, g = thread % 32 / 4, t = thread % 4;
    const int channel = blockIdx.z * 32, out = blockIdx.y * 16, last = min(n, (int)(blockIdx.x + 1) * images);
    for (int i = thread; i < 32 * SHEET; i += 288) sheets[i] = 0.0f;
    for (int i = thread; i < 16 * STRETCH; i += 288) stretches[i] = 0.0f;
    float sums[4][4] = {}, bias = 0.0f;
    for (int sample = blockIdx.x * images; sample < last; sample++) {
        __syncthreads();
        const int inputs = min(32, C1 - channel) * MAPS;
#pragma unroll 8
        for (int i = thread; i < inputs; i += 288) {
            const int at = i % MAPS;
            sheets[i / MAPS * SHEET + (at / 14 + 1) * 16 + at % 14 + 1] =
                rounded(maps[(sample * C1 + channel) * MAPS + i]);
        }
#pragma unroll
        for (int i = 0; i < 3; i++) {
            const int window = thread % 18 + i * 18, from = (sample * C2 + out + thread / 18) * WINDOWS + window;
            if (window >= WINDOWS) break;
            const int place = places[from];
            const float gradient = place == DEAD ? 0.0f : of_features[from], taken = rounded(gradient);
            float* to = stretches + thread / 18 * STRETCH + window / 7 * 32 + window % 7 * 2;
            bias += gradient;
            to[0] = place == 0 ? taken : 0.0f;
            to[1] = place == 1 ? taken : 0.0f;
            to[16] = place == 2 ? taken : 0.0f;
            to[17] = place == 3 ? taken : 0.0f;
        }
        __syncthreads();
        const float *row = stretches + g * STRETCH + t, *column = sheets + g * SHEET + tap / 3 * 16 + tap % 3 + t;
#pragma unroll 4
        for (int at = 0; at < 14 * 16; at += 8) {
            const float left[4] = {row[at], row[at + 8 * STRETCH], row[at + 4], row[at + 8 * STRETCH + 4]};
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const float right[2] = {column[i * 8 * SHEET + at], column[i * 8 * SHEET + at + 4]};
                multiply_add(sums[i], left, right);
            }
        }
    }
    float* part = parts + blockIdx.x * (9 * C1 * C2 + C2);
#pragma unroll
    for (int i = 0; i < 16; i++) {
        const int in = channel + i / 4 * 8 + t * 2 + i % 2, to = out + g + i % 4 / 2 * 8;
        if (in < C1) part[(to * 9 + tap) * C1 + in] = sums[i / 4][i % 4];
    }
    if (channel) return;
    __syncthreads();
    sheets[thread] = bias;
    __syncthreads();
    if (thread >= 16) return;
    bias = 0.0f;
    for (int i = 0; i < 18; i++) bias += sheets[thread * 18 + i];
    part[9 * C1 * C2 + out + thread] = bias;
}

// Gradient of the first convolution's weights and bias, of an image each. Grid (n, C1 / 8), 256 threads: a channel a warp.
extern "C" __global__ void __launch_bounds__(256) weights_of_first(
    const float* images, const byte* places,
    const float* of_maps,  // (CUTS, n, C1, 196)
    float* parts,          // (n, C1, 10): nine taps and the bias
    int n)
{
    __shared__ float image[30 * 32];
    __shared__ float shares[8][10][33];
    const int sample = blockIdx.x, t = threadIdx.x, lane = t % 32, warp = t / 32, channel = blockIdx.y * 8 + warp;
    for (int i = t; i < 30 * 32; i += 256) {
        const int y = i / 32 - 1, x = i % 32 - 1;
        const bool inside = y >= 0 && y < SIDE && x >= 0 && x < SIDE;
        image[i] = inside ? images[sample * SIDE * SIDE + y * SIDE + x] : 0.0f;
    }
    __syncthreads();
    float sums[10] = {};
    for (int at = lane; at < MAPS; at += 32) {
        const int from = (sample * C1 + channel) * MAPS + at, place = places[from];
        if (place == DEAD) continue;
        float gradient = 0.0f;
        for (int cut = 0; cut < CUTS; cut++) gradient += of_maps[cut * n * C1 * MAPS + from];
        const float* patch = image + (at / 14 * 2 + place / 2) * 32 + at % 14 * 2 + place % 2;
#pragma unroll
        for (int tap = 0; tap < 9; tap++) sums[tap] = fmaf(gradient, patch[tap / 3 * 32 + tap % 3], sums[tap]);
        sums[9] += gradient;
    }
    for (int i = 0; i < 10; i++) shares[warp][i][lane] = sums[i];
    __syncthreads();
    if (t >= 80) return;
    float sum = 0.0f;
    for (int i = 0; i < 32; i++) sum += shares[t / 10][t % 10][i];
    parts[(sample * C1 + blockIdx.y * 8) * 10 + t] = sum;
}

#define OF_SECOND (9 * C1 * C2 + C2)
#define OF_FIRST (10 * C1)

// Add up the parts of both convolutions' gradients. A grid of (OF_SECOND + 8 OF_FIRST) / 256 blocks of 256 threads: one
// for a number of the second, eight for one of the first, whose parts are many.
extern "C" __global__ void __launch_bounds__(256) add_up(
    const float* parts2,  // (count2, OF_SECOND)
    const float* parts1,  // (count1, OF_FIRST)
    float* of_weight2, float* of_bias2, float* of_weight1, float* of_bias1, int count2, int count1)
{
    __shared__ float shares[256];
    const int blocks2 = (OF_SECOND + 255) / 256, t = threadIdx.x;
    float sum = 0.0f;
    if (blockIdx.x < blocks2) {
        const int at = blockIdx.x * 256 + t;
        if (at >= OF_SECOND) return;
#pragma unroll 8
        for (int i = 0; i < count2; i++) sum += parts2[i * OF_SECOND + at];
        *(at < 9 * C1 * C2 ? of_weight2 + at : of_bias2 + at - 9 * C1 * C2) = sum;
        return;
    }
    const int at = (blockIdx.x - blocks2) * 32 + t % 32;
    if (at < OF_FIRST)
        for (int i = t / 32; i < count1; i += 8) sum += parts1[i * OF_FIRST + at];
    shares[t] = sum;
    __syncthreads();
    if (t >= 32 || at >= OF_FIRST) return;
    for (int i = 1; i < 8; i++) sum += shares[i * 32 + t];
    *(at % 10 < 9 ? of_weight1 + at / 10 * 9 + at % 10 : of_bias1 + at / 10) = sum;
}
