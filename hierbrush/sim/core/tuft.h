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

HB_INLINE double hb_bounded(double value, double low, double high)
{
    value = value > low ? value : low;
    return value < high ? value : high;
}

/* What a network says of x [HB_NET_IN]: sums over the inputs in order, one hidden layer that is 0 where negative. */
HB_INLINE void hb_consult(const double *net, const double *x, double *out)
{
    const double *first = net + HB_NET_IN * HB_NET_HIDDEN, *second = first + HB_NET_HIDDEN, *last = second + HB_NET_HIDDEN * HB_NET_OUT;
    double hidden[HB_NET_HIDDEN];
    for (int j = 0; j < HB_NET_HIDDEN; j++)
        hidden[j] = first[j];
    for (int i = 0; i < HB_NET_IN; i++)
        for (int j = 0; j < HB_NET_HIDDEN; j++)
            hidden[j] += x[i] * net[HB_NET_HIDDEN * i + j];
    for (int k = 0; k < HB_NET_OUT; k++)
        out[k] = last[k];
    for (int j = 0; j < HB_NET_HIDDEN; j++) {
        double on = hidden[j] > 0.0 ? hidden[j] : 0.0;
        for (int k = 0; k < HB_NET_OUT; k++)
            out[k] += on * second[HB_NET_OUT * j + k];
    }
}

/* The same as hb_trail by a brush with a network: its mark is wider and longer by what the network says, lies further on, its
   root further behind, and keeps its place as far as the network lets it. A network of zeros changes nothing but rounding. */
HB_INLINE void hb_trail_by(const double *p, const double *net, double *pose, double *root, double *u, double *tuft, double x, double y,
                           double z)
{
    double mx = x - pose[0], my = y - pose[1], dz = z - pose[2];
    double rx = root[0] - mx, ry = root[1] - my;
    double depth = z < p[HB_MAX_DEPTH] ? z : p[HB_MAX_DEPTH];
    double width = p[HB_WIDTH_SLOPE] * depth + p[HB_WIDTH_INTERCEPT];
    double length = p[HB_LENGTH_SLOPE] * depth + p[HB_LENGTH_INTERCEPT];
    pose[0] = x;
    pose[1] = y;
    pose[2] = z;
    if (!(z > 0.0) || !(width > 0.0) || !(length > 0.0)) {
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
    double far = sqrt(mx * mx + my * my), moved = sqrt(far * far + dz * dz), q = depth * 100.0;
    double along = far > HB_NEAR ? (mx * u[0] + my * u[1]) / far : 0.0, press = moved > HB_NEAR ? dz / moved : 0.0;
    double seen[HB_NET_IN] = {q, q * q, along, along * along, press}, said[HB_NET_OUT];
    hb_consult(net, seen, said);
    width *= 1.0 + hb_bounded(said[0], -0.5, 0.5);
    length *= 1.0 + hb_bounded(said[1], -0.5, 0.5);
    double shift = 0.01 * hb_bounded(said[2], -1.0, 1.0);
    double behind = p[HB_ROOT_RATIO] * length + 0.01 * hb_bounded(said[3], 0.0, 2.0);
    double arm = offset + behind;
    if (distance < arm) {
        double slack = (arm - distance) * hb_bounded(1.0 + said[4], 0.0, 1.0);
        offset -= slack;
        arm -= slack;
    }
    root[0] = arm * u[0];
    root[1] = arm * u[1];
    tuft[0] = width;
    tuft[1] = length;
    tuft[2] = offset + shift;
}

#endif
