/* 3x3 convolutions of fp32 features, and both of their gradients, by Winograd's minimal filtering
 * F(4x4, 3x3) (Lavin and Gray 2016, arXiv 1509.09308): 36 products for a tile of 4x4 outputs where the
 * definition takes 144.
 *
 * Features are channels-last. Input tiles of 6x6 pixels overlap by two; what lies outside is zero. With
 * d a tile, w the weights and y the outputs, each a matrix for every pair of channels,
 *     y = A' [(G w G') * (B' d B)] A
 * where * multiplies 36 points, each a matrix product over channels. The gradient of d is the same
 * convolution with the weights turned by 180 degrees, and that of w is
 *     G' [(B' d B) * (A y A')] G
 * summed over tiles. Tiles are taken in blocks that stay in the cache, from the transform of the input to
 * that of the output. Every output is computed alike wherever its tile lies in a block, so an image gives
 * the same bits in every batch. Threads take contiguous ranges of blocks, and their weight gradients are
 * added in the order of the threads, so that equal inputs and thread counts give equal bits.
 *
 * More than 300 lines, because it is compiled as one file: the three products share the transforms and the
 * walk over tiles, which have to be inlined. */

#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
#error "without OpenMP these would be slower than PyTorch's own operators"
#endif

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__) && defined(__FMA__)
enum { LANES = 8 };
#else
#error "not measured on other processors"
#endif

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float))));

/* A matrix product keeps ROWS x PANEL sums in registers. */
enum { TILE = 4, SIDE = 6, POINTS = SIDE * SIDE, ROWS = 6, PANEL = 2 * LANES };
/* Between rows of scratch memory, in floats: rows of a power of two would share a few cache sets. */
enum { GAP = 16 };

#define INLINE static inline __attribute__((always_inline))

INLINE long up(long n, long to) { return (n + to - 1) / to * to; }
INLINE long least(long a, long b) { return a < b ? a : b; }

INLINE vec load(const float *from, long count) {
    if (count >= LANES) return *(const vec *)from;
    vec v = {0};
    memcpy(&v, from, count * sizeof(float));
    return v;
}

INLINE void store(float *to, vec v, long count) {
    if (count >= LANES) *(vec *)to = v;
    else memcpy(to, &v, count * sizeof(float));
}

/* One dimension of each transform, from values `s` apart to values `t` apart. */

INLINE void times_b(const vec *d, long s, vec *to, long t) {
    vec a = d[4 * s] - 4 * d[2 * s], b = d[3 * s] - 4 * d[s];
    vec c = d[4 * s] - d[2 * s], e = 2 * (d[3 * s] - d[s]);
    to[0] = 4 * d[0] - 5 * d[2 * s] + d[4 * s];
    to[t] = a + b;
    to[2 * t] = a - b;
    to[3 * t] = c + e;
    to[4 * t] = c - e;
    to[5 * t] = 4 * d[s] - 5 * d[3 * s] + d[5 * s];
}

INLINE void times_a(const vec *m, long s, vec *to, long t) {
    vec a = m[s] + m[2 * s], b = m[s] - m[2 * s], c = m[3 * s] + m[4 * s], e = m[3 * s] - m[4 * s];
    to[0] = m[0] + a + c;
    to[t] = b + 2 * e;
    to[2 * t] = a + 4 * c;
    to[3 * t] = b + 8 * e + m[5 * s];
}

INLINE void times_a_transposed(const vec *y, long s, vec *to, long t) {
    vec a = y[0] + y[2 * s], b = y[s] + y[3 * s];
    vec c = y[0] + 4 * y[2 * s], e = 2 * y[s] + 8 * y[3 * s];
    to[0] = y[0];
    to[t] = a + b;
    to[2 * t] = a - b;
    to[3 * t] = c + e;
    to[4 * t] = c - e;
    to[5 * t] = y[3 * s];
}

static const float G[SIDE][3] = {
    {1 / 4.0f, 0, 0},
    {-1 / 6.0f, -1 / 6.0f, -1 / 6.0f},
    {-1 / 6.0f, 1 / 6.0f, -1 / 6.0f},
    {1 / 24.0f, 1 / 12.0f, 1 / 6.0f},
    {1 / 24.0f, -1 / 12.0f, 1 / 6.0f},
    {0, 0, 1},
};

/* Features of n images, and how tiles of `TILE` outputs from `offset` on lie over them. */
typedef struct { long h, w, c, down, across, offset; } Grid;

/* A block of transformed tiles: `points` apart from point to point, `row` from tile to tile. */
typedef struct { float *data; long points, row; } Block;

static const float *corner(const float *x, const Grid *g, long tile, long *top, long *left) {
    *top = tile / g->across % g->down * TILE + g->offset;
    *left = tile % g->across * TILE + g->offset;
    return x + tile / (g->down * g->across) * g->h * g->w * g->c;
}

/* `side` x `side` pixels of a tile; zero outside of the image. */
INLINE void read_tile(const float *image, const Grid *g, long top, long left, long k, const int side, vec *d) {
    for (int a = 0; a < side; a++)
        for (int b = 0; b < side; b++) {
            long y = top + a, x = left + b;
            int inside = y >= 0 && y < g->h && x >= 0 && x < g->w;
            d[a * side + b] = inside ? load(image + (y * g->w + x) * g->c + k, g->c - k) : (vec){0};
        }
}

INLINE void write_points(const vec *points, Block to, long tile, long k) {
    for (int p = 0; p < POINTS; p++) *(vec *)(to.data + p * to.points + tile * to.row + k) = points[p];
}

static void transform_inputs(const float *x, const Grid *g, long first, long count, Block to) {
    for (long tile = 0; tile < count; tile++) {
        long top, left;
        const float *image = corner(x, g, first + tile, &top, &left);
        for (long k = 0; k < g->c; k += LANES) {
            vec d[POINTS], half[POINTS];
            read_tile(image, g, top, left, k, SIDE, d);
            for (int b = 0; b < SIDE; b++) times_b(d + b, SIDE, half + b, SIDE);
            for (int a = 0; a < SIDE; a++) times_b(half + a * SIDE, 1, d + a * SIDE, 1);
            write_points(d, to, tile, k);
        }
    }
}

static void transform_gradients(const float *y, const Grid *g, long first, long count, Block to) {
    for (long tile = 0; tile < count; tile++) {
        long top, left;
        const float *image = corner(y, g, first + tile, &top, &left);
        for (long k = 0; k < g->c; k += LANES) {
            vec d[TILE * TILE], half[SIDE * TILE], points[POINTS];
            read_tile(image, g, top, left, k, TILE, d);
            for (int b = 0; b < TILE; b++) times_a_transposed(d + b, TILE, half + b, TILE);
            for (int a = 0; a < SIDE; a++) times_a_transposed(half + a * TILE, 1, points + a * SIDE, 1);
            write_points(points, to, tile, k);
        }
    }
}

/* bias: of each channel, or null. */
static void transform_outputs(Block from, const float *bias, const Grid *g, long first, long count, float *y) {
    for (long tile = 0; tile < count; tile++) {
        long top, left;
        float *image = (float *)corner(y, g, first + tile, &top, &left);
        for (long k = 0; k < g->c; k += LANES) {
            vec points[POINTS], half[TILE * SIDE], out[TILE * TILE];
            vec added = bias ? load(bias + k, g->c - k) : (vec){0};
            for (int p = 0; p < POINTS; p++)
                points[p] = *(const vec *)(from.data + p * from.points + tile * from.row + k);
            for (int b = 0; b < SIDE; b++) times_a(points + b, SIDE, half + b, SIDE);
            for (int a = 0; a < TILE; a++) times_a(half + a * SIDE, 1, out + a * TILE, 1);
            for (int a = 0; a < TILE && top + a < g->h; a++)
                for (int b = 0; b < TILE && left + b < g->w; b++)
                    store(image + ((top + a) * g->w + left + b) * g->c + k, out[a * TILE + b] + added, g->c - k);
        }
    }
}

/* A matrix by its distances between rows and between columns. */
typedef struct { const float *data; long row, column; } Matrix;

/* sums[r][PANEL] = or += over k of left[r][k] right[k][PANEL]. */
INLINE void few_rows(Matrix left, Matrix right, float *sums, long row, long depth, int add, const int rows) {
    vec s[ROWS][2];
    for (int r = 0; r < rows; r++) {
        s[r][0] = add ? *(vec *)(sums + r * row) : (vec){0};
        s[r][1] = add ? *(vec *)(sums + r * row + LANES) : (vec){0};
    }
    for (long k = 0; k < depth; k++) {
        const float *of = right.data + k * right.row;
        vec a = *(const vec *)of, b = *(const vec *)(of + LANES);
        for (int r = 0; r < rows; r++) {
            float each = left.data[r * left.row + k * left.column];
            s[r][0] += each * a;
            s[r][1] += each * b;
        }
    }
    for (int r = 0; r < rows; r++) {
        *(vec *)(sums + r * row) = s[r][0];
        *(vec *)(sums + r * row + LANES) = s[r][1];
    }
}

static void multiply(Matrix left, Matrix right, float *sums, long row, long rows, long depth, int add) {
    for (; rows >= ROWS; rows -= ROWS) {
        few_rows(left, right, sums, row, depth, add, ROWS);
        left.data += ROWS * left.row;
        sums += ROWS * row;
    }
    switch (rows) {
    case 5: few_rows(left, right, sums, row, depth, add, 5); break;
    case 4: few_rows(left, right, sums, row, depth, add, 4); break;
    case 3: few_rows(left, right, sums, row, depth, add, 3); break;
    case 2: few_rows(left, right, sums, row, depth, add, 2); break;
    case 1: few_rows(left, right, sums, row, depth, add, 1); break;
    default: break;
    }
}

INLINE Block block_of(float *data, long tiles, long channels) {
    long row = up(channels, PANEL) + GAP;
    return (Block){data, tiles * row + GAP, row};
}

/* Floats of weights, or of a thread's sums of their gradient, at all points. */
long weights_size(long in, long out) { return POINTS * in * up(out, PANEL); }

/* Floats of scratch memory that a thread takes for a block of tiles. */
long block_size(long in, long out, long tiles) {
    return POINTS * (block_of(NULL, tiles, in).points + block_of(NULL, tiles, out).points);
}

/* G w G' of weights whose values lie `by_out`, `by_in`, `by_y` and `by_x` apart: (points, panels of outputs,
 * inputs, PANEL). */
void transform_weights(const float *w, float *packed, long in, long out,
                       long by_out, long by_in, long by_y, long by_x, int threads) {
    long wide = up(out, PANEL);
#pragma omp parallel for num_threads(threads)
    for (long panel = 0; panel < wide; panel += PANEL)
        for (long i = 0; i < in; i++) {
            float g[9][PANEL] = {{0}}, half[SIDE * 3][PANEL];
            for (long o = 0; o < PANEL && panel + o < out; o++)
                for (int k = 0; k < 9; k++)
                    g[k][o] = w[(panel + o) * by_out + i * by_in + k / 3 * by_y + k % 3 * by_x];
            for (int a = 0; a < SIDE; a++)
                for (int b = 0; b < 3; b++)
                    for (int o = 0; o < PANEL; o++)
                        half[a * 3 + b][o] = G[a][0] * g[b][o] + G[a][1] * g[3 + b][o] + G[a][2] * g[6 + b][o];
            for (int a = 0; a < SIDE; a++)
                for (int b = 0; b < SIDE; b++) {
                    float *to = packed + ((a * SIDE + b) * wide + panel) * in + i * PANEL;
                    for (int o = 0; o < PANEL; o++)
                        to[o] = half[a * 3][o] * G[b][0] + half[a * 3 + 1][o] * G[b][1] + half[a * 3 + 2][o] * G[b][2];
                }
        }
}

#define GRIDS \
    long oh = h + 2 * pad - 2, ow = w + 2 * pad - 2, down = up(oh, TILE) / TILE, across = up(ow, TILE) / TILE; \
    long all = n * down * across, blocks = up(all, tiles) / tiles, wide = up(out, PANEL); \
    const Grid inputs = {h, w, in, down, across, -pad}, outputs = {oh, ow, out, down, across, 0};

#define SHARE \
    long thread = omp_get_thread_num(), team = omp_get_num_threads(); \
    long begin = blocks * thread / team, end = blocks * (thread + 1) / team; \
    float *own = scratch + thread * block_size(in, out, tiles); \
    Block given = block_of(own, tiles, in), other = block_of(own + POINTS * given.points, tiles, out);

/* y: (n, h + 2 pad - 2, w + 2 pad - 2, out) of x: (n, h, w, in) in blocks of `tiles`; bias may be null. */
void convolve(const float *x, const float *packed, const float *bias, float *y, float *scratch,
              long n, long h, long w, long in, long out, long pad, long tiles, int threads) {
    GRIDS
#pragma omp parallel num_threads(threads)
    {
        SHARE
        for (long block = begin; block < end; block++) {
            long first = block * tiles, count = least(tiles, all - first);
            transform_inputs(x, &inputs, first, count, given);
            for (long p = 0; p < POINTS; p++)
                for (long panel = 0; panel < wide; panel += PANEL)
                    multiply((Matrix){given.data + p * given.points, given.row, 1},
                             (Matrix){packed + (p * wide + panel) * in, PANEL, 1},
                             other.data + p * other.points + panel, other.row, count, in, 0);
            transform_outputs(other, bias, &outputs, first, count, y);
        }
    }
}

/* Gradient of weights whose values lie so far apart, of x and of the gradient dy of its convolution. */
void weight_gradient(const float *x, const float *dy, float *dw, float *scratch, float *sums,
                     long n, long h, long w, long in, long out, long pad, long tiles,
                     long by_out, long by_in, long by_y, long by_x, int threads) {
    GRIDS
    long point = in * wide, of_thread = weights_size(in, out);
#pragma omp parallel num_threads(threads)
    {
        SHARE
        float *mine = sums + thread * of_thread;
        if (begin == end) memset(mine, 0, of_thread * sizeof(float));
        for (long block = begin; block < end; block++) {
            long first = block * tiles, count = least(tiles, all - first);
            transform_inputs(x, &inputs, first, count, given);
            transform_gradients(dy, &outputs, first, count, other);
            for (long p = 0; p < POINTS; p++)
                for (long panel = 0; panel < wide; panel += PANEL)
                    multiply((Matrix){given.data + p * given.points, 1, given.row},
                             (Matrix){other.data + p * other.points + panel, other.row, 1},
                             mine + p * point + panel, wide, in, count, block > begin);
        }
#pragma omp barrier
        /* In squares of channels, so that both sides stay in the cache. */
#pragma omp for
        for (long from = 0; from < in; from += LANES)
            for (long o = 0; o < out; o += LANES)
                for (long i = from; i < least(from + LANES, in); i++) {
                    vec m[POINTS], half[3 * SIDE];
                    for (int p = 0; p < POINTS; p++) {
                        m[p] = (vec){0};
                        for (long t = 0; t < team; t++)
                            m[p] += *(const vec *)(sums + t * of_thread + p * point + i * wide + o);
                    }
                    for (int a = 0; a < 3; a++)
                        for (int b = 0; b < SIDE; b++) {
                            half[a * SIDE + b] = (vec){0};
                            for (int k = 0; k < SIDE; k++) half[a * SIDE + b] += G[k][a] * m[k * SIDE + b];
                        }
                    for (int a = 0; a < 3; a++)
                        for (int b = 0; b < 3; b++) {
                            vec found = {0};
                            for (int k = 0; k < SIDE; k++) found += half[a * SIDE + k] * G[k][b];
                            for (long l = 0; l < least(LANES, out - o); l++)
                                dw[(o + l) * by_out + i * by_in + a * by_y + b * by_x] = found[l];
                        }
                }
    }
}
