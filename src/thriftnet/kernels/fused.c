/* Max pool, batch norm, residual and activation, each direction in as few passes over memory as it
 * needs: of bfloat16 features, or with FLOAT32 of fp32 features.
 *
 * Features are channels-last: `rows` = images x height x width rows of C channels. Arithmetic is
 * fp32; only what is stored is rounded. Threads take contiguous ranges of rows and their sums are
 * added in the order of the threads, so that equal inputs and thread counts give equal bits.
 *
 * More than 300 lines, because it is compiled as one file, once for each type of features: all operations
 * share the loads, stores and sums at its start, which have to be inlined.
 */

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
#error "without OpenMP these would be slower than PyTorch's own operators"
#endif

enum { NONE, RELU, GELU, SILU };
enum { BLOCK = 64, MOST_CHANNELS = 2048 };

#define INLINE static inline __attribute__((always_inline))

/* What the rounding of an element makes a difference to. MOST_LOST: squared distance of a channel's mean
 * from the reference over its variance, up to which fp32 sums of a block hold the variance. FARTHEST: the
 * same distance from 0, up to which y scale + shift is as good as (y - mean) scale. */
#ifdef FLOAT32

#if !defined(__AVX2__) || !defined(__FMA__)
#error "not measured on other processors"
#endif

typedef float element;

INLINE float wide(element x) { return x; }
INLINE element narrow(float x) { return x; }

static const double MOST_LOST = 4; /* within 2e-5 of its size, and 1e-7 in sums of many blocks */
static const double FARTHEST = 256; /* within 2e-6 of a deviation */
#define LAST_TERMS(r) (8.3333333e-3f + (r) * (1.3888889e-3f + (r) * 1.9841270e-4f))

#else

typedef uint16_t element; /* the upper half of a float */

INLINE float wide(element x) {
    union { uint32_t bits; float value; } u = {(uint32_t)x << 16};
    return u.value;
}

/* To the nearest, ties to even, as PyTorch rounds; a NaN of the hardware's kind stays one. */
INLINE element narrow(float x) {
    union { float value; uint32_t bits; } u = {x};
    return (element)((u.bits + 0x7fff + ((u.bits >> 16) & 1)) >> 16);
}

static const double MOST_LOST = 64; /* within 3e-4 of its size */
static const double FARTHEST = 4096; /* within 1e-5 of a deviation */
#define LAST_TERMS(r) 8.3333333e-3f

#endif

/* e^x for x <= 0 within 3e-6 of its size, with FLOAT32 2e-7: 2^n times a Taylor polynomial of the rest.
 * Below -80 it stays at e^-80, so that no product with it is a slow subnormal number, and far below it is
 * 0, so that no product with a huge number is large. */
INLINE float exp_negative(float argument) {
    float x = argument > -80.0f ? argument : -80.0f;
    float n = rintf(x * 1.44269504f);
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1 + r * (1 + r * (0.5f + r * (1.66666667e-1f + r * (4.16666667e-2f + r * LAST_TERMS(r)))));
    union { int32_t bits; float value; } power = {((int32_t)n + 127) << 23};
    return argument > -1000.0f ? p * power.value : 0;
}

/* The standard normal distribution at u, where bell = e^(-u^2/2): erfc by Abramowitz and Stegun
 * 7.1.26, which is within 1.5e-7. */
INLINE float normal_cdf(float u, float bell) {
    float t = 1 / (1 + 0.3275911f * 0.70710678f * fabsf(u));
    float tail = 0.5f * bell * t *
        (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    return u >= 0 ? 1 - tail : tail;
}

INLINE float sigmoid(float u) {
    float e = exp_negative(-fabsf(u));
    return (u >= 0 ? 1 : e) / (1 + e);
}

INLINE float activate(float u, int kind) {
    switch (kind) {
    case RELU: return u < 0 ? 0 : u; /* NaN stays NaN */
    case GELU: return u * normal_cdf(u, exp_negative(-0.5f * u * u));
    case SILU: return u * sigmoid(u);
    default: return u;
    }
}

INLINE float slope(float u, int kind) {
    float bell, s;
    switch (kind) {
    case RELU: return u <= 0 ? 0 : 1;
    case GELU:
        bell = exp_negative(-0.5f * u * u);
        return normal_cdf(u, bell) + u * bell * 0.39894228f;
    case SILU: s = sigmoid(u); return s * (1 + u * (1 - s));
    default: return 1;
    }
}

/* Add the fp32 sums of one block to those of the thread, and clear them. */
INLINE void flush(double *total, float *block, long count) {
    for (long i = 0; i < count; i++) {
        total[i] += block[i];
        block[i] = 0;
    }
}

/* Of channel k as the formulas take it: y itself, or where `center` is not null, normalised. Of
 * halves, as the difference of two huge values of opposite signs would be infinite. */
INLINE float value_of(const element *y, const float *center, const float *rstd, long k) {
    float value = wide(y[k]);
    return center ? (0.5f * value - 0.5f * center[k]) * (2 * rstd[k]) : value;
}

#define SHARE(rows) \
    long thread = omp_get_thread_num(), all = omp_get_num_threads(); \
    long first = (rows) * thread / all, last = (rows) * (thread + 1) / all;

/* sums: (threads, 2 C): of x - shift[c] and of its square, over the rows. */
void column_sums(const element *x, const float *shift, double *sums, long rows, long c, int threads) {
#pragma omp parallel num_threads(threads)
    {
        SHARE(rows)
        float block[2 * MOST_CHANNELS] = {0};
        double *total = sums + thread * 2 * c;
        for (long row = first; row < last; row++) {
            const element *restrict from = x + row * c;
            for (long k = 0; k < c; k++) {
                float d = wide(from[k]) - shift[k];
                block[k] += d;
                block[MOST_CHANNELS + k] += d * d;
            }
            if ((row - first) % BLOCK == BLOCK - 1 || row == last - 1) {
                flush(total, block, c);
                flush(total + c, block + MOST_CHANNELS, c);
            }
        }
    }
}

/* A variance above which products of two reciprocal deviations vanish in fp32. */
static const double LARGEST = 1e24;

/* Products that are rounded before a sum takes them, as PyTorch's operators round: the compiler would
 * contract the two into one operation. */
static __attribute__((noinline)) double rounded(double x, double y) { return x * y; }
static __attribute__((noinline)) float rounded_float(float x, float y) { return x * y; }

/* From one value towards another by a share of the way, as PyTorch's lerp computes it. */
INLINE float moved(float from, float to, float share) {
    return fabsf(share) < 0.5f ? fmaf(share, to - from, from) : fmaf(share - 1, to - from, to);
}

INLINE double sum_of(const double *sums, long at, long c, int threads) {
    double total = 0;
    for (int thread = 0; thread < threads; thread++) total += sums[thread * 2 * c + at];
    return total;
}

/* Batch norm's factors from column_sums around the running mean, and the step of the running
 * statistics. factors: (4, C): mean, reciprocal deviation, scale and shift, of which
 * value scale + shift is the norm. Returns 0, and changes nothing, unless fp32 holds every channel: one
 * is constant, far off or not finite.
 */
int norm_factors(const double *sums, const float *weight, const float *bias, float *running_mean,
                 float *running_var, float *factors, double momentum, double eps, long rows, long c,
                 int threads) {
    float *mean = factors, *rstd = factors + c, *scale = factors + 2 * c, *shift = factors + 3 * c;
    double center[MOST_CHANNELS], variance[MOST_CHANNELS];
    int held = 1;
    for (long k = 0; k < c; k++) {
        double distance = sum_of(sums, k, c, threads) / rows;
        double square = rounded(distance, distance);
        center[k] = running_mean[k] + distance;
        variance[k] = sum_of(sums, c + k, c, threads) / rows - square;
        held &= square <= MOST_LOST * variance[k] &&
                center[k] * center[k] <= FARTHEST * (variance[k] + eps) && variance[k] < LARGEST;
    }
    if (!held) return 0;
    float step = (float)momentum;
    double unbiased = (double)rows / (rows > 1 ? rows - 1 : 1);
    for (long k = 0; k < c; k++) {
        mean[k] = (float)center[k];
        rstd[k] = (float)(1 / sqrt(variance[k] + eps));
        scale[k] = weight[k] * rstd[k];
        shift[k] = bias[k] - rounded_float(mean[k], scale[k]);
        running_mean[k] = moved(running_mean[k], mean[k], step);
        running_var[k] = moved(running_var[k], (float)(variance[k] * unbiased), step);
    }
    return 1;
}

/* The gradients of weight and bias, and the factors of the gradient of the features, from the sums of
 * activation_backward: dx = a (du - mean(du) - normal mean(du normal)) = du a + value b + d, where
 * normal = (y - mean) rstd, or with a center value - mean. found: (5, C): of weight, of bias, a, b, d.
 */
void norm_gradients(const double *sums, const float *mean, const float *rstd, const float *scale,
                    float *found, int centered, long rows, long c, int threads) {
    float *d_weight = found, *d_bias = found + c, *a = found + 2 * c, *b = found + 3 * c,
          *d = found + 4 * c, count = -(float)rows;
    for (long k = 0; k < c; k++) {
        float spread = (float)sum_of(sums, c + k, c, threads);
        d_bias[k] = (float)sum_of(sums, k, c, threads);
        d_weight[k] = centered ? spread : spread * rstd[k];
        a[k] = centered ? scale[k] * rstd[k] : scale[k];
        b[k] = (centered ? a[k] : a[k] * rstd[k]) * d_weight[k] / count;
        d[k] = a[k] * d_bias[k] / count - rounded_float(b[k], mean[k]);
    }
}

/* As column_sums in fp64 around the first row, for channels whose mean is so far from `shift` that
 * its square would swallow the variance: a value's distance from the mean, squared, is at most `rows`
 * times the variance, whatever the values. */
void exact_sums(const element *x, double *sums, long rows, long c, int threads) {
#pragma omp parallel num_threads(threads)
    {
        SHARE(rows)
        double *restrict total = sums + thread * 2 * c;
        for (long row = first; row < last; row++) {
            const element *restrict from = x + row * c;
            for (long k = 0; k < c; k++) {
                double d = (double)wide(from[k]) - wide(x[k]);
                total[k] += d;
                total[c + k] += d * d;
            }
        }
    }
}

struct largest { float value; int at; };

/* Of channel k of four pixels: two side by side from a, two from b. The first of equal ones; one that
 * is not a number is larger than all. */
INLINE struct largest largest_of(const element *a, const element *b, long c, long k) {
    float v0 = wide(a[k]), v1 = wide(a[c + k]), v2 = wide(b[k]), v3 = wide(b[c + k]);
    /* Choices instead of branches, so that the compiler takes many channels at once. */
    int second = (v1 > v0) | (v1 != v1);
    float best = second ? v1 : v0;
    int third = (v2 > best) | (v2 != v2);
    best = third ? v2 : best;
    int fourth = (v3 > best) | (v3 != v3);
    return (struct largest){fourth ? v3 : best, fourth ? 3 : third ? 2 : second};
}

INLINE void pool_row(const element *restrict a, const element *restrict b, element *restrict to,
                     uint8_t *restrict at, const float *restrict shift, float *restrict sums,
                     float *restrict squares, long c) {
    for (long k = 0; k < c; k++) {
        struct largest found = largest_of(a, b, c, k);
        to[k] = narrow(found.value);
        at[k] = (uint8_t)found.at;
        float d = found.value - shift[k];
        sums[k] += d;
        squares[k] += d * d;
    }
}

/* x: (images, height, width, C) to y: (images, height / 2, width / 2, C), the largest of each 2x2;
 * which: the same shape, 0 to 3, where it was (the first of equal ones); sums as column_sums, of y.
 */
void pool_sums(const element *x, element *y, uint8_t *which, const float *shift, double *sums,
               long images, long height, long width, long c, int threads) {
    long h = height / 2, w = width / 2, lines = images * h;
#pragma omp parallel num_threads(threads)
    {
        SHARE(lines)
        float block[2 * MOST_CHANNELS] = {0};
        double *total = sums + thread * 2 * c;
        for (long line = first; line < last; line++) {
            const element *top = x + ((line / h) * height + (line % h) * 2) * width * c;
            for (long j = 0; j < w; j++) {
                const element *upper = top + 2 * j * c;
                long row = (line * w + j) * c;
                pool_row(upper, upper + width * c, y + row, which + row, shift, block,
                         block + MOST_CHANNELS, c);
            }
            flush(total, block, c);
            flush(total + c, block + MOST_CHANNELS, c);
        }
    }
}

INLINE void pool_rows(const element *x, element *y, long first, long last, long height, long width,
                      long c, int kind) {
    long h = height / 2, w = width / 2;
    for (long line = first; line < last; line++) {
        const element *top = x + ((line / h) * height + (line % h) * 2) * width * c;
        for (long j = 0; j < w; j++) {
            const element *restrict a = top + 2 * j * c;
            const element *restrict b = a + width * c;
            element *restrict to = y + (line * w + j) * c;
            for (long k = 0; k < c; k++)
                to[k] = narrow(activate(largest_of(a, b, c, k).value, kind));
        }
    }
}

/* y = activation(the largest of each 2x2 of x), for inference; shapes as in pool_sums. */
void pool_activate(const element *x, element *y, long images, long height, long width, long c, int kind,
                   int threads) {
    long lines = images * (height / 2);
#pragma omp parallel num_threads(threads)
    {
        SHARE(lines)
        switch (kind) {
        case RELU: pool_rows(x, y, first, last, height, width, c, RELU); break;
        case GELU: pool_rows(x, y, first, last, height, width, c, GELU); break;
        case SILU: pool_rows(x, y, first, last, height, width, c, SILU); break;
        default: pool_rows(x, y, first, last, height, width, c, NONE);
        }
    }
}

INLINE void forward_rows(const element *y, const element *residual, const float *restrict center,
                         const float *restrict rstd, const float *restrict scale,
                         const float *restrict shift, element *z, long first, long last, long c,
                         int kind, int added) {
    for (long row = first; row < last; row++) {
        const element *restrict from = y + row * c;
        const element *restrict other = added ? residual + row * c : from;
        element *restrict to = z + row * c;
        for (long k = 0; k < c; k++) {
            float u = value_of(from, center, rstd, k) * scale[k] + shift[k];
            if (added) u += wide(other[k]);
            to[k] = narrow(activate(u, kind));
        }
    }
}

/* The ordinary case is compiled without the test for `center`. */
#define FORWARD_FROM(center, kind) \
    residual ? forward_rows(y, residual, center, rstd, scale, shift, z, first, last, c, kind, 1) \
             : forward_rows(y, residual, center, rstd, scale, shift, z, first, last, c, kind, 0)
#define FORWARD(kind) \
    if (center) FORWARD_FROM(center, kind); \
    else FORWARD_FROM(NULL, kind)

/* z = activation(value scale + shift + residual); residual may be null. The value is y; or, where
 * center is not null, (y - center) rstd. */
void scale_activate(const element *y, const element *residual, const float *center, const float *rstd,
                    const float *scale, const float *shift, element *z, long rows, long c, int kind,
                    int threads) {
#pragma omp parallel num_threads(threads)
    {
        SHARE(rows)
        switch (kind) {
        case RELU: FORWARD(RELU); break;
        case GELU: FORWARD(GELU); break;
        case SILU: FORWARD(SILU); break;
        default: FORWARD(NONE);
        }
    }
}

INLINE void backward_rows(const element *dz, const element *y, const element *residual,
                          const float *restrict center, const float *restrict rstd,
                          const float *restrict scale, const float *restrict shift,
                          const float *restrict mean, element *du, double *total, long first,
                          long last, long c, int kind, int added) {
    float block[2 * MOST_CHANNELS] = {0};
    for (long row = first; row < last; row++) {
        const element *restrict from = y + row * c;
        const element *restrict other = added ? residual + row * c : from;
        const element *restrict gradient = dz + row * c;
        element *restrict to = du + row * c;
        for (long k = 0; k < c; k++) {
            float value = value_of(from, center, rstd, k), g = wide(gradient[k]);
            if (kind != NONE) {
                float u = value * scale[k] + shift[k];
                if (added) u += wide(other[k]);
                g *= slope(u, kind);
                to[k] = narrow(g);
            }
            block[k] += g;
            block[MOST_CHANNELS + k] += g * (value - mean[k]);
        }
        if ((row - first) % BLOCK == BLOCK - 1 || row == last - 1) {
            flush(total, block, c);
            flush(total + c, block + MOST_CHANNELS, c);
        }
    }
}

#define BACKWARD_FROM(center, kind) \
    residual ? backward_rows(dz, y, residual, center, rstd, scale, shift, mean, du, total, first, \
                             last, c, kind, 1) \
             : backward_rows(dz, y, residual, center, rstd, scale, shift, mean, du, total, first, \
                             last, c, kind, 0)
#define BACKWARD(kind) \
    if (center) BACKWARD_FROM(center, kind); \
    else BACKWARD_FROM(NULL, kind)

/* du: gradient before the activation (not written for kind NONE, where it is dz);
 * sums: (threads, 2 C): of du and of du (value - mean[c]); values as in scale_activate. */
void activation_backward(const element *dz, const element *y, const element *residual, const float *center,
                         const float *rstd, const float *scale, const float *shift,
                         const float *mean, element *du, double *sums, long rows, long c, int kind,
                         int threads) {
#pragma omp parallel num_threads(threads)
    {
        SHARE(rows)
        double *total = sums + thread * 2 * c;
        switch (kind) {
        case RELU: BACKWARD(RELU); break;
        case GELU: BACKWARD(GELU); break;
        case SILU: BACKWARD(SILU); break;
        default: BACKWARD(NONE);
        }
    }
}

INLINE void gradient_rows(const element *du, const element *y, const float *restrict center,
                          const float *restrict rstd, const float *restrict a,
                          const float *restrict b, const float *restrict d, element *dx, long first,
                          long last, long c) {
    for (long row = first; row < last; row++) {
        const element *restrict gradient = du + row * c;
        const element *restrict from = y + row * c;
        element *restrict to = dx + row * c;
        for (long k = 0; k < c; k++)
            to[k] = narrow(wide(gradient[k]) * a[k] + value_of(from, center, rstd, k) * b[k] + d[k]);
    }
}

/* dx = du a + value b + d, each of a, b and d a number a channel; values as in scale_activate. */
void norm_backward(const element *du, const element *y, const float *center, const float *rstd,
                   const float *a, const float *b, const float *d, element *dx, long rows, long c,
                   int threads) {
#pragma omp parallel num_threads(threads)
    {
        SHARE(rows)
        if (center) gradient_rows(du, y, center, rstd, a, b, d, dx, first, last, c);
        else gradient_rows(du, y, NULL, rstd, a, b, d, dx, first, last, c);
    }
}

INLINE void unpool_row(const element *restrict du, const element *restrict y,
                       const uint8_t *restrict which, const float *restrict center,
                       const float *restrict rstd, const float *restrict a,
                       const float *restrict b, const float *restrict d, element *restrict p0,
                       element *restrict p1, element *restrict p2, element *restrict p3, long c) {
    for (long k = 0; k < c; k++) {
        float value = value_of(y, center, rstd, k);
        element gradient = narrow(wide(du[k]) * a[k] + value * b[k] + d[k]);
        uint8_t at = which[k];
        p0[k] = at == 0 ? gradient : 0;
        p1[k] = at == 1 ? gradient : 0;
        p2[k] = at == 2 ? gradient : 0;
        p3[k] = at == 3 ? gradient : 0;
    }
}

/* As norm_backward, and passed to the pixel of each 2x2 that was largest; the others, and a last
 * odd line or column, get 0. */
void norm_backward_unpool(const element *du, const element *y, const uint8_t *which, const float *center,
                          const float *rstd, const float *a, const float *b, const float *d,
                          element *dx, long images, long height, long width, long c, int threads) {
    long h = height / 2, w = width / 2, lines = images * h;
#pragma omp parallel num_threads(threads)
    {
        SHARE(lines)
        for (long line = first; line < last; line++) {
            element *top = dx + ((line / h) * height + (line % h) * 2) * width * c;
            for (long j = 0; j < w; j++) {
                long row = (line * w + j) * c;
                element *upper = top + 2 * j * c, *lower = upper + width * c;
                if (center)
                    unpool_row(du + row, y + row, which + row, center, rstd, a, b, d, upper,
                               upper + c, lower, lower + c, c);
                else
                    unpool_row(du + row, y + row, which + row, NULL, rstd, a, b, d, upper,
                               upper + c, lower, lower + c, c);
            }
            if (width % 2) {
                memset(top + (width - 1) * c, 0, c * sizeof(element));
                memset(top + (2 * width - 1) * c, 0, c * sizeof(element));
            }
            if (height % 2 && line % h == h - 1)
                memset(top + 2 * width * c, 0, width * c * sizeof(element));
        }
    }
}
