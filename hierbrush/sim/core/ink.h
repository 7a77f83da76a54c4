/* Ink that runs dry and spreads: a pass over a recorded movement, beside the simulator and apart from it.
 *
 * Plain C99, no Python, no allocation, no global state. `ink_reference.py` is the readable specification; the tests hold
 * this code to it bit for bit, so the order of every floating-point operation is part of the contract.
 */
#ifndef HIERBRUSH_INK_H
#define HIERBRUSH_INK_H

#include <stdint.h>

/* Columns of a recorded movement, a row a stamp; metres, metres a second. A row of width 0 is a brush in the air. */
enum { HB_STAMP_X, HB_STAMP_Y, HB_STAMP_Z, HB_STAMP_UX, HB_STAMP_UY, HB_STAMP_WIDTH, HB_STAMP_LENGTH, HB_STAMP_OFFSET,
       HB_STAMP_STEP, HB_STAMP_SPEED, HB_STAMP };

/* What a tuft is between two stamps of `hb_ink_follow`: handle x, y, z, root x, y relative to it, direction x, y. */
enum { HB_FOLLOW = 7 };

/* Hairs of the bundle; what it is between two strokes: the ink at each hair's tip, then the rest. */
enum { HB_HAIRS = 96, HB_RESERVOIR = HB_HAIRS, HB_SPLIT, HB_TRAVELLED, HB_AXIS_X, HB_AXIS_Y, HB_BUNDLE };

/* Numbers of an ink, float32; see hierbrush/ink/model.py for what they mean. */
enum { HB_INK_BASE, HB_INK_WET, HB_INK_PRESS, HB_INK_FULL, HB_INK_HAIR, HB_INK_SPEED, HB_INK_EDGE, HB_INK_HARD, HB_INK_FLOW,
       HB_INK_COST, HB_INK_MIX, HB_INK_SHARE, HB_INK_SPLITTING, HB_INK_FORK, HB_INK_ALONG, HB_INK_MM, HB_INK_DOSE, HB_INK };

/* Numbers of spreading: share of a difference that flows in a step, water lost in a step, share of the pigment that goes
 * with the water, and the water below which paper counts as dry. */
enum { HB_SPREAD_RATE, HB_SPREAD_LOST, HB_SPREAD_CARRY, HB_SPREAD_DRY, HB_SPREAD };

typedef struct {
    int32_t columns, rows, vertices;
    int64_t hair_rows;
    double per_metre;         /* cells a metre */
    float back;               /* semi-axis of the rounded base, in half-widths */
    const float *footprint;   /* [2, vertices] unit footprint: along, across; clockwise */
    const float *numbers;     /* [HB_INK] */
    const float *hair;        /* [hair_rows, 2, HB_HAIRS] heights of single hairs and of locks of them */
    const float *paper;       /* [rows, columns] height of the paper, 0 to 1 */
    float *bundle;            /* [HB_BUNDLE] */
    float *film;              /* [rows, columns] ink laid down, added to */
} hb_ink;

/* Record a movement: straight lines from row to row of `path` [rows, 3], stamps `spacing` apart at most, `speed` [rows] on
 * the way to each row; `network` as of hb_batch. Returns the number of stamps, or -1 where `out` [room, HB_STAMP] is too small. */
int64_t hb_ink_follow(const double *path, const double *speed, int64_t rows, const double *params, const double *network,
                      double spacing, double *state, double *out, int64_t room);
/* Drag the bundle over the paper: cells that the footprint comes to cover take ink from the hair that passes over them. */
void hb_ink_drag(const hb_ink *k, const double *stamps, int64_t count);
/* Two octaves of value noise, 0 to 1. `scratch` holds 2 * lattice floats, lattice as `hb_ink_lattice` says. */
int64_t hb_ink_lattice(int32_t columns, double pitch, double wave);
void hb_ink_paper(uint64_t seed, int32_t columns, int32_t rows, double left, double top, double pitch, const double *waves,
                  float share, float *out, float *scratch);
/* Let water flow between cells for some steps, taking pigment along; all [rows, columns]. `scratch` holds 5 such arrays. */
void hb_ink_spread(int32_t columns, int32_t rows, int64_t steps, const float *numbers, const float *passing, const float *pinned,
                   float *water, float *pigment, float *scratch);

#endif
