// What stands before and after a batch: its images and its learning rate, by the device's own counter; its loss and hits.

typedef unsigned char byte;

// Images as the network takes them, labels, and the learning rate of the batch that `slot` counts. Grid n, 196 threads:
// four pixels each. The numbers are those of `ToTensor` and `Normalize((0.5,), (0.5,))`.
extern "C" __global__ void __launch_bounds__(196) take(
    const byte* images,        // (all, 784) uint8
    const long long* labels,   // (all) int64
    const long long* indices,  // (batches, size) int64
    const float* rates,        // (batches)
    const long long* slot,
    float* taken,              // (n, 784)
    long long* taken_labels,   // (n) int64
    float* rate, int size)
{
    const long long which = indices[*slot * size + blockIdx.x];
    const uchar4 pixels = ((const uchar4*)(images + which * 784))[threadIdx.x];
    float4 values;
    values.x = (pixels.x / 255.0f - 0.5f) / 0.5f;
    values.y = (pixels.y / 255.0f - 0.5f) / 0.5f;
    values.z = (pixels.z / 255.0f - 0.5f) / 0.5f;
    values.w = (pixels.w / 255.0f - 0.5f) / 0.5f;
    ((float4*)(taken + blockIdx.x * 784))[threadIdx.x] = values;
    if (threadIdx.x) return;
    taken_labels[blockIdx.x] = labels[which];
    if (blockIdx.x == 0) *rate = rates[*slot];
}

// Keep what the batch came to, and count it. One thread.
extern "C" __global__ void __launch_bounds__(1) note(
    const float* loss, const long long* hits, float* losses, long long* correct, long long* slot)
{
    losses[*slot] = *loss;
    correct[*slot] = *hits;
    ++*slot;
}
