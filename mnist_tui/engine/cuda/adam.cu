// One step of Adam or AdamW over all weights, in float32: Kingma and Ba (2014), Loshchilov and Hutter (2017).
//
// MOST is how many tensors there may be, BLOCK how many numbers a block takes, a multiple of 256. torch's fused kernel gives 65 536 numbers to a block, which leaves most of a
// GPU idle on networks of this size: 55 us for 421 642 weights on an H200.

struct Tensors {
    float* weights[MOST];
    const float* gradients[MOST];
    float* firsts[MOST];   // moving averages of the gradient
    float* seconds[MOST];  // and of its square
    int ends[MOST];        // up to which block each tensor reaches
    int sizes[MOST];
};

// A grid of as many blocks of 256 threads as `tensors` end at, each for BLOCK numbers of one tensor. The corrections
// 1 - beta^steps are -expm1(steps log(beta)), exact in float32 also after the first steps; `rest` is 1 - beta2.
extern "C" __global__ void __launch_bounds__(256) adam(
    const Tensors tensors, const float* steps, const float* rate, float beta1, float beta2, float rest, float log1,
    float log2, float decay, float eps, int decoupled)
{
    const float step_size = *rate / -expm1f(*steps * log1), root = sqrtf(-expm1f(*steps * log2));
    const float shrink = 1.0f - *rate * decay;
    int which = 0;
    while ((int)blockIdx.x >= tensors.ends[which]) which++;
    const int first = (blockIdx.x - (which ? tensors.ends[which - 1] : 0)) * BLOCK + threadIdx.x;
    const int size = tensors.sizes[which];
    float *weights = tensors.weights[which], *firsts = tensors.firsts[which], *seconds = tensors.seconds[which];
    const float* gradients = tensors.gradients[which];
    float weight[BLOCK / 256], gradient[BLOCK / 256], m[BLOCK / 256], v[BLOCK / 256];
#pragma unroll
    for (int part = 0; part < BLOCK / 256; part++) {  // all are read before one is waited for
        const int i = first + part * 256;
        if (i >= size) break;
        weight[part] = weights[i];
        gradient[part] = gradients[i];
        m[part] = firsts[i];
        v[part] = seconds[i];
    }
#pragma unroll
    for (int part = 0; part < BLOCK / 256; part++) {
        const int i = first + part * 256;
        if (i >= size) break;
        const float pulled = decoupled ? gradient[part] : fmaf(decay, weight[part], gradient[part]);
        const float from = decoupled ? weight[part] * shrink : weight[part];
        const float first_moment = fmaf(beta1, m[part] - pulled, pulled);
        const float second_moment = beta2 * v[part] + rest * pulled * pulled;
        firsts[i] = first_moment;
        seconds[i] = second_moment;
        weights[i] = from - step_size * first_moment / (sqrtf(second_moment) / root + eps);
    }
}
