/* The small networks of the policies: products, attention and normalisation, every sum in one fixed order.
 *
 * A row's result depends on that row alone, not on how many there are, and on no instruction set: vectors run across
 * outputs, never along a sum. reference.py has the same operations in the same order.
 */
#include "brush.h"
#include "clones.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

enum { LANES = 8 };

HB_INLINE v8f load(const float *from)
{
    v8f value;
    memcpy(&value, from, sizeof value);
    return value;
}

HB_INLINE void store(float *to, v8f value) { memcpy(to, &value, sizeof value); }

HB_INLINE v8f positive(v8f value)
{
    return (v8f)((v8i)value & (value > 0.0f));
}

/* A tile of `across` vectors of outputs for `down` rows; both are constants where it is called, so the sums stay in
 * registers: eight of them at a time keep an adder busy. */
HB_INLINE void tile(const float *x, int64_t inputs, const float *weight, int64_t pitch, const float *bias, float *out,
                    int64_t out_pitch, int down, int across, int rectified)
{
    v8f sum[8];
#pragma GCC unroll 8
    for (int r = 0; r < down; r++)
#pragma GCC unroll 8
        for (int c = 0; c < across; c++)
            sum[r * across + c] = load(bias + LANES * c);
    for (int64_t k = 0; k < inputs; k++) {
        v8f along[8];
#pragma GCC unroll 8
        for (int c = 0; c < across; c++)
            along[c] = load(weight + k * pitch + LANES * c);
#pragma GCC unroll 8
        for (int r = 0; r < down; r++)
#pragma GCC unroll 8
            for (int c = 0; c < across; c++)
                sum[r * across + c] += x[r * inputs + k] * along[c];
    }
#pragma GCC unroll 8
    for (int r = 0; r < down; r++)
#pragma GCC unroll 8
        for (int c = 0; c < across; c++)
            store(out + r * out_pitch + LANES * c, rectified ? positive(sum[r * across + c]) : sum[r * across + c]);
}

/* Some outputs of all rows, `across` vectors of them, at most two: in fours, and in threes what is left, for a row alone
 * keeps an adder waiting. */
HB_INLINE void panel(const float *x, int64_t rows, int64_t inputs, const float *weight, int64_t pitch, const float *bias,
                     float *out, int64_t out_pitch, int across, int rectified)
{
    int64_t threes = rows >= 9 || rows % 4 > 1 ? (4 - rows % 4) % 4 : rows == 5, row = 0;
    threes = rows == 2 ? 0 : threes;
    for (; row + 4 <= rows - 3 * threes; row += 4)
        tile(x + row * inputs, inputs, weight, pitch, bias, out + row * out_pitch, out_pitch, 4, across, rectified);
    for (; row + 3 <= rows; row += 3)
        tile(x + row * inputs, inputs, weight, pitch, bias, out + row * out_pitch, out_pitch, 3, across, rectified);
    if (rows - row == 2)
        tile(x + row * inputs, inputs, weight, pitch, bias, out + row * out_pitch, out_pitch, 2, across, rectified);
    else if (rows - row == 1)
        tile(x + row * inputs, inputs, weight, pitch, bias, out + row * out_pitch, out_pitch, 1, across, rectified);
}

HB_CLONES void hb_linear(const float *x, int64_t rows, int64_t inputs, const float *weight, int packed, const float *bias,
                         int64_t outputs, int rectified, float *out, float *scratch)
{
    int64_t at = 0;
    if (packed) {
        for (; at < outputs; at += HB_PANEL)
            panel(x, rows, inputs, weight + at * inputs, HB_PANEL, bias + at, out + at, outputs, 2, rectified);
        return;
    }
    /* Few rows leave room for wider tiles. */
    if (rows == 1)
        for (; at + 8 * LANES <= outputs; at += 8 * LANES)
            tile(x, inputs, weight + at, outputs, bias + at, out + at, outputs, 1, 8, rectified);
    if (rows == 2)
        for (; at + 4 * LANES <= outputs; at += 4 * LANES)
            tile(x, inputs, weight + at, outputs, bias + at, out + at, outputs, 2, 4, rectified);
    for (; at + 2 * LANES <= outputs; at += 2 * LANES)
        panel(x, rows, inputs, weight + at, outputs, bias + at, out + at, outputs, 2, rectified);
    for (; at + LANES <= outputs; at += LANES)
        panel(x, rows, inputs, weight + at, outputs, bias + at, out + at, outputs, 1, rectified);
    if (at == outputs)
        return;
    /* The last outputs, fewer than a vector: on padded copies. */
    size_t rest = (size_t)(outputs - at) * sizeof(float);
    float last[LANES] = {0}, result[4 * LANES];
    memcpy(last, bias + at, rest);
    memset(scratch, 0, (size_t)inputs * LANES * sizeof(float));
    for (int64_t k = 0; k < inputs; k++)
        memcpy(scratch + k * LANES, weight + k * outputs + at, rest);
    for (int64_t row = 0; row < rows; row += 4) {
        int64_t here = rows - row < 4 ? rows - row : 4;
        panel(x + row * inputs, here, inputs, scratch, LANES, last, result, LANES, 1, rectified);
        for (int64_t r = 0; r < here; r++)
            memcpy(out + (row + r) * outputs + at, result + r * LANES, rest);
    }
}

void hb_perceptron(const float *x, const int64_t *rows, int64_t count, const hb_layer *layers, int depth, int64_t widest,
                   float *out, float *scratch)
{
    float *from = scratch + 8 * widest, *to = from + count * widest;
    size_t width = (size_t)layers[0].inputs;
    for (int64_t row = 0; row < count; row++)
        memcpy(from + row * layers[0].inputs, x + rows[row] * layers[0].inputs, width * sizeof(float));
    for (int k = 0; k < depth; k++) {
        const hb_layer *at = layers + k;
        hb_linear(from, count, at->inputs, at->weight, 0, at->bias, at->outputs, k + 1 < depth, to, scratch);
        float *swapped = from;
        from = to;
        to = swapped;
    }
    int64_t outputs = layers[depth - 1].outputs;
    for (int64_t row = 0; row < count; row++)
        for (int64_t c = 0; c < outputs; c++) {
            float value = from[row * outputs + c];
            /* As the comparisons are, NaN stays. */
            value = value < -1.0f ? -1.0f : value;
            out[rows[row] * outputs + c] = value > 1.0f ? 1.0f : value;
        }
}

/* exp of numbers from -87 to 0, to about an ulp; beyond it is 0. Coefficients: Cephes, expf. */
HB_INLINE v8f exponential(v8f x)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding and taking it off rounds to whole numbers */
    v8i within = (x >= -87.0f) & (x <= 0.0f);
    x = (v8f)((v8i)x & within);
    v8f whole = (x * 1.44269504f + shift) - shift;
    v8f r = (x - whole * 0.693359375f) - whole * -2.12194440e-4f;
    v8f p = 1.9875691500e-4f * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    v8f fraction = (p * (r * r) + r) + 1.0f;
    v8f scale = (v8f)((__builtin_convertvector(whole, v8i) + 127) << 23);
    return (v8f)((v8i)(fraction * scale) & within);
}

/* One head of one character; `pitch` numbers lie between the rows of query, key and value. */
HB_INLINE void attend(const float *query, const float *key, const float *value, int64_t pitch, const uint8_t *exists, int64_t rows,
                      float *out, int64_t out_pitch, float *scratch)
{
    const float scale = 0.17677669529663687f; /* HB_HEAD^-1/2 */
    int64_t padded = (rows + LANES - 1) / LANES * LANES;
    float *keys = scratch, *score = scratch + HB_HEAD * padded;
    memset(keys, 0, (size_t)(HB_HEAD * padded) * sizeof(float));
    for (int64_t j = 0; j < rows; j++)
        for (int64_t d = 0; d < HB_HEAD; d++)
            keys[d * padded + j] = key[j * pitch + d];
    for (int64_t i = 0; i < rows; i++) {
        float scaled[HB_HEAD];
        for (int64_t d = 0; d < HB_HEAD; d++)
            scaled[d] = query[i * pitch + d] * scale;
        float most = -INFINITY, total = 0.0f;
        for (int64_t j = 0; j < padded; j += LANES) {
            v8f sum = {0};
            for (int64_t d = 0; d < HB_HEAD; d++)
                sum += scaled[d] * load(keys + d * padded + j);
            store(score + j, sum);
        }
        for (int64_t j = 0; j < rows; j++)
            most = exists[j] && score[j] > most ? score[j] : most;
        for (int64_t j = 0; j < padded; j += LANES)
            store(score + j, exponential(load(score + j) - most));
        for (int64_t j = 0; j < rows; j++) {
            score[j] = exists[j] ? score[j] : 0.0f;
            total += score[j];
        }
        v8f mixed[HB_HEAD / LANES] = {{0}};
        for (int64_t j = 0; j < rows; j++) {
            if (!exists[j])
                continue;
            float share = score[j] / total;
            for (int c = 0; c < HB_HEAD / LANES; c++)
                mixed[c] += share * load(value + j * pitch + LANES * c);
        }
        for (int c = 0; c < HB_HEAD / LANES; c++)
            store(out + i * out_pitch + LANES * c, mixed[c]);
    }
}

HB_CLONES void hb_attention(const float *qkv, const uint8_t *exists, int64_t count, int64_t rows, int64_t heads, float *out,
                            float *scratch)
{
    int64_t width = heads * HB_HEAD;
    for (int64_t at = 0; at < count; at++)
        for (int64_t head = 0; head < heads; head++) {
            const float *query = qkv + at * rows * 3 * width + head * HB_HEAD;
            attend(query, query + width, query + 2 * width, 3 * width, exists + at * rows, rows,
                   out + at * rows * width + head * HB_HEAD, width, scratch);
        }
}

HB_INLINE float total(v8f lanes)
{
    float sum = lanes[0];
    for (int i = 1; i < LANES; i++)
        sum += lanes[i];
    return sum;
}

HB_CLONES void hb_normalise(const float *x, int64_t rows, int64_t width, const float *weight, const float *bias, float epsilon,
                            float *out)
{
    for (int64_t row = 0; row < rows; row++, x += width, out += width) {
        v8f sum = {0}, squares = {0};
        for (int64_t k = 0; k < width; k += LANES)
            sum += load(x + k);
        float mean = total(sum) / (float)width;
        for (int64_t k = 0; k < width; k += LANES) {
            v8f centred = load(x + k) - mean;
            squares += centred * centred;
        }
        float deviation = sqrtf(total(squares) / (float)width + epsilon);
        for (int64_t k = 0; k < width; k += LANES)
            store(out + k, (load(x + k) - mean) / deviation * load(weight + k) + load(bias + k));
    }
}
