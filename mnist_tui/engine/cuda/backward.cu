// From the loss to every gradient.

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
