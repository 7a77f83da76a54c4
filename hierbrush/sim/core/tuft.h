/* The tuft of one brush, by which strokes and ink are both drawn. */
#ifndef HB_TUFT_H
#define HB_TUFT_H

#include "brush.h"
#include "clones.h"

#include <math.h>

#define HB_GRID 4294967296.0 /* 2^32 steps a metre: handle positions add and subtract without rounding */
#define HB_NEAR 1e-9         /* metres: a root nearer than this gives no direction */

HB_INLINE double on_grid(double metres) { return rint(metres * HB_GRID) * (1.0 / HB_GRID); }

/* Move the handle to (x, y, z) in one substep; the tuft trails towards where its root was. The state is the handle's
   pose [3], the root [2] and the direction u [2]; the tuft [3] is its width, length and offset. */
HB_INLINE void hb_trail(const double *p, double *pose, double *root, double *u, double *tuft, double x, double y, double z)
{
    double rx = root[0] - (x - pose[0]), ry = root[1] - (y - pose[1]);
    double depth = z < p[HB_MAX_DEPTH] ? z : p[HB_MAX_DEPTH];
    double width = p[HB_WIDTH_SLOPE] * depth + p[HB_WIDTH_INTERCEPT];
    double length = p[HB_LENGTH_SLOPE] * depth + p[HB_LENGTH_INTERCEPT];
    pose[0] = x;
    pose[1] = y;
    pose[2] = z;
    if (!(z > 0.0) || !(width > 0.0) || !(length > 0.0)) { /* lifted: the tuft springs straight */
        root[0] = root[1] = 0.0;
        tuft[0] = tuft[1] = tuft[2] = 0.0;
        return;
    }
    double offset = (p[HB_OFFSET_QUADRATIC] * depth + p[HB_OFFSET_SLOPE]) * depth + p[HB_OFFSET_INTERCEPT];
    offset = offset > 0.0 ? offset : 0.0;
    double distance = sqrt(rx * rx + ry * ry);
    if (distance > HB_NEAR) {
        u[0] = rx / distance;
        u[1] = ry / distance;
    }
    double behind = p[HB_ROOT_RATIO] * length;
    if (distance < offset + behind)
        offset = distance - behind; /* the root stays where it is */
    root[0] = (offset + behind) * u[0];
    root[1] = (offset + behind) * u[1];
    tuft[0] = width;
    tuft[1] = length;
    tuft[2] = offset;
}

#endif
