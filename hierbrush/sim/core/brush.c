/* Tuft dynamics and ink. The model of tuft and root is the GA Tech dynamic virtual brush (arXiv 1911.08002); what is ours
 * is said in docs/brush.md. */
#include "brush.h"
#include "clones.h"
#include "tuft.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define FLAT 1e-6f        /* samples: an edge flatter than this bounds no row */
#define NOWHERE 1000000   /* beyond any paper, as an empty run of samples */
#define BEYOND 1e6f       /* samples: casts to integers stay defined however flat an edge is */
#define LANES 16          /* rows of samples worked on together */
#define MOST_STEPS 1e8    /* substeps a move; only a handle that left for infinity would need more (24 million are 12 m) */

/* Eight rows or corners at a time. Loops over these types become vector code at any -O level that optimises at all, where
 * plain loops depended on the compiler's mood; the arithmetic is the same lane by lane. */
typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

HB_INLINE v8f load(const float *from)
{
    v8f value;
    memcpy(&value, from, sizeof value);
    return value;
}

HB_INLINE void store(float *to, v8f value) { memcpy(to, &value, sizeof value); }

HB_INLINE v8i load_rows(const int32_t *from)
{
    v8i value;
    memcpy(&value, from, sizeof value);
    return value;
}

HB_INLINE void store_rows(int32_t *to, v8i value) { memcpy(to, &value, sizeof value); }

HB_INLINE v8i pick(v8i mask, v8i yes, v8i no) { return (yes & mask) | (no & ~mask); }

HB_INLINE v8f choose(v8i mask, v8f yes, v8f no) { return (v8f)pick(mask, (v8i)yes, (v8i)no); }

/* A true lane is -1, which corrects the truncation. */
HB_INLINE v8i flooring(v8f value)
{
    v8i whole = __builtin_convertvector(value, v8i);
    return whole + (__builtin_convertvector(whole, v8f) > value);
}

HB_INLINE v8i ceiling(v8f value)
{
    v8i whole = __builtin_convertvector(value, v8i);
    return whole - (__builtin_convertvector(whole, v8f) < value);
}

HB_INLINE int any(v8i mask)
{
    int64_t halves[4];
    memcpy(halves, &mask, sizeof halves);
    return (halves[0] | halves[1] | halves[2] | halves[3]) != 0;
}

HB_INLINE int32_t pitch(int32_t samples) { return (samples + 63) >> 6; }

/* Uniform in [0, 1) from a counter: splitmix64 of (seed, slot, draw). Steele, Lea, Flood 2014. */
HB_INLINE double uniform(uint64_t seed, uint64_t slot, uint64_t draw)
{
    uint64_t x = seed + slot * 0xD1B54A32D192ED03ull + draw * 0x9E3779B97F4A7C15ull;
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9ull;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBull;
    x ^= x >> 31;
    return (double)(x >> 11) * (1.0 / 9007199254740992.0);
}

/* Standard normal as a centred sum of twelve uniforms: only exact operations, so that every core draws the same bits. */
HB_INLINE double normal(const hb_batch *b, int64_t slot)
{
    double sum = 0.0;
    for (int i = 0; i < 12; i++)
        sum += uniform(b->seed, (uint64_t)slot, b->draws[slot] + (uint64_t)i);
    b->draws[slot] += 12;
    return sum - 6.0;
}

/* The runs of samples inked in one tick, a row each, not yet on the paper. Neighbouring stamps overlap, so one run a row
 * nearly always serves the whole tick. */
typedef struct {
    const hb_batch *b;
    int64_t slot;
    int32_t columns, rows, words;
    uint64_t *ink;
    const uint64_t *mask;
    int32_t top, bottom; /* rows touched: top <= row < bottom */
    int32_t in, out;
    int32_t first[HB_MAX_SAMPLES + LANES];
    int32_t last[HB_MAX_SAMPLES + LANES];
} wet;

HB_INLINE void dry_row(wet *w, int32_t row)
{
    int32_t first = w->first[row], last = w->last[row];
    if (first > last)
        return;
    uint64_t *ink = w->ink + (ptrdiff_t)row * w->words;
    const uint64_t *mask = w->mask ? w->mask + (ptrdiff_t)row * w->words : NULL;
    for (int32_t word = first >> 6; word <= last >> 6; word++) {
        uint64_t run = ~0ull;
        if (word == first >> 6)
            run &= ~0ull << (first & 63);
        if (word == last >> 6)
            run &= ~0ull >> (63 - (last & 63));
        uint64_t fresh = run & ~ink[word];
        uint64_t wanted = mask ? mask[word] : 0;
        ink[word] |= run;
        w->in += __builtin_popcountll(fresh & wanted);
        w->out += __builtin_popcountll(fresh & ~wanted);
    }
}

HB_INLINE void touch_rows(wet *w, int32_t from, int32_t to)
{
    if (w->top >= w->bottom)
        w->top = w->bottom = from;
    while (w->top > from) {
        w->top--;
        w->first[w->top] = NOWHERE;
        w->last[w->top] = -NOWHERE;
    }
    while (w->bottom < to) {
        w->first[w->bottom] = NOWHERE;
        w->last[w->bottom] = -NOWHERE;
        w->bottom++;
    }
}

/* Press one footprint: a convex polygon, so every row of samples meets it in one run. */
HB_INLINE void stamp(wet *w)
{
    const hb_batch *b = w->b;
    const double *pose = b->pose + 3 * w->slot, *direction = b->direction + 2 * w->slot, *tuft = b->tuft + 3 * w->slot;
    const int32_t *window = b->window + 4 * w->slot;
    const double scale = b->per_metre;
    double column = pose[0] * scale - (double)window[0] * b->supersample;
    double row = pose[1] * scale - (double)window[1] * b->supersample;
    double whole_column = floor(column), whole_row = floor(row);
    if (!(fabs(whole_column) < BEYOND && fabs(whole_row) < BEYOND))
        return;
    float ux = (float)direction[0], uy = (float)direction[1];
    float base_x = (float)(column - whole_column + tuft[2] * direction[0] * scale);
    float base_y = (float)(row - whole_row + tuft[2] * direction[1] * scale);
    float half = (float)(tuft[0] * 0.5 * scale), tip = (float)(tuft[1] * scale);
    float back = (float)b->params[HB_PARAMS * w->slot + HB_BACK_RATIO] * half;

    /* Corners relative to the handle's own sample, so that ink does not depend on where on the paper a stroke lies. */
    float x[HB_MAX_VERTICES + 8], y[HB_MAX_VERTICES + 8], slope[HB_MAX_VERTICES], fall[HB_MAX_VERTICES];
    int32_t vertices = b->vertices;
    const v8f nothing = {0};
    v8f lows = nothing + BEYOND, highs = nothing - BEYOND;
    int32_t v = 0;
    do {
        v8f along = load(b->footprint + v), across = load(b->footprint + vertices + v);
        v8f s = along * choose(along > 0.0f, nothing + tip, nothing + back), t = across * half;
        v8f px = base_x + s * ux - t * uy, py = base_y + s * uy + t * ux;
        store(x + v, px);
        store(y + v, py);
        lows = choose(py < lows, py, lows);
        highs = choose(py > highs, py, highs);
    } while ((v += 8) < vertices);
    x[vertices] = x[0];
    y[vertices] = y[0];
    float low = lows[0], high = highs[0];
    for (int32_t i = 1; i < 8; i++) {
        low = lows[i] < low ? lows[i] : low;
        high = highs[i] > high ? highs[i] : high;
    }
    if (!(low > -BEYOND && high < BEYOND))
        return;
    int32_t origin_row = (int32_t)whole_row, origin_column = (int32_t)whole_column;
    int32_t from = (int32_t)ceilf(low - 0.5f) + origin_row, to = (int32_t)floorf(high - 0.5f) + 1 + origin_row;
    from = from < 0 ? 0 : from;
    to = to > w->rows ? w->rows : to;
    if (from >= to)
        return;
    for (v = 0; v < vertices; v += 8) {
        v8f drop = load(y + v + 1) - load(y + v), run = load(x + v + 1) - load(x + v);
        store(fall + v, drop);
        store(slope + v, run / choose((drop < FLAT) & (drop > -FLAT), nothing + 1.0f, drop));
    }
    /* Clockwise on the page: edges that fall bound the rows on the right, edges that rise on the left. */
    int32_t right_edge[HB_MAX_VERTICES], left_edge[HB_MAX_VERTICES], rights = 0, lefts = 0;
    for (v = 0; v < vertices; v++) {
        right_edge[rights] = left_edge[lefts] = v;
        rights += fall[v] >= FLAT;
        lefts += fall[v] <= -FLAT;
    }
    touch_rows(w, from, from + (to - from + LANES - 1) / LANES * LANES);

    const v8i lane = {0, 1, 2, 3, 4, 5, 6, 7};
    const v8i none = {0}, nowhere = none + NOWHERE, limit = none + (w->columns - 1);
    for (int32_t block = from; block < to; block += LANES) {
        v8f centre[2], left[2], right[2];
        for (int32_t h = 0; h < 2; h++) {
            centre[h] = __builtin_convertvector(lane + (block + 8 * h - origin_row), v8f) + 0.5f;
            left[h] = nothing - BEYOND;
            right[h] = nothing + BEYOND;
        }
        for (int32_t e = 0; e < rights; e++) {
            float x0 = x[right_edge[e]], y0 = y[right_edge[e]], dx = slope[right_edge[e]];
            v8f upper = x0 + (centre[0] - y0) * dx, lower = x0 + (centre[1] - y0) * dx;
            right[0] = choose(upper < right[0], upper, right[0]);
            right[1] = choose(lower < right[1], lower, right[1]);
        }
        for (int32_t e = 0; e < lefts; e++) {
            float x0 = x[left_edge[e]], y0 = y[left_edge[e]], dx = slope[left_edge[e]];
            v8f upper = x0 + (centre[0] - y0) * dx, lower = x0 + (centre[1] - y0) * dx;
            left[0] = choose(upper > left[0], upper, left[0]);
            left[1] = choose(lower > left[1], lower, left[1]);
        }
        for (int32_t h = 0; h < 2; h++) {
            int32_t *wet_first = w->first + block + 8 * h, *wet_last = w->last + block + 8 * h;
            v8i first = ceiling(choose(left[h] < BEYOND, left[h], nothing + BEYOND) - 0.5f) + origin_column;
            v8i last = flooring(choose(right[h] > -BEYOND, right[h], nothing - BEYOND) - 0.5f) + origin_column;
            first = pick(first < 0, none, first);
            last = pick(last > limit, limit, last);
            v8i empty = (first > last) | (lane + (block + 8 * h) >= to);
            first = pick(empty, nowhere, first);
            last = pick(empty, -nowhere, last);
            v8i old_first = load_rows(wet_first), old_last = load_rows(wet_last);
            v8i apart = ~empty & (old_first <= old_last) & ((first > old_last + 1) | (last < old_first - 1));
            if (any(apart)) /* a turned stroke comes back over a gap: what is wet there goes to the paper first */
                for (int32_t i = 0; i < 8; i++)
                    if (apart[i]) {
                        dry_row(w, block + 8 * h + i);
                        old_first[i] = NOWHERE;
                        old_last[i] = -NOWHERE;
                    }
            store_rows(wet_first, pick(first < old_first, first, old_first));
            store_rows(wet_last, pick(last > old_last, last, old_last));
        }
    }
}

HB_INLINE void trail(const hb_batch *b, int64_t slot, double x, double y, double z)
{
    const double *p = b->params + HB_PARAMS * slot;
    double *pose = b->pose + 3 * slot, *root = b->root + 2 * slot, *u = b->direction + 2 * slot, *tuft = b->tuft + 3 * slot;
    if (b->network)
        hb_trail_by(p, b->network, pose, root, u, tuft, x, y, z);
    else
        hb_trail(p, pose, root, u, tuft, x, y, z);
}

HB_INLINE void wet_paper(const hb_batch *b, int64_t slot, wet *w)
{
    const int32_t *window = b->window + 4 * slot;
    w->b = b;
    w->slot = slot;
    w->columns = window[2] * b->supersample;
    w->rows = window[3] * b->supersample;
    w->words = pitch(w->columns);
    w->ink = b->ink + slot * b->ink_stride;
    w->mask = b->goals.track ? b->goals.mask + b->goals.mask_offset[b->goal[slot]]
                             : b->wanted ? b->wanted + slot * b->ink_stride : NULL;
    w->top = w->bottom = 0;
    w->in = w->out = 0;
}

HB_INLINE void dry_paper(wet *w)
{
    int32_t *counts = w->b->counts + HB_COUNTS * w->slot;
    for (int32_t row = w->top; row < w->bottom; row++)
        dry_row(w, row);
    counts[HB_NEW_IN] = w->in;
    counts[HB_NEW_OUT] = w->out;
    /* Totals wrap if a caller filled them with nonsense; signed overflow would be undefined. */
    counts[HB_TOTAL_IN] = (int32_t)((uint32_t)counts[HB_TOTAL_IN] + (uint32_t)w->in);
    counts[HB_TOTAL_OUT] = (int32_t)((uint32_t)counts[HB_TOTAL_OUT] + (uint32_t)w->out);
}

/* Move the handle in a straight line, stamping on the way; returns the substeps taken. */
HB_INLINE int64_t travel(wet *w, double x, double y, double z)
{
    const hb_batch *b = w->b;
    int64_t slot = w->slot;
    const double *pose = b->pose + 3 * slot, *p = b->params + HB_PARAMS * slot;
    double x0 = pose[0], y0 = pose[1], z0 = pose[2];
    double dx = on_grid(x) - x0, dy = on_grid(y) - y0, dz = on_grid(z) - z0;
    double far = sqrt(dx * dx + dy * dy), deep = fabs(dz);
    double steps = ceil((far > deep ? far : deep) / b->spacing);
    /* Nothing can touch the paper at depths of 0 or less: one step takes the handle there. */
    if (!(steps >= 1.0 && steps <= MOST_STEPS) || (z0 <= 0.0 && z0 + dz <= 0.0) || p[HB_MAX_DEPTH] <= 0.0)
        steps = 1.0;
    int64_t count = (int64_t)steps;
    for (int64_t k = 1; k <= count; k++) {
        double share = (double)k / steps;
        trail(b, slot, x0 + on_grid(dx * share), y0 + on_grid(dy * share), z0 + on_grid(dz * share));
        if (b->tuft[3 * slot] > 0.0)
            stamp(w);
    }
    return count;
}

HB_CLONES int64_t hb_step(const hb_batch *b, int64_t lo, int64_t hi)
{
    wet w;
    int64_t slot = lo, substeps = 0;
    for (; slot < hi && substeps < HB_BREATH; slot++) {
        const double *target = b->target + 3 * slot;
        double *pose = b->pose + 3 * slot, *moved = b->moved + 3 * slot;
        double x = pose[0], y = pose[1], z = pose[2];
        wet_paper(b, slot, &w);
        substeps += travel(&w, target[0], target[1], target[2]);
        dry_paper(&w);
        moved[0] = pose[0] - x;
        moved[1] = pose[1] - y;
        moved[2] = pose[2] - z;
    }
    return slot;
}

HB_INLINE double clip(double value, double low, double high)
{
    value = value > low ? value : low;
    return value < high ? value : high;
}

/* Ask for the distances around the handle, which hb_observe will read: by then they are there. */
HB_INLINE void foresee(const hb_batch *b, int64_t slot, int32_t goal)
{
    enum { AROUND = 20 };
    const int32_t *window = b->window + 4 * slot;
    const double pixels = b->per_metre / (double)b->supersample;
    double column = b->pose[3 * slot] * pixels - (double)window[0], row = b->pose[3 * slot + 1] * pixels - (double)window[1];
    if (!(column >= 0.0 && column < (double)window[2] && row >= 0.0 && row < (double)window[3]))
        return;
    int32_t left = (int32_t)column - AROUND, from = (int32_t)row - AROUND, to = (int32_t)row + AROUND;
    left = left < 0 ? 0 : left;
    from = from < 0 ? 0 : from;
    to = to < window[3] ? to : window[3];
    const int8_t *at = b->goals.distance + b->goals.distance_offset[goal] + (ptrdiff_t)from * window[2] + left;
    for (int32_t i = from; i < to; i++, at += window[2]) {
        __builtin_prefetch(at);
        __builtin_prefetch(at + 2 * AROUND);
    }
}

/* Move the handle by one control tick: `wanted` is its next command, within what the hand can do, and it follows the uniform
 * cubic B-spline of its commands, so that its speed and acceleration are continuous. Returns the substeps taken. */
HB_INLINE int64_t follow(const hb_batch *b, int64_t slot, wet *w, const double *wanted, int32_t next)
{
    const double *p = b->params + HB_PARAMS * slot;
    double *pose = b->pose + 3 * slot, *moved = b->moved + 3 * slot, *midway = b->midway + 3 * slot;
    double *command = b->command + 9 * slot; /* last, before last, the one before */
    const double *noise = b->noise + HB_NOISE * slot;
    double *error = b->drift + 3 * slot;
    /* The arm's encoders see where the handle was; a closed loop takes that much off the next command. */
    const double gain = b->tick[slot] ? noise[HB_FEEDBACK] : 0.0;
    double dx = wanted[0] - gain * error[0] - command[0];
    double dy = wanted[1] - gain * error[1] - command[1];
    double dz = clip(wanted[2], -b->lift_height, p[HB_MAX_DEPTH]) - gain * error[2] - command[2];
    double far = sqrt(dx * dx + dy * dy);
    if (far > b->max_move) {
        dx = dx * (b->max_move / far);
        dy = dy * (b->max_move / far);
    }
    dz = clip(dz, -b->max_press, b->max_press);
    double fresh[3] = {command[0] + on_grid(dx), command[1] + on_grid(dy), command[2] + on_grid(dz)};
    if (noise[HB_SIGMA] > 0.0)
        for (int i = 0; i < 3; i++)
            error[i] = b->tick[slot] ? noise[HB_MEMORY] * error[i] + noise[HB_FRESH] * normal(b, slot)
                                     : noise[HB_SIGMA] * normal(b, slot);
    else
        error[0] = error[1] = error[2] = 0.0;
    /* Differences first, so that the place on the paper does not enter the rounding. */
    double half[3], whole[3];
    for (int i = 0; i < 3; i++) {
        double c0 = fresh[i], c1 = command[i], c2 = command[3 + i], c3 = command[6 + i];
        half[i] = c2 + on_grid(((c3 - c2) + 23.0 * (c1 - c2) + (c0 - c2)) / 48.0 + error[i]);
        whole[i] = c1 + on_grid(((c2 - c1) + (c0 - c1)) / 6.0 + error[i]);
    }
    double x = pose[0], y = pose[1], z = pose[2];
    wet_paper(b, slot, w);
    int64_t substeps = travel(w, half[0], half[1], half[2]);
    memcpy(midway, pose, 3 * sizeof(double));
    substeps += travel(w, whole[0], whole[1], whole[2]);
    dry_paper(w);
    moved[0] = pose[0] - x;
    moved[1] = pose[1] - y;
    moved[2] = pose[2] - z;
    memmove(command + 3, command, 6 * sizeof(double));
    memcpy(command, fresh, sizeof fresh);
    b->tick[slot] = next;
    return substeps;
}

HB_CLONES int64_t hb_command(const hb_batch *b, int64_t lo, int64_t hi)
{
    wet w;
    int64_t slot = lo, substeps = 0;
    for (; slot < hi && substeps < HB_BREATH; slot++) {
        int32_t tick = b->tick[slot], last = b->goals.track ? b->goals.ticks[b->goal[slot]] : INT32_MAX;
        substeps += follow(b, slot, &w, b->target + 3 * slot, tick < last ? tick + 1 : last);
    }
    return slot;
}

HB_CLONES int64_t hb_track(const hb_batch *b, int64_t lo, int64_t hi)
{
    wet w;
    int64_t slot = lo, substeps = 0;
    for (; slot < hi && substeps < HB_BREATH; slot++) {
        const hb_goals *g = &b->goals;
        int32_t goal = b->goal[slot], next = b->tick[slot] + 1;
        next = next < g->ticks[goal] ? next : g->ticks[goal];
        if (b->observation_size == HB_OBS_FULL)
            foresee(b, slot, goal);
        const double *ref = g->track + (g->track_offset[goal] + next) * HB_TRACK;
        const float *action = b->action + 3 * slot;
        double along = clip((double)action[0], -1.0, 1.0) * b->reach;
        double across = clip((double)action[1], -1.0, 1.0) * b->reach;
        double press = clip((double)action[2], -1.0, 1.0) * b->reach;
        double wanted[3] = {ref[HB_REF_X] + (along * ref[HB_TANGENT_X] - across * ref[HB_TANGENT_Y]),
                            ref[HB_REF_Y] + (along * ref[HB_TANGENT_Y] + across * ref[HB_TANGENT_X]), ref[HB_REF_Z] + press};
        substeps += follow(b, slot, &w, wanted, next);
    }
    return slot;
}
