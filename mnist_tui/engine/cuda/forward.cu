// From images to the loss.

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
    store(parts + ((size_t)blockIdx.x * n + sample) * HIDDEN + unit, HIDDEN, sums, 1.0f, n - sample, HIDDEN - unit);
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
        const float* part = parts + (size_t)sample * HIDDEN + unit;  // all of them may be more than 2^31
        const size_t step = (size_t)n * HIDDEN;
        float sum = bias1[unit];
#pragma unroll 49
        for (int slice = 0; slice < SLICES; slice++) sum += part[slice * step];
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
            float mean = norm - scores[label];
            if (smoothing > 0.0f) {  // else a class that is out of the question would make it no number
                float any = 0.0f;
                for (int k = 0; k < CLASSES; k++) any += norm - scores[k];
                mean = (1.0f - smoothing) * mean + smoothing / CLASSES * any;
            }
            losses[sample] = mean;
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
