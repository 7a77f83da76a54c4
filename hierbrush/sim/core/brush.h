/* The brush simulator: plain C99, no Python, no allocation, no global state.
 *
 * Constant data (brush parameters, goals) and mutable data (tuft, paper, counters) are arrays that the caller owns, laid
 * out as structure of arrays with one row a slot. Rows are independent: any partition of the slots over calls or threads
 * gives the same bits. `reference.py` is the readable specification; the tests hold this code to it bit for bit, so the
 * order of every floating-point operation here is part of the contract (compile with -ffp-contract=off).
 */
#ifndef HIERBRUSH_BRUSH_H
#define HIERBRUSH_BRUSH_H

#include <stdint.h>

/* Columns of hb_batch.params; metres. Widths and lengths are polynomials of the press depth z. */
enum {
    HB_WIDTH_SLOPE,     /* W(z) = slope z + intercept */
    HB_WIDTH_INTERCEPT,
    HB_LENGTH_SLOPE,    /* D(z) = slope z + intercept */
    HB_LENGTH_INTERCEPT,
    HB_OFFSET_QUADRATIC,/* O(z) = quadratic z^2 + slope z + intercept, never below 0 */
    HB_OFFSET_SLOPE,
    HB_OFFSET_INTERCEPT,
    HB_ROOT_RATIO,      /* the root lies offset + ratio * length behind the handle */
    HB_BACK_RATIO,      /* semi-axis of the rounded base along the tuft, in half-widths */
    HB_MAX_DEPTH,       /* deeper presses act like this one */
    HB_PARAMS
};

/* A brush's network, float64: what the mark's numbers lack, from the press, the movement and where the tuft points. Layer by layer
 * the weights [inputs, outputs], then the biases. */
enum { HB_NET_IN = 5, HB_NET_HIDDEN = 12, HB_NET_OUT = 5,
       HB_NETWORK = (HB_NET_IN + 1) * HB_NET_HIDDEN + (HB_NET_HIDDEN + 1) * HB_NET_OUT };

/* Columns of hb_batch.noise: standard deviation in metres, share of the last tick's error that stays, and standard deviation
 * of what is new. */
enum { HB_SIGMA, HB_MEMORY, HB_FRESH, HB_FEEDBACK, HB_NOISE };

/* Columns of hb_batch.counts: newly inked samples. */
enum { HB_NEW_IN, HB_NEW_OUT, HB_TOTAL_IN, HB_TOTAL_OUT, HB_COUNTS };

/* Columns of hb_goals.track, one row a control tick. */
enum { HB_REF_X, HB_REF_Y, HB_REF_Z, HB_MID_X, HB_MID_Y, HB_RADIUS, HB_TANGENT_X, HB_TANGENT_Y, HB_TRACK };

enum {
    HB_MAX_VERTICES = 64,   /* of a footprint */
    HB_MAX_SAMPLES = 4096,  /* rows or columns of a paper, in samples */
    HB_BREATH = 1 << 14,    /* substeps after which a call comes up for air, so that Ctrl-C is seen */
    HB_AHEAD = 9,           /* look-ahead points in an observation */
    HB_DISCS = 7,           /* inscribed discs probed for distance */
    HB_CONTOUR = 8,         /* points of the footprint's contour probed for distance */
    HB_PATCH_ALONG = 9,     /* local patch of distance and ink */
    HB_PATCH_ACROSS = 7,
    HB_OBS_TRACK = 14 + 5 + 5 * HB_AHEAD,
    HB_OBS_FULL = HB_OBS_TRACK + 3 * HB_DISCS + HB_CONTOUR + 2 * HB_PATCH_ALONG * HB_PATCH_ACROSS
};

/* A bank of stroke goals, constant while brushes write. Offsets index the flat arrays; windows are x, y, width and height
 * in pixels of the character's raster. Null `track` means: no bank. */
typedef struct {
    int64_t count;
    const int32_t *window;        /* [G, 4] */
    const int32_t *ticks;         /* [G]  control ticks of an episode */
    const int32_t *area;          /* [G]  samples wanted */
    const int64_t *mask_offset;   /* [G]  into mask */
    const int64_t *distance_offset;/*[G]  into distance */
    const int64_t *track_offset;  /* [G]  into track, in rows */
    const uint64_t *mask;         /* samples wanted, one bit each, rows padded to 64 */
    const int8_t *distance;       /* signed distance to the outline, quarter pixels, inside positive */
    const double *track;          /* [sum(ticks + 1), HB_TRACK] */
} hb_goals;

typedef struct {
    /* constant */
    int64_t slots;
    int32_t supersample;      /* samples a pixel side */
    int32_t vertices;         /* of the footprint */
    int64_t ink_stride;       /* words a slot */
    double per_metre;         /* samples a metre */
    double spacing;           /* metres between stamps, at most */
    double unit;              /* metres: the length scale of observations */
    double reach;             /* metres: action 1.0 */
    double max_move;          /* metres a tick in the plane, of a command */
    double max_press;         /* metres a tick in depth */
    double lift_height;       /* metres above first touch that a handle may rise under residual control */
    uint64_t seed;
    const double *params;     /* [N, HB_PARAMS] */
    const double *network;    /* [HB_NETWORK] of all brushes, or null: the numbers alone */
    const float *footprint;   /* [2, V] unit footprint: along, across; clockwise, V a multiple of 8 */
    const double *noise;      /* [N, HB_NOISE] the handle's error, a first-order autoregression, and the share of it fed back */
    const uint64_t *wanted;   /* [N, ink_stride] samples wanted on each slot's paper, where there is no bank; null for none */
    hb_goals goals;
    /* mutable */
    int32_t *window;          /* [N, 4] of each slot's paper, pixels */
    double *pose;             /* [N, 3] handle x, y, z, metres, on a grid of 2^-32 m */
    double *root;             /* [N, 2] root relative to the handle, metres */
    double *direction;        /* [N, 2] unit vector from handle to tip */
    double *tuft;             /* [N, 3] width, length, offset, metres; zero when lifted */
    double *moved;            /* [N, 3] handle displacement of the last tick, metres */
    double *midway;           /* [N, 3] where the handle was half a tick ago (hb_track, hb_command), metres */
    double *drift;            /* [N, 3] the handle's error in the last tick (hb_track, hb_command), metres */
    double *command;          /* [N, 3, 3] last three commanded poses, newest first (hb_track, hb_command), metres */
    uint64_t *ink;            /* [N, ink_stride] */
    uint64_t *draws;          /* [N] random numbers drawn so far */
    int32_t *counts;          /* [N, HB_COUNTS] */
    int32_t *goal;            /* [N] */
    int32_t *tick;            /* [N] */
    /* exchanged each tick */
    const double *target;     /* [N, 3] where hb_step takes the handle, or the next command of hb_command, metres */
    const float *action;      /* [N, 3] residuals for hb_track, in reaches, clipped to [-1, 1] */
    float *observation;       /* [N, observation_size] */
    int32_t observation_size; /* 0, HB_OBS_TRACK or HB_OBS_FULL */
} hb_batch;

/* Advance slots lo..hi-1 by one control tick towards `target`. Returns the slot to go on with: hi, or an earlier one when
 * HB_BREATH substeps are done. */
int64_t hb_step(const hb_batch *b, int64_t lo, int64_t hi);
/* The same by a hand: `target` is the next command, and the handle follows the cubic B-spline of its commands, in two straight
 * moves a tick, within the hand's limits and with its error. */
int64_t hb_command(const hb_batch *b, int64_t lo, int64_t hi);
/* The same under residual control: the goal's next reference pose plus the action in the stroke's frame is the next command. */
int64_t hb_track(const hb_batch *b, int64_t lo, int64_t hi);
/* Write the observations of slots lo..hi-1. */
void hb_observe(const hb_batch *b, int64_t lo, int64_t hi);

/* Bits of the samples whose centre lies inside the polygon (nonzero winding), OR-ed into `bits`. Coordinates in samples;
 * `winding` is scratch of (columns + 1) int32 a row, zero before and after. */
void hb_fill_polygon(const double *points, int64_t count, int32_t columns, int32_t rows, int32_t *winding,
                     uint64_t *bits);
/* Signed distance from each pixel centre to the polygon, quarter pixels, saturated at +-127, inside positive. */
void hb_polygon_distance(const double *points, int64_t count, int32_t columns, int32_t rows, const uint64_t *inside,
                         int8_t *out);
/* Distance from each of `count` points to the closed polygon, inside or outside. */
void hb_outline_distance(const double *points, int64_t count, const double *outline, int64_t corners, double *out);
/* The nearest point to each of `count` points on an open line of equally long steps: of the two steps at the nearest corner. */
void hb_nearest_points(const double *points, int64_t count, const double *line, int64_t corners, double *out);
/* Where two strokes come nearest, for each of `count` pairs [2, count]: out [count, 7] has the gap between their edges,
 * negative where they overlap, the point on each skeleton, and the direction in which the first moves away. Strokes whose
 * skeletons cross come apart by the shortest of their four ends beyond the crossing; its direction is measured across
 * `reach` corners. lines [.., corners, 2], half-widths [.., corners]. */
void hb_contacts(const double *lines, const double *widths, int64_t corners, const int64_t *pairs, int64_t count, int64_t reach,
                 double *out);
/* Exact Euclidean distance in pixels to the nearest nonzero byte of `mask`; infinity where there is none. Felzenszwalb and
 * Huttenlocher, "Distance transforms of sampled functions", 2012. `scratch` holds 4 * (max(rows, columns) + 1) doubles. */
void hb_distance_transform(const uint8_t *mask, int32_t columns, int32_t rows, float *out, double *scratch);

/* The policies' networks, float32; arrays are contiguous, rows first. */
enum { HB_HEAD = 32 }; /* width of an attention head */

/* out [rows, outputs] = bias + x [rows, inputs] weight [inputs, outputs], summed from the bias on over the inputs in order;
 * negative sums are 0 where `rectified`. Packed weights [outputs / HB_PANEL, inputs, HB_PANEL] lie in memory as they are read.
 * `scratch` holds 8 * inputs floats. */
enum { HB_PANEL = 16 };
void hb_linear(const float *x, int64_t rows, int64_t inputs, const float *weight, int packed, const float *bias,
               int64_t outputs, int rectified, float *out, float *scratch);
/* A layer of a network: weight [inputs, outputs], bias [outputs]. */
typedef struct {
    const float *weight, *bias;
    int64_t inputs, outputs;
} hb_layer;
/* One row of out [.., outputs] for each of `count` numbers in `rows`: that row of x [.., inputs] through all layers, of which
 * each but the last is rectified, cut to [-1, 1]. `scratch` holds 8 * widest + 2 * count * widest floats. */
void hb_perceptron(const float *x, const int64_t *rows, int64_t count, const hb_layer *layers, int depth, int64_t widest,
                   float *out, float *scratch);
/* Scaled dot-product attention among the rows of each of `count` characters that exist: qkv [count, rows, 3, heads, HB_HEAD],
 * out [count, rows, heads, HB_HEAD]. `scratch` holds (HB_HEAD + 1) * (rows + 7) floats. */
void hb_attention(const float *qkv, const uint8_t *exists, int64_t count, int64_t rows, int64_t heads, float *out, float *scratch);
/* Layer normalisation of each row; `width` is a multiple of 8. */
void hb_normalise(const float *x, int64_t rows, int64_t width, const float *weight, const float *bias, float epsilon, float *out);

#endif
