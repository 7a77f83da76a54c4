/* What a stroke policy sees. The layout is documented in hierbrush/sim/observation.py, column by column. */
#include "brush.h"
#include "clones.h"

#include <math.h>
#include <stddef.h>

static const int32_t AHEAD[HB_AHEAD] = {0, 1, 2, 3, 4, 6, 8, 12, 16}; /* ticks after the next */

typedef struct {
    const int8_t *distance;
    const uint64_t *ink;
    int32_t columns, rows, words, supersample;
    double left, top;       /* of the window, pixels */
    double per_metre;       /* pixels a metre */
    double quarter;         /* one step of `distance`, in units */
} field;

/* Signed distance at a point in metres, interpolated between pixel centres; beyond the window its edge goes on. */
HB_INLINE double distance_at(const field *f, double x, double y)
{
    double column = x * f->per_metre - f->left - 0.5, row = y * f->per_metre - f->top - 0.5;
    double last_column = (double)(f->columns - 2), last_row = (double)(f->rows - 2);
    double c = floor(column), r = floor(row);
    c = c > 0.0 ? c : 0.0;
    c = c < last_column ? c : last_column;
    r = r > 0.0 ? r : 0.0;
    r = r < last_row ? r : last_row;
    double a = column - c, b = row - r;
    a = a > 0.0 ? a : 0.0;
    a = a < 1.0 ? a : 1.0;
    b = b > 0.0 ? b : 0.0;
    b = b < 1.0 ? b : 1.0;
    const int8_t *at = f->distance + (ptrdiff_t)r * f->columns + (ptrdiff_t)c;
    const int8_t *under = at + f->columns;
    double upper = (double)at[0] + a * ((double)at[1] - (double)at[0]);
    double lower = (double)under[0] + a * ((double)under[1] - (double)under[0]);
    return (upper + b * (lower - upper)) * f->quarter;
}

HB_INLINE void look(const field *f, double x, double y, float *distance, float *inked)
{
    double column = floor(x * f->per_metre - f->left), row = floor(y * f->per_metre - f->top);
    if (!(column >= 0.0 && column < (double)f->columns && row >= 0.0 && row < (double)f->rows)) {
        *distance = (float)(-127.0 * f->quarter);
        *inked = 0.0f;
        return;
    }
    int32_t c = (int32_t)column, r = (int32_t)row;
    *distance = (float)((double)f->distance[(ptrdiff_t)r * f->columns + c] * f->quarter);
    /* The sample right of and below the pixel's centre stands for the pixel. */
    c = c * f->supersample + (f->supersample >> 1);
    r = r * f->supersample + (f->supersample >> 1);
    *inked = (float)(f->ink[(ptrdiff_t)r * f->words + (c >> 6)] >> (c & 63) & 1);
}

HB_CLONES void hb_observe(const hb_batch *b, int64_t lo, int64_t hi)
{
    const hb_goals *g = &b->goals;
    const double per_unit = 1.0 / b->unit, per_far = 0.25 * per_unit;
    const double pixels = b->per_metre / (double)b->supersample;
    for (int64_t slot = lo; slot < hi; slot++) {
        const double *pose = b->pose + 3 * slot, *tuft = b->tuft + 3 * slot, *u = b->direction + 2 * slot;
        const double *command = b->command + 9 * slot, *moved = b->moved + 3 * slot;
        const int32_t *counts = b->counts + HB_COUNTS * slot, *window = b->window + 4 * slot;
        int32_t goal = b->goal[slot], now = b->tick[slot], ticks = g->ticks[goal];
        int32_t next = now + 1 < ticks ? now + 1 : ticks;
        const double *track = g->track + g->track_offset[goal] * HB_TRACK;
        const double *ref = track + (ptrdiff_t)now * HB_TRACK, *ahead = track + (ptrdiff_t)next * HB_TRACK;
        double tx = ahead[HB_TANGENT_X], ty = ahead[HB_TANGENT_Y];
        float *o = b->observation + slot * b->observation_size;
        double area = (double)(g->area[goal] > 0 ? g->area[goal] : 1);

        double ex = pose[0] - ref[HB_REF_X], ey = pose[1] - ref[HB_REF_Y];
        *o++ = (float)(pose[2] * per_unit);
        *o++ = (float)((ahead[HB_REF_Z] - pose[2]) * per_unit);
        *o++ = (float)(tuft[0] * per_unit);
        *o++ = (float)(tuft[2] * per_unit);
        *o++ = (float)(u[0] * tx + u[1] * ty);
        *o++ = (float)(u[1] * tx - u[0] * ty);
        *o++ = (float)((ex * tx + ey * ty) * per_unit);
        *o++ = (float)((ey * tx - ex * ty) * per_unit);
        *o++ = (float)((moved[0] * tx + moved[1] * ty) * per_unit);
        *o++ = (float)((moved[1] * tx - moved[0] * ty) * per_unit);
        *o++ = (float)(moved[2] * per_unit);
        /* What a closed loop took off the command is no part of what was wanted. */
        const double gain = b->tick[slot] ? b->noise[HB_NOISE * slot + HB_FEEDBACK] : 0.0, *error = b->drift + 3 * slot;
        double cx = command[0] + gain * error[0] - pose[0], cy = command[1] + gain * error[1] - pose[1];
        *o++ = (float)((cx * tx + cy * ty) * per_unit);
        *o++ = (float)((cy * tx - cx * ty) * per_unit);
        *o++ = (float)((command[2] + gain * error[2] - pose[2]) * per_unit);

        *o++ = (float)((double)now / (double)ticks);
        *o++ = (float)((double)(ticks - now) * 0.0625);
        *o++ = (float)((double)counts[HB_TOTAL_IN] / area);
        *o++ = (float)((double)counts[HB_TOTAL_OUT] / area);
        *o++ = (float)(sqrt(area) / b->per_metre * per_far);

        for (int32_t i = 0; i < HB_AHEAD; i++) {
            int32_t at = next + AHEAD[i] < ticks ? next + AHEAD[i] : ticks;
            const double *point = track + (ptrdiff_t)at * HB_TRACK;
            double dx = point[HB_MID_X] - pose[0], dy = point[HB_MID_Y] - pose[1];
            double px = point[HB_TANGENT_X], py = point[HB_TANGENT_Y];
            *o++ = (float)((dx * tx + dy * ty) * per_far);
            *o++ = (float)((dy * tx - dx * ty) * per_far);
            *o++ = (float)(point[HB_RADIUS] * per_unit);
            *o++ = (float)(px * tx + py * ty);
            *o++ = (float)(py * tx - px * ty);
        }
        if (b->observation_size == HB_OBS_TRACK)
            continue;

        field f;
        f.distance = g->distance + g->distance_offset[goal];
        f.ink = b->ink + slot * b->ink_stride;
        f.columns = window[2];
        f.rows = window[3];
        f.words = (window[2] * b->supersample + 63) >> 6;
        f.supersample = b->supersample;
        f.left = (double)window[0];
        f.top = (double)window[1];
        f.per_metre = pixels;
        f.quarter = 0.25 / pixels * per_unit;

        for (int32_t i = 0; i < HB_DISCS; i++) {
            int32_t at = next + AHEAD[i] < ticks ? next + AHEAD[i] : ticks;
            const double *point = track + (ptrdiff_t)at * HB_TRACK;
            double x = point[HB_MID_X], y = point[HB_MID_Y], radius = point[HB_RADIUS];
            double px = point[HB_TANGENT_X] * radius, py = point[HB_TANGENT_Y] * radius;
            *o++ = (float)distance_at(&f, x + py, y - px);
            *o++ = (float)distance_at(&f, x + px, y + py);
            *o++ = (float)distance_at(&f, x - py, y + px);
        }
        double base_x = pose[0] + tuft[2] * u[0], base_y = pose[1] + tuft[2] * u[1];
        double half = tuft[0] * 0.5, back = b->params[HB_PARAMS * slot + HB_BACK_RATIO] * half;
        for (int32_t i = 0; i < HB_CONTOUR; i++) {
            int32_t vertex = i * b->vertices / HB_CONTOUR;
            double along = (double)b->footprint[vertex], across = (double)b->footprint[b->vertices + vertex];
            double s = along * (along > 0.0 ? tuft[1] : back), t = across * half;
            *o++ = (float)distance_at(&f, base_x + s * u[0] - t * u[1], base_y + s * u[1] + t * u[0]);
        }
        double pitch = b->unit * 0.5;
        for (int32_t i = 0; i < HB_PATCH_ALONG; i++)
            for (int32_t j = 0; j < HB_PATCH_ACROSS; j++) {
                double along = (double)(i - 3) * pitch, across = (double)(j - HB_PATCH_ACROSS / 2) * pitch;
                look(&f, pose[0] + along * tx - across * ty, pose[1] + along * ty + across * tx, o, o + 1);
                o += 2;
            }
    }
}
