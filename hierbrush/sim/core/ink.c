/* A bundle of hairs that each hold ink, dragged over paper; and water that creeps through it. */
#include "ink.h"
#include "brush.h"
#include "clones.h"
#include "tuft.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define FLAT 1e-6f
#define BEYOND 1e6f
#define MOST_STEPS 1e8

int64_t hb_ink_follow(const double *path, const double *speed, int64_t rows, const double *params, const double *network,
                      double spacing, double *state, double *out, int64_t room)
{
    int64_t made = 0;
    for (int64_t i = 0; i < rows; i++) {
        double x0 = state[0], y0 = state[1], z0 = state[2];
        double dx = on_grid(path[3 * i]) - x0, dy = on_grid(path[3 * i + 1]) - y0, dz = on_grid(path[3 * i + 2]) - z0;
        double far = sqrt(dx * dx + dy * dy), deep = fabs(dz);
        double steps = ceil((far > deep ? far : deep) / spacing);
        if (!(steps >= 1.0 && steps <= MOST_STEPS) || (z0 <= 0.0 && z0 + dz <= 0.0))
            steps = 1.0;
        for (double at = 1.0; at <= steps; at += 1.0) {
            if (made == room)
                return -1;
            double share = at / steps, *s = out + HB_STAMP * made++;
            double x = x0 + on_grid(dx * share), y = y0 + on_grid(dy * share), z = z0 + on_grid(dz * share);
            double mx = x - state[0], my = y - state[1];
            s[HB_STAMP_STEP] = sqrt(mx * mx + my * my);
            if (network)
                hb_trail_by(params, network, state, state + 3, state + 5, s + HB_STAMP_WIDTH, x, y, z);
            else
                hb_trail(params, state, state + 3, state + 5, s + HB_STAMP_WIDTH, x, y, z);
            s[HB_STAMP_X] = x;
            s[HB_STAMP_Y] = y;
            s[HB_STAMP_Z] = z;
            s[HB_STAMP_UX] = state[5];
            s[HB_STAMP_UY] = state[6];
            s[HB_STAMP_SPEED] = speed[i];
        }
    }
    return made;
}

/* The run of cells that a footprint covers in each row: top <= row < bottom. */
typedef struct {
    int32_t top, bottom;
    int32_t first[HB_MAX_SAMPLES + 8], last[HB_MAX_SAMPLES + 8];
} runs;

/* Where a footprint lies, relative to the cell of the handle. */
typedef struct {
    int32_t column, row;  /* that cell */
    float x, y;           /* the handle in it */
    float across_x, across_y, low, scale;
} placed;

typedef struct {
    float contact[HB_HAIRS + 1], dose[HB_HAIRS + 1], used[HB_HAIRS + 1];
} hairs;

HB_INLINE int outline(const hb_ink *k, const double *s, float *x, float *y, placed *at)
{
    double column = s[HB_STAMP_X] * k->per_metre, row = s[HB_STAMP_Y] * k->per_metre;
    double whole_column = floor(column), whole_row = floor(row);
    if (!(fabs(whole_column) < BEYOND && fabs(whole_row) < BEYOND))
        return 0;
    float ux = (float)s[HB_STAMP_UX], uy = (float)s[HB_STAMP_UY];
    at->x = (float)(column - whole_column);
    at->y = (float)(row - whole_row);
    float base_x = (float)(column - whole_column + s[HB_STAMP_OFFSET] * s[HB_STAMP_UX] * k->per_metre);
    float base_y = (float)(row - whole_row + s[HB_STAMP_OFFSET] * s[HB_STAMP_UY] * k->per_metre);
    /* Half a cell larger, so that all that the simulator inks is within: its own coverage cuts the edge. */
    float half = (float)(s[HB_STAMP_WIDTH] * 0.5 * k->per_metre) + 0.5f, tip = (float)(s[HB_STAMP_LENGTH] * k->per_metre) + 0.5f;
    float back = k->back * half;
    if (!(fabsf(base_x) < BEYOND && fabsf(base_y) < BEYOND && half < BEYOND && tip < BEYOND && fabsf(back) < BEYOND
          && fabsf(ux) < 2.0f && fabsf(uy) < 2.0f))
        return 0;
    at->column = (int32_t)whole_column;
    at->row = (int32_t)whole_row;
    for (int32_t v = 0; v < k->vertices; v++) {
        float along = k->footprint[v], across = k->footprint[k->vertices + v] * half;
        along *= along > 0.0f ? tip : back;
        x[v] = base_x + along * ux - across * uy;
        y[v] = base_y + along * uy + across * ux;
    }
    return 1;
}

HB_INLINE int32_t within(int32_t value, int32_t low, int32_t high)
{
    value = value > low ? value : low;
    return value < high ? value : high;
}

HB_INLINE float bounded(float value, float low, float high)
{
    value = value > low ? value : low;
    return value < high ? value : high;
}

/* Eight rows at a time, as in brush.c. */
typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

HB_INLINE v8f smaller(v8f a, v8f b)
{
    v8i mask = a < b;
    return (v8f)(((v8i)a & mask) | ((v8i)b & ~mask));
}

HB_INLINE v8f larger(v8f a, v8f b)
{
    v8i mask = a > b;
    return (v8f)(((v8i)a & mask) | ((v8i)b & ~mask));
}

HB_INLINE v8i smaller_whole(v8i a, v8i b)
{
    v8i mask = a < b;
    return (a & mask) | (b & ~mask);
}

HB_INLINE v8i larger_whole(v8i a, v8i b)
{
    v8i mask = a > b;
    return (a & mask) | (b & ~mask);
}

typedef struct {
    int count;
    float x[HB_MAX_VERTICES], y[HB_MAX_VERTICES], slope[HB_MAX_VERTICES];
} edges;

/* The footprint is convex: it ends at the nearest of the edges that fall and begins at the farthest of those that rise. */
HB_INLINE void cover(const hb_ink *k, const float *x, const float *y, const placed *at, runs *now)
{
    edges right = {0}, left = {0};
    float low = y[0], high = y[0];
    for (int32_t v = 0; v < k->vertices; v++) {
        int32_t w = v + 1 < k->vertices ? v + 1 : 0;
        float fall = y[w] - y[v], slope = (x[w] - x[v]) / (fabsf(fall) < FLAT ? 1.0f : fall);
        low = y[v] < low ? y[v] : low;
        high = y[v] > high ? y[v] : high;
        right.x[right.count] = left.x[left.count] = x[v];
        right.y[right.count] = left.y[left.count] = y[v];
        right.slope[right.count] = left.slope[left.count] = slope;
        right.count += fall >= FLAT;
        left.count += fall <= -FLAT;
    }
    now->top = within((int32_t)ceilf(low - 0.5f) + at->row, 0, k->rows);
    now->bottom = within((int32_t)ceilf(high - 0.5f) + at->row, now->top, k->rows);
    const v8f zero = {0}, lanes = {0.5f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f, 6.5f, 7.5f};
    const v8i none = {0};
    for (int32_t row = now->top; row < now->bottom; row += 8) {
        v8f centre = zero + (float)(row - at->row) + lanes, end = zero + BEYOND, begin = zero - BEYOND;
        for (int e = 0; e < right.count; e++)
            end = smaller(right.x[e] + (centre - right.y[e]) * right.slope[e], end);
        for (int e = 0; e < left.count; e++)
            begin = larger(left.x[e] + (centre - left.y[e]) * left.slope[e], begin);
        end = larger(end, zero - BEYOND) - 0.5f;
        begin = smaller(begin, zero + BEYOND) - 0.5f;
        v8i last = __builtin_convertvector(end, v8i), first = __builtin_convertvector(begin, v8i);
        last += __builtin_convertvector(last, v8f) > end; /* a true lane is -1 */
        first -= __builtin_convertvector(first, v8f) < begin;
        last = larger_whole(smaller_whole(last + at->column, none + (k->columns - 1)), none - 1);
        first = larger_whole(smaller_whole(first + at->column, none + k->columns), none);
        memcpy(now->last + row, &last, sizeof last);
        memcpy(now->first + row, &first, sizeof first);
    }
}

HB_INLINE void ink_cells(const hb_ink *k, const placed *at, hairs *h, int32_t row, int32_t first, int32_t last)
{
    float dy = ((float)(row - at->row) + 0.5f - at->y) * at->across_y - at->low, hard = k->numbers[HB_INK_HARD];
    const float *paper = k->paper + (ptrdiff_t)row * k->columns;
    float *film = k->film + (ptrdiff_t)row * k->columns;
    for (int32_t c = first; c <= last; c++) {
        float t = (((float)(c - at->column) + 0.5f - at->x) * at->across_x + dy) * at->scale;
        t = bounded(t, 0.0f, (float)(HB_HAIRS - 1));
        int32_t i = (int32_t)t;
        float contact = h->contact[i] + (t - (float)i) * (h->contact[i + 1] - h->contact[i]);
        float touch = bounded((contact - 1.0f + paper[c]) * hard, 0.0f, 1.0f);
        film[c] += touch * h->dose[i];
        h->used[i] += touch;
    }
}

HB_INLINE void ready(const hb_ink *k, const double *s, hairs *h)
{
    const float *n = k->numbers, *b = k->bundle;
    float press = bounded((float)s[HB_STAMP_Z] / n[HB_INK_FULL], 0.0f, 1.0f);
    float base = n[HB_INK_BASE] + n[HB_INK_PRESS] * press - n[HB_INK_SPEED] * (float)s[HB_STAMP_SPEED];
    float at = b[HB_TRAVELLED] * n[HB_INK_ALONG], whole = floorf(at), share = at - whole;
    int64_t rows = k->hair_rows, here = (int64_t)whole % rows, next = (here + 1) % rows;
    const float *fine = k->hair + here * 2 * HB_HAIRS, *later = k->hair + next * 2 * HB_HAIRS;
    float fork = n[HB_INK_FORK] * b[HB_SPLIT];
    for (int32_t i = 0; i < HB_HAIRS; i++) {
        float e = ((float)i - 0.5f * (HB_HAIRS - 1)) * (2.0f / (HB_HAIRS - 1));
        e *= e;
        float single = fine[i] + share * (later[i] - fine[i]);
        float lock = fine[HB_HAIRS + i] + share * (later[HB_HAIRS + i] - fine[HB_HAIRS + i]);
        h->contact[i] = base + n[HB_INK_WET] * b[i] + n[HB_INK_HAIR] * single - fork * lock - n[HB_INK_EDGE] * (e * e);
        h->dose[i] = n[HB_INK_DOSE] * (0.6f + 0.4f * b[i]);
        h->used[i] = 0.0f;
    }
    h->contact[HB_HAIRS] = h->contact[HB_HAIRS - 1];
}

/* Hairs give what they laid down, draw from the reservoir and share with their neighbours; the dry bundle splits. */
HB_INLINE void drain(const hb_ink *k, const double *s, const hairs *h)
{
    const float *n = k->numbers;
    float *b = k->bundle, moved = (float)s[HB_STAMP_STEP] * n[HB_INK_MM], drawn[HB_HAIRS], mixed[HB_HAIRS], lanes[8] = {0};
    float flow = bounded(n[HB_INK_FLOW] * moved, 0.0f, 1.0f), total = 0.0f;
    for (int32_t i = 0; i < HB_HAIRS; i++) {
        drawn[i] = flow * (b[HB_RESERVOIR] - b[i]);
        mixed[i] = bounded(b[i] + drawn[i] - n[HB_INK_COST] * h->used[i], 0.0f, 1.0f);
    }
    for (int32_t i = 0; i < HB_HAIRS; i += 8)
        for (int32_t j = 0; j < 8; j++)
            lanes[j] += drawn[i + j];
    for (int32_t j = 0; j < 8; j++)
        total += lanes[j];
    for (int32_t i = 0; i < HB_HAIRS; i++) {
        float left = mixed[i > 0 ? i - 1 : 0], right = mixed[i < HB_HAIRS - 1 ? i + 1 : HB_HAIRS - 1];
        b[i] = mixed[i] + n[HB_INK_MIX] * (left - 2.0f * mixed[i] + right);
    }
    float reservoir = bounded(b[HB_RESERVOIR] - n[HB_INK_SHARE] * total, 0.0f, 1.0f);
    b[HB_RESERVOIR] = reservoir;
    b[HB_SPLIT] += n[HB_INK_SPLITTING] * moved * (1.0f - reservoir) * (1.0f - b[HB_SPLIT]);
    b[HB_TRAVELLED] += moved;
}

/* The line along which the bundle moves, either way: smoothed, so that a turn leads the hairs over. */
HB_INLINE void turn(float *b, const double *s, const double *last)
{
    float mx = (float)(s[HB_STAMP_X] - last[0]), my = (float)(s[HB_STAMP_Y] - last[1]), far = mx * mx + my * my;
    if (!(far > 1e-16f))
        return;
    far = sqrtf(far);
    float sign = mx * b[HB_AXIS_X] + my * b[HB_AXIS_Y] < 0.0f ? -0.1f : 0.1f;
    float x = b[HB_AXIS_X] + sign * (mx / far), y = b[HB_AXIS_Y] + sign * (my / far), norm = sqrtf(x * x + y * y);
    if (!(norm > 1e-3f))
        return;
    b[HB_AXIS_X] = x / norm;
    b[HB_AXIS_Y] = y / norm;
}

HB_CLONES void hb_ink_drag(const hb_ink *k, const double *stamps, int64_t count)
{
    runs both[2];
    hairs h;
    float x[HB_MAX_VERTICES], y[HB_MAX_VERTICES], *b = k->bundle;
    double last[2] = {0};
    int which = 0, down = 0;
    both[0].top = both[0].bottom = both[1].top = both[1].bottom = 0;
    for (int64_t i = 0; i < count; i++) {
        const double *s = stamps + HB_STAMP * i;
        runs *now = &both[which], *before = &both[!which];
        placed at;
        if (!(s[HB_STAMP_WIDTH] > 0.0) || !outline(k, s, x, y, &at)) {
            before->top = before->bottom = 0;
            down = 0;
            continue;
        }
        if (down)
            turn(b, s, last);
        else {
            b[HB_AXIS_X] = -(float)s[HB_STAMP_UX];
            b[HB_AXIS_Y] = -(float)s[HB_STAMP_UY];
        }
        down = 1;
        last[0] = s[HB_STAMP_X];
        last[1] = s[HB_STAMP_Y];
        at.across_x = -b[HB_AXIS_Y];
        at.across_y = b[HB_AXIS_X];
        float high = -BEYOND;
        at.low = BEYOND;
        for (int32_t v = 0; v < k->vertices; v++) {
            float d = (x[v] - at.x) * at.across_x + (y[v] - at.y) * at.across_y;
            at.low = d < at.low ? d : at.low;
            high = d > high ? d : high;
        }
        at.scale = (float)(HB_HAIRS - 1) / (high - at.low);
        cover(k, x, y, &at, now);
        ready(k, s, &h);
        for (int32_t row = now->top; row < now->bottom; row++) {
            int32_t first = now->first[row], end = now->last[row], from = end + 1, to = end;
            if (row >= before->top && row < before->bottom && before->first[row] <= before->last[row]) {
                from = before->first[row];
                to = before->last[row];
            }
            ink_cells(k, &at, &h, row, first, end < from - 1 ? end : from - 1);
            ink_cells(k, &at, &h, row, first > to + 1 ? first : to + 1, end);
        }
        drain(k, s, &h);
        which = !which;
    }
}

/* Uniform in [0, 1) at a point of a lattice: splitmix64 of (seed, x, y). */
HB_INLINE float lattice(uint64_t seed, int64_t x, int64_t y)
{
    uint64_t v = seed + (uint64_t)x * 0xD1B54A32D192ED03ull + (uint64_t)y * 0x9E3779B97F4A7C15ull;
    v ^= v >> 30;
    v *= 0xBF58476D1CE4E5B9ull;
    v ^= v >> 27;
    v *= 0x94D049BB133111EBull;
    v ^= v >> 31;
    return (float)(v >> 40) * (1.0f / 16777216.0f);
}

int64_t hb_ink_lattice(int32_t columns, double pitch, double wave) { return (int64_t)(columns * (pitch / wave)) + 4; }

HB_INLINE float smooth(float t) { return t * t * (3.0f - 2.0f * t); }

HB_INLINE void octave(uint64_t seed, int32_t columns, int32_t rows, double left, double top, double pitch, double wave, float share,
                      float *out, float *upper, float *lower)
{
    int64_t first = (int64_t)floor(left / wave), many = hb_ink_lattice(columns, pitch, wave), held = INT64_MIN;
    for (int32_t r = 0; r < rows; r++) {
        double y = (top + ((double)r + 0.5) * pitch) / wave, whole = floor(y);
        float down = smooth((float)(y - whole));
        if ((int64_t)whole != held) {
            held = (int64_t)whole;
            for (int64_t i = 0; i < many; i++) {
                upper[i] = lattice(seed, first + i, held);
                lower[i] = lattice(seed, first + i, held + 1);
            }
        }
        for (int32_t c = 0; c < columns; c++) {
            double x = (left + ((double)c + 0.5) * pitch) / wave - (double)first, cell = floor(x);
            int64_t i = (int64_t)cell;
            float along = smooth((float)(x - cell));
            float a = upper[i] + along * (upper[i + 1] - upper[i]), b = lower[i] + along * (lower[i + 1] - lower[i]);
            out[(ptrdiff_t)r * columns + c] += share * (a + down * (b - a));
        }
    }
}

HB_CLONES void hb_ink_paper(uint64_t seed, int32_t columns, int32_t rows, double left, double top, double pitch,
                            const double *waves, float share, float *out, float *scratch)
{
    memset(out, 0, sizeof *out * (size_t)columns * (size_t)rows);
    octave(seed, columns, rows, left, top, pitch, waves[0], share, out, scratch, scratch + hb_ink_lattice(columns, pitch, waves[0]));
    octave(seed + 1, columns, rows, left, top, pitch, waves[1], 1.0f - share, out, scratch,
           scratch + hb_ink_lattice(columns, pitch, waves[1]));
}

/* What flows from cell i to cell j, and the pigment in it. */
HB_INLINE void flow(const float *n, const float *passing, const float *pinned, const float *water, const float *thick, int64_t i,
                    int64_t j, float *moved, float *taken)
{
    float difference = water[i] - water[j];
    float amount = n[HB_SPREAD_RATE] * (0.5f * (passing[i] + passing[j])) * difference;
    float held = amount > 0.0f ? pinned[j] : pinned[i], target = amount > 0.0f ? water[j] : water[i];
    float source = amount > 0.0f ? water[i] : water[j], ink = amount > 0.0f ? thick[i] : thick[j];
    /* A dry cell stays dry until enough water stands at its edge. */
    amount = (target <= n[HB_SPREAD_DRY]) & (source < held) ? 0.0f : amount;
    *moved = amount;
    *taken = amount * n[HB_SPREAD_CARRY] * ink;
}

HB_CLONES void hb_ink_spread(int32_t columns, int32_t rows, int64_t steps, const float *n, const float *passing, const float *pinned,
                             float *water, float *pigment, float *scratch)
{
    int64_t all = (int64_t)columns * rows;
    float *thick = scratch, *right = scratch + all, *right_ink = right + all, *down = right_ink + all, *down_ink = down + all;
    memset(right, 0, sizeof *right * (size_t)all * 4);
    for (int64_t step = 0; step < steps; step++) {
        for (int64_t i = 0; i < all; i++)
            thick[i] = pigment[i] / (water[i] > n[HB_SPREAD_DRY] ? water[i] : n[HB_SPREAD_DRY]);
        for (int32_t r = 0; r < rows; r++) {
            int64_t row = (int64_t)r * columns;
            for (int64_t i = row; i < row + columns - 1; i++)
                flow(n, passing, pinned, water, thick, i, i + 1, right + i, right_ink + i);
            if (r + 1 < rows)
                for (int64_t i = row; i < row + columns; i++)
                    flow(n, passing, pinned, water, thick, i, i + columns, down + i, down_ink + i);
        }
        for (int32_t r = 0; r < rows; r++) {
            int64_t row = (int64_t)r * columns;
            for (int64_t i = row; i < row + columns; i++) {
                float in = i > row ? right[i - 1] : 0.0f, in_ink = i > row ? right_ink[i - 1] : 0.0f;
                float above = r > 0 ? down[i - columns] : 0.0f, above_ink = r > 0 ? down_ink[i - columns] : 0.0f;
                float left = (((water[i] - right[i]) + in) - down[i]) + above;
                float ink = (((pigment[i] - right_ink[i]) + in_ink) - down_ink[i]) + above_ink;
                left -= n[HB_SPREAD_LOST];
                water[i] = left > 0.0f ? left : 0.0f;
                pigment[i] = ink > 0.0f ? ink : 0.0f;
            }
        }
    }
}
